"""The conductor of runs: claims them, has workers train them, searches, reproduces, mirrors.

The only room that knows both training and the store. Workers know no database and speak with
their conductor in messages.
"""
