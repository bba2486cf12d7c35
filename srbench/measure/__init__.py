"""Scores, cost and latency of a network."""
