"""Files of weights, read as named tensors; nothing in a file is run.

The content decides the format: safetensors, torch's zip archives, torch's files from before 1.6.
What a file declares is compared with its size first; then safetensors or torch's `weights_only`
reads it. Since 2.10 torch compares each storage with its entry in the archive.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from srbench.core.errors import InputError, UserError, first_line
from srbench.core.weights_pickle import check_pickle

MAX_MEGABYTES = 2_000
MAX_HEADER, MAX_ENTRIES = 4_000_000, 10_000
ZIP, ZIP_ENTRY, ZIP_ENCRYPTED = b"PK\x03\x04", b"PK\x01\x02", 1
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the pickle of torch's magic number
WRAPPERS = ("params_ema", "params", "state_dict", "model")
PARALLEL = "module."  # what DataParallel puts before each name
RESAVE = "load it where you trust it, and save the network's state_dict() as .safetensors"
MISTAKEN = {
    b"<": "a web page, as a failed download leaves it; download the file again",
    b"version https://git-lfs": "a pointer of git LFS; fetch the file itself with git lfs pull",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x89HDF": "an HDF5 file, as Keras writes; convert it to .safetensors",
    b"\x93NUMPY": "a NumPy array; save a state_dict() of named tensors",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}


def load_weights(path: Path) -> dict[str, Tensor]:
    """Named tensors on the CPU, from a .safetensors, .pth or .pt file.

    Weights inside `params_ema`, `params`, `state_dict` or `model` are taken out, and `module.`
    before every name is removed.

    Raises:
        InputError: not such a file, damaged, built to harm, or without weights in it.
    """
    try:
        content = _content(path)
        return _named_tensors(_unwrapped(_parsed(content, path)), len(content))
    except UserError as error:
        raise InputError(error.problem, place=error.place or str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"cannot be read: {reason}", place=str(path)) from None
    except MemoryError:
        raise InputError("there is not enough memory to read it", place=str(path)) from None
    except Exception as error:  # the parsers raise errors of many types
        raise InputError(
            f"is damaged, or not what its beginning says ({first_line(error)}); "
            "download or save it again",
            place=str(path),
        ) from error


def stored_weights(file: Path, sha256: str | None) -> dict[str, Tensor]:
    """Named tensors of a file that a run wrote.

    Raises:
        InputError: the file cannot be read, or its SHA-256 is not the stored one.
    """
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError("was changed after the run: its SHA-256 differs", place=str(file))
    return safetensors.torch.load(content)


def _content(path: Path) -> bytes:
    """The bytes of a regular file of at most MAX_MEGABYTES."""
    with open(path, "rb", opener=_without_waiting) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise InputError("is not a regular file; name a .safetensors, .pth or .pt file")
        if about.st_size > MAX_MEGABYTES * 10**6:
            raise InputError(
                f"has {about.st_size / 1e6:,.0f} MB; at most {MAX_MEGABYTES:,} MB are read"
            )
        return file.read(about.st_size)


def _without_waiting(name: str, flags: int) -> int:
    """Open a file; a named pipe does not block until a process writes to it."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _parsed(content: bytes, path: Path) -> Any:
    """The value in a file of any of the three formats."""
    if content[8:9] == b"{" and not content.startswith(b"PK"):
        _check_header(content)
        return safetensors.torch.load(content)
    if content.startswith((ZIP, b"PK\x05\x06")):
        archive = io.BytesIO(_checked_archive(content))
        return torch.load(archive, map_location="cpu", weights_only=True)
    if content.startswith(LEGACY):
        return _legacy(content)
    raise InputError(_mistaken(content, path))


def _mistaken(content: bytes, path: Path) -> str:
    """What a file is that holds no weights."""
    start = content[:64].lstrip()
    found = [what for first, what in MISTAKEN.items() if start.startswith(first)]
    if not content:
        found = ["empty; download or save it again"]
    elif not found and tarfile.is_tarfile(path):
        found = [f"a tar archive, as torch wrote before 2017; {RESAVE}"]
    elif not found and start[:1] == b"\x80":
        found = [f"a pickle that torch.save did not write; {RESAVE}"]
    kinds = "neither a .safetensors file nor one that torch.save wrote; name another file"
    return f"is {found[0] if found else kinds}"


