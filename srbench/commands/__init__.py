"""The commands, grouped by what they are about: each parses, calls and prints, and decides nothing.

A command is a function with its help as docstring; `srbench.cli` lists them all.
"""
