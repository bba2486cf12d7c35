"""Whole networks: parts of the slot `model`."""