def _check_header(content: bytes) -> None:
    """Refuse a safetensors header that is too long, or that has a name twice.

    The library compares shapes and places with the file. The format: 8 bytes of header length, a
    JSON object, the numbers. https://github.com/huggingface/safetensors
    """
    length = int.from_bytes(content[:8], "little")
    if length > MAX_HEADER:
        raise InputError(
            f"claims a safetensors header of {length:,} bytes; at most {MAX_HEADER:,} are read"
        )
    entries = json.loads(content[8 : 8 + length], object_pairs_hook=_once)
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"names {len(entries):,} tensors; at most {MAX_ENTRIES:,} are read")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without repeated keys."""
    _refuse_repeated([name for name, _ in pairs])
    return dict(pairs)


def _refuse_repeated(names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"has {twice[0]!r:.80} twice in it; save it again")


def _checked_archive(content: bytes) -> bytes:
    """A copy of torch's zip archive, of what was checked: other readers may see other entries."""
    count = content.count(ZIP_ENTRY)  # before zipfile makes an object of each
    if count > MAX_ENTRIES:
        raise InputError(f"is an archive of {count:,} entries; at most {MAX_ENTRIES:,} are read")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = _checked_entries(archive, len(content))
        found = {entry.filename: archive.read(entry) for entry in entries}  # compares check sums
    tops = {name.partition("/")[0] for name in found}
    top = min(tops, default="")
    if f"{top}/constants.pkl" in found or any(n.startswith(f"{top}/code/") for n in found):
        raise InputError(
            "is a TorchScript program, not weights; load it where you trust it, and save its "
            "state_dict()"
        )
    if len(tops) != 1 or f"{top}/data.pkl" not in found:
        raise InputError(
            "is an archive that torch.save did not write; if weights are inside, unpack it first"
        )
    if found.get(f"{top}/byteorder", b"little").decode() != sys.byteorder:
        raise InputError(f"was written with another byte order; {RESAVE}")
    check_pickle(io.BytesIO(found[f"{top}/data.pkl"]), len(content))
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as clean:
        for name, data in found.items():
            clean.writestr(name, data)
    return copy.getvalue()


def _checked_entries(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The archive's entries: each stored as it is, once, and all together within the file."""
    entries = archive.infolist()
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & ZIP_ENCRYPTED:
            raise InputError(
                f"{entry.filename!r:.80} in it is compressed or encrypted, which torch.save never "
                "does; unpack what is inside, or save the weights again"
            )
    if sum(entry.file_size for entry in entries) > size:
        raise InputError("claims to unpack to more than it holds; do not use it")
    _refuse_repeated([entry.filename for entry in entries])
    return entries


def _legacy(content: bytes) -> Any:
    """The value in a file from before torch 1.6: five pickles, then the bytes of each storage."""
    stream: BinaryIO = io.BytesIO(content)
    for _ in ("magic number", "protocol", "machine", "value", "keys of storages"):
        check_pickle(stream, len(content))
    left = len(content) - stream.tell()

    def placed(storage: Any, _: str) -> Any:
        """Zeros of the declared size, which no tensor can enlarge; torch reads the bytes later."""
        nonlocal left
        left -= storage.nbytes()
        if left < 0:
            raise InputError("claims numbers that are not in it; download or save it again")
        return torch.from_numpy(np.zeros(storage.nbytes(), np.uint8)).untyped_storage()

    stream.seek(0)
    return torch.load(stream, map_location=placed, weights_only=True)


def _unwrapped(found: Any) -> dict[Any, Any]:
    """The innermost dictionary of tensors."""
    for _ in range(len(WRAPPERS)):
        if not isinstance(found, dict):
            break
        inner = (dict.get(found, key) for key in WRAPPERS)
        within = next((value for value in inner if isinstance(value, dict)), None)
        if within is None:
            break
        found = within
    if not isinstance(found, dict):
        raise InputError(f"holds a {type(found).__name__}, not named tensors; {RESAVE}")
    return found


def _named_tensors(found: dict[Any, Any], size: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in dict.items(found):  # an attribute in the file may hide found.items
        if not isinstance(name, str) or not isinstance(value, Tensor):
            shown = f"{name!r:.80}" if isinstance(name, str | int) else type(name).__name__
            raise InputError(
                f"holds {shown}, a {type(value).__name__}, where named tensors are expected, at "
                f"its top or in one of {', '.join(WRAPPERS)}; {RESAVE}"
            )
        _check_tensor(name, value, size)
        tensors[name] = value.detach()
    if not tensors:
        raise InputError("holds no tensor; save the network's state_dict()")
    if all(name.startswith(PARALLEL) for name in tensors):
        return {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}
    return tensors


def _check_tensor(name: str, tensor: Tensor, size: int) -> None:
    """Refuse a tensor that is not dense, or that has more numbers than a file of `size` bytes."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_quantized or tensor.is_nested:
        raise InputError(f"{name!r:.80} is not a plain dense tensor; {RESAVE}")
    here = tensor.untyped_storage().nbytes()
    if here > size or tensor.numel() * tensor.element_size() > here:
        raise InputError(f"{name!r:.80} claims {tensor.numel():,} numbers that are not in the file")
