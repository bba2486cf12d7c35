"""torch's files from before 1.6: five pickles, then the numbers of each storage.

Every length is compared with the file before torch makes room for it.
"""

from __future__ import annotations

import io

from srbench.core.errors import InputError
from srbench.core.weights_pickles import look_through, plain_value

START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the pickle of torch's magic number
COUNT = 8  # bytes that say how many numbers follow


def is_one(start: bytes) -> bool:
    """Whether a file that begins like this was written by an older torch.save."""
    return start.startswith(START)


def check(content: bytes) -> None:
    """Refuse names that no weights need, and lengths that do not fit the file.

    Raises:
        InputError: without a place; whoever opened the file names it.
    """
    stream = io.BytesIO(content)
    for _ in ("magic number", "protocol", "the machine that wrote it"):
        plain_value(stream)
    storages = look_through(stream)
    keys = plain_value(stream)
    if not isinstance(keys, list) or sorted(map(repr, keys)) != sorted(map(repr, storages)):
        raise InputError("lists other storages than its tensors use; download or save it again")
    place = stream.tell()
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(content[place : place + COUNT], "little")
        place += COUNT + storage.nbytes
        if count != storage.count or place > len(content):
            raise InputError(
                f"claims {storage.nbytes:,} bytes of numbers that are not in it; "
                "download or save it again"
            )
