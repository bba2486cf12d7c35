"""A cache of plain values in the user's cache folder; each value follows from its key.

Where the folder cannot be read or written, the value is computed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from platformdirs import user_cache_path


def cached(kind: str, key: str, make: Callable[[], Any]) -> Any:
    """The stored value of `kind` and `key`, or the result of `make`, which is then stored."""
    file = user_cache_path("srbench") / kind / f"{key[:32]}.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        value = make()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        aside.write_text(json.dumps(value), encoding="utf-8")
        aside.replace(file)
    return value
