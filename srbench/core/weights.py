"""Files of weights, read as named tensors; nothing in a file is run.

The content decides the format: safetensors, torch's zip archives (TorchScript among them), torch's
files from before 1.6. What a file declares is compared with its size first; then safetensors or
torch's `weights_only` reads it. A tensor's name is the path of keys to it,
`params_ema.entry.weight`; in a TorchScript program the first key is `TorchScript`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from srbench.core.errors import InputError, UserError, first_line
from srbench.core.places import PUT_BACK
from srbench.core.weights_pickle import PLAIN, RESAVE, Refused, Unread, plain_pickle

MAX_MEGABYTES = 2_000
MAX_HEADER, MAX_ENTRIES, MAX_VALUES, MAX_DEPTH = 4_000_000, 10_000, 200_000, 64
MOST_KEYS = 8  # that an error names
ZIP, ZIP_ENTRY, ZIP_ENCRYPTED = b"PK\x03\x04", b"PK\x01\x02", 1
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the pickle of torch's magic number
MISTAKEN = {
    b"<": "a web page, as a failed download leaves it; download the file again",
    b"version https://git-lfs": "a pointer of git LFS; fetch the file itself with git lfs pull",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x89HDF": "an HDF5 file, as Keras writes; convert it to .safetensors",
    b"MATLAB": "a MATLAB file; convert it to .safetensors",
    b"\x93NUMPY": "a NumPy array; save a state_dict() of named tensors",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
NO_MEMORY = "there is not enough memory to read it"
CLAIMS = "claims numbers that are not in it; download or save it again"
ONNX = "an ONNX program; export the weights of the network it was made of"


def load_weights(path: Path) -> dict[str, Tensor]:
    """Every tensor of a .safetensors, .pth, .pt or .ckpt file, on the CPU, by its path of keys.

    Raises:
        InputError: not such a file, damaged, built to harm, or without tensors.
    """
    try:
        content = _content(path)
        return _named_tensors(_parsed(content, path), len(content))
    except UserError as error:
        raise InputError(error.problem, place=error.place or str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"cannot be read: {reason}", place=str(path)) from None
    except MemoryError:
        raise InputError(NO_MEMORY, place=str(path)) from None
    except Refused as error:
        line = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
        raise InputError(
            f"is damaged, or contains what is not read ({line:.160}); {RESAVE}", place=str(path)
        ) from None
    except Exception as error:  # the parsers raise errors of many types
        raise InputError(_cause(error, path.stat().st_size), place=str(path)) from error


def _cause(error: Exception, size: int) -> str:
    """What one of the parsers' errors says of a file of `size` bytes."""
    asked = re.search(r"you tried to allocate (\d+) bytes", str(error))
    if asked:
        return NO_MEMORY if int(asked[1]) <= size else CLAIMS
    line = first_line(error)
    return f"is damaged, or not what its beginning says ({line}); download or save it again"


def stored_weights(file: Path, sha256: str | None) -> dict[str, Tensor]:
    """Named tensors of a file that a run wrote.

    Raises:
        InputError: the file cannot be read, or its SHA-256 is not the stored one.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        problem = f"is not there; was the database moved without its folder runs? {PUT_BACK}"
        raise InputError(problem, place=str(file)) from None
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
    with torch.serialization.safe_globals(PLAIN):
        if content.startswith((ZIP, b"PK\x05\x06")):
            archive, is_program = _plain_archive(content)
            value = torch.load(archive, map_location="cpu", weights_only=True)
            return {"TorchScript": value} if is_program else value
        if content.startswith(LEGACY):
            return _legacy(content)
    raise InputError(_mistaken(content, path))


def _mistaken(content: bytes, path: Path) -> str:
    """What a file without weights is."""
    start = content[:64].lstrip()
    found = [what for first, what in MISTAKEN.items() if start.startswith(first)]
    if not content:
        found = ["empty; download or save it again"]
    elif not found and tarfile.is_tarfile(path):
        found = [f"a tar archive, as torch wrote before 2017; {RESAVE}"]
    elif not found and start[:1] == b"\x80":
        found = [f"a pickle that torch.save did not write; {RESAVE}"]
    elif not found and start[:1] == b"\x08" and start[2:3] == b"\x12":  # version, then producer
        found = [ONNX]
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


def _plain_archive(content: bytes) -> tuple[io.BytesIO, bool]:
    """A copy of what torch reads in its zip archive, checked: other readers may see other entries.

    TorchScript stores its tensors as torch.save does, with a program, which is ignored; also
    returns whether there was one.
    """
    count = content.count(ZIP_ENTRY)  # before zipfile makes an object of each
    if count > MAX_ENTRIES:
        raise InputError(f"is an archive of {count:,} entries; at most {MAX_ENTRIES:,} are read")
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        _refuse_repeated([entry.filename for entry in entries])
        tops = {entry.filename.partition("/")[0] for entry in entries}
        top = min(tops, default="")
        needed = {e.filename: e for e in entries if _is_data(e.filename.removeprefix(f"{top}/"))}
        _check_entries(list(needed.values()), len(content))
        if all(entry.filename.endswith(".npy") for entry in entries) and entries:
            raise InputError("is an archive of NumPy arrays; save them as tensors")
        if len(tops) != 1 or f"{top}/data.pkl" not in needed:
            raise InputError(
                "is an archive that torch.save did not write; unpack it if weights are inside"
            )
        order = needed.get(f"{top}/byteorder")
        if order is not None and archive.read(order).decode() != sys.byteorder:
            raise InputError(f"was written with another byte order; {RESAVE}")
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as plain:
            for name, entry in needed.items():
                data = archive.read(entry)  # compares check sums
                is_pickle = name == f"{top}/data.pkl"
                plain.writestr(name, plain_pickle(io.BytesIO(data)) if is_pickle else data)
    copy.seek(0)
    return copy, any(entry.filename == f"{top}/constants.pkl" for entry in entries)


def _is_data(name: str) -> bool:
    """Whether torch.load needs this entry: the value, its numbers, the format."""
    return name in ("data.pkl", "byteorder", "version") or name.startswith(("data/", ".data/"))


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Each is stored as it is, and all together are within the file."""
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & ZIP_ENCRYPTED:
            raise InputError(
                f"{entry.filename!r:.80} in it is compressed or encrypted, which torch.save never "
                "does; unpack what is inside, or save the weights again"
            )
    if sum(entry.file_size for entry in entries) > size:
        raise InputError("claims to unpack to more than it holds; do not use it")


