"""The conductor of runs: claims them, has workers train them, searches, reproduces, mirrors.

The only room that imports both training and the store. Workers have no database; they exchange
messages with their conductor.
"""
