"""The header of a safetensors file, looked through before the library reads the rest.

The format: 8 bytes of header length, a JSON object, the numbers.
https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from srbench.core.errors import InputError, UserError

MAX_HEADER, MAX_TENSORS = 4_000_000, 10_000


def is_one(start: bytes) -> bool:
    """Whether a file that begins like this is a safetensors file."""
    return len(start) > 9 and start[8:9] == b"{" and start[:2] != b"PK"


def check(file: BinaryIO, size: int) -> None:
    """Refuse a header that is too large, says a name twice, or leaves the file.

    Raises:
        InputError: without a place; whoever opened the file names it.
    """
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > MAX_HEADER:
        raise InputError(
            f"claims a safetensors header of {length:,} bytes; at most {MAX_HEADER:,} are read"
        )
    if 8 + length > size:
        raise InputError("is cut off inside its safetensors header; download or save it again")
    try:
        entries = json.loads(file.read(length), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise InputError(f"has a broken safetensors header ({error}); download it again") from None
    if len(entries) > MAX_TENSORS:
        raise InputError(f"names {len(entries):,} tensors; at most {MAX_TENSORS:,} are read")
    here = size - 8 - length
    for name, entry in entries.items():
        if name != "__metadata__":
            _check_entry(name, entry, here)


def _check_entry(name: str, entry: Any, here: int) -> None:
    ends = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(ends, list) or [type(end) for end in ends] != [int, int]:
        raise InputError(f"has a broken safetensors header ({name!r:.80} has no place in the file)")
    if not 0 <= ends[0] <= ends[1] <= here:
        raise InputError(
            f"is cut off, or was changed: {name!r:.80} ends at byte {ends[1]:,} of {here:,}; "
            "download or save it again"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"has {twice!r:.80} twice in its header; save it anew")
    return found