def _legacy(content: bytes) -> Any:
    """The value in a file from before torch 1.6: five pickles, then the bytes of each storage."""
    stream = io.BytesIO(content)
    parts = ("magic number", "protocol", "machine", "value", "keys of storages")
    pickles = [plain_pickle(stream) for _ in parts]
    numbers = stream.read()
    left = len(numbers)

    def placed(storage: Any, _: str) -> Any:
        """Zeros of the declared size, which no tensor can enlarge; torch reads the bytes later."""
        nonlocal left
        left -= storage.nbytes()
        if left < 0:
            raise InputError(CLAIMS)
        return torch.from_numpy(np.zeros(storage.nbytes(), np.uint8)).untyped_storage()

    plain = io.BytesIO(b"".join([*pickles, numbers]))
    return torch.load(plain, map_location=placed, weights_only=True)


def _named_tensors(found: Any, size: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in _walked(found):
        if name in tensors:
            raise InputError(f"has two tensors of the name {name!r:.80}; {RESAVE}")
        _check_tensor(name, value, size)
        tensors[name] = value.detach()
    if not tensors:
        raise InputError(_empty(found))
    if len(tensors) > MAX_ENTRIES:
        raise InputError(f"names {len(tensors):,} tensors; at most {MAX_ENTRIES:,} are read")
    return tensors


def _empty(found: Any) -> str:
    if isinstance(found, dict) and "TorchScript" in found:
        return "is a TorchScript program without named tensors; save a state_dict() before freezing"
    keys = (
        [key for key in dict.keys(found) if isinstance(key, str)] if isinstance(found, dict) else []
    )
    there = f" (its keys: {', '.join(f'{key:.40}' for key in keys[:MOST_KEYS])})" if keys else ""
    objects = isinstance(found, dict) and any(isinstance(v, Unread) for v in found.values())
    arrays = " (NumPy arrays and sparse tensors are not read)" if objects else ""
    return f"contains no named tensors{there}; save the network's state_dict(){arrays}"


def _walked(found: Any) -> Iterator[tuple[str, Tensor]]:
    """Each tensor in dictionaries, lists and modules, with the keys to it."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), found)]
    seen = 0
    while todo:
        keys, value = todo.pop()
        if isinstance(value, Tensor) and keys:
            yield ".".join(keys), value
        inner = _inner(value) if len(keys) < MAX_DEPTH else []
        seen += len(inner)
        if seen > MAX_VALUES:
            raise InputError(f"contains more than {MAX_VALUES:,} values; {RESAVE}")
        todo += [((*keys, str(key)), one) for key, one in reversed(inner)]


def _inner(value: Any) -> list[tuple[Any, Any]]:
    """Keys and values in a value: of a module its parameters, buffers and modules."""
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    state = value.state if isinstance(value, Unread) else value
    if not isinstance(state, dict):
        return []
    if isinstance(value, Unread) and "_parameters" in state:
        kinds = (dict.get(state, kind) for kind in ("_parameters", "_buffers", "_modules"))
        return [pair for kind in kinds if isinstance(kind, dict) for pair in dict.items(kind)]
    return [  # an attribute in the file may hide state.items
        (key, one) for key, one in dict.items(state) if isinstance(key, str | int)
    ]


def _check_tensor(name: str, tensor: Tensor, size: int) -> None:
    """Refuse a tensor that has more numbers than a file of `size` bytes, or than its storage."""
    here = tensor.untyped_storage().nbytes()
    if here > size or tensor.numel() * tensor.element_size() > here:
        raise InputError(f"{name!r:.80} claims {tensor.numel():,} numbers that are not in the file")
