"""Weights from files of others: read without running anything that stands in them.

A file is looked through before torch or safetensors gets it: what it is, how much it would take,
which names it asks for. There is no second way in when the first one refuses.
"""

from srbench.weights.load import load_weights

__all__ = ["load_weights"]
