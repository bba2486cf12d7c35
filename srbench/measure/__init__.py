"""Scores and cost of a network, and the stopwatch and rounds that times are taken with."""
