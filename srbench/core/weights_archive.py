"""torch's zip files: looked through, then written anew from what was seen.

torch gets the copy: two readers of zip may see two different archives in the same bytes.
"""

from __future__ import annotations

import io
import zipfile

from srbench.core.errors import InputError
from srbench.core.weights_pickles import look_through

MAX_ENTRIES = 10_000
ENTRY = b"PK\x01\x02"  # what each entry of the directory begins with
ENCRYPTED = 1


def is_one(start: bytes) -> bool:
    """Whether a file that begins like this is a zip archive."""
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def checked(content: bytes) -> bytes:
    """The archive with nothing in it but what was checked.

    Raises:
        InputError: without a place; whoever opened the file names it.
    """
    entries = content.count(ENTRY)  # before zipfile makes an object of each
    if entries > MAX_ENTRIES:
        raise InputError(f"is an archive of {entries:,} entries; at most {MAX_ENTRIES:,} are read")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = _read(archive, len(content))
    top = _top(found)
    _check_storages(found, top)
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as clean:
        for name, data in found.items():
            clean.writestr(name, data)
    return copy.getvalue()


def _read(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    entries = archive.infolist()
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & ENCRYPTED:
            raise InputError(
                f"{entry.filename!r:.80} in it is compressed or encrypted, which torch.save never "
                "does; unpack what is inside, or save the weights anew"
            )
    if sum(entry.file_size for entry in entries) > size:
        raise InputError("claims to unpack to more than it holds; do not use it")
    found: dict[str, bytes] = {}
    for entry in entries:
        if entry.filename in found:
            raise InputError(f"has {entry.filename!r:.80} twice in it; save the weights anew")
        found[entry.filename] = archive.read(entry)  # compares the check sum, too
    return found


def _top(found: dict[str, bytes]) -> str:
    """The folder that everything in the archive lies in."""
    tops = {name.partition("/")[0] for name in found}
    top = next(iter(tops), "")
    if any(name.startswith(f"{top}/code/") for name in found) or f"{top}/constants.pkl" in found:
        raise InputError(
            "is a TorchScript program, not weights; load it where you trust it, and save its "
            "state_dict()"
        )
    if len(tops) != 1 or f"{top}/data.pkl" not in found:
        raise InputError(
            "is an archive that torch.save did not write; if weights are inside, unpack it first"
        )
    return top


def _check_storages(found: dict[str, bytes], top: str) -> None:
    for storage in look_through(io.BytesIO(found[f"{top}/data.pkl"])).values():
        here = len(found.get(f"{top}/data/{storage.key}", b""))
        if storage.nbytes > here:
            raise InputError(
                f"claims {storage.nbytes:,} bytes of numbers where {here:,} are; "
                "download or save it again"
            )
