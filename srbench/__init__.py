"""srbench: does this block help, by how much, and at what cost?"""

__version__ = "0.1.0"
