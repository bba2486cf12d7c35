"""srbench: does this block help, by how much, and at what cost?

`srbench.slots` registers and builds parts, `srbench.document` reads what a study writes of them.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:  # late: the version alone needs no other module
    if name in ("slots", "document"):
        return import_module(f"srbench.core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
