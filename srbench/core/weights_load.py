"""One file of weights to named tensors, or a refusal that says what the file is and what to do.

Formats are told by content, not by name: safetensors, torch's zip files, torch's older files.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from srbench.core import weights_archive, weights_header, weights_legacy
from srbench.core.errors import InputError, UserError, first_line

MAX_MEGABYTES = 2_000
WRAPPERS = ("params_ema", "params", "state_dict", "model")
PARALLEL = "module."  # what DataParallel puts before each name
ANEW = "load it where you trust it, and save the network's state_dict() anew, best as .safetensors"
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
    before every name is left out. Nothing in the file is run.

    Raises:
        InputError: not such a file, damaged, built to harm, or without weights in it.
    """
    try:
        return _plain_names(_unwrapped(_read(path)))
    except UserError as error:
        raise InputError(error.problem, place=error.place or str(path)) from None
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise InputError(f"cannot be read: {said}", place=str(path)) from None
    except MemoryError:
        raise InputError("there is not enough memory to read it", place=str(path)) from None
    except Exception as error:  # parsers raise whatever their reading stumbles over
        raise InputError(
            f"is damaged, or not what its beginning says ({first_line(error)}); "
            "download or save it again",
            place=str(path),
        ) from error


def _read(path: Path) -> Any:
    with open(path, "rb", opener=_unblocked) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise InputError("is not a regular file; name a .safetensors, .pth or .pt file")
        if about.st_size > MAX_MEGABYTES * 10**6:
            raise InputError(
                f"has {about.st_size / 1e6:,.0f} MB; at most {MAX_MEGABYTES:,} MB are read"
            )
        start = file.read(64)
        if not start:
            raise InputError("is empty; download or save it again")
        if weights_header.is_one(start):
            weights_header.check(file, about.st_size)
            file.seek(0)
            return safetensors.torch.load(file.read())
        if not weights_archive.is_one(start) and not weights_legacy.is_one(start):
            raise InputError(_mistaken(start, path))
        file.seek(0)
        content = file.read()
    if weights_archive.is_one(start):
        content = weights_archive.checked(content)
    else:
        weights_legacy.check(content)
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _unblocked(name: str, flags: int) -> int:
    """Open without waiting: a named pipe would otherwise wait for somebody to write."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _mistaken(start: bytes, path: Path) -> str:
    found = [what for first, what in MISTAKEN.items() if start.lstrip().startswith(first)]
    if not found and tarfile.is_tarfile(path):
        found = [f"a tar archive, as torch wrote before 2017; {ANEW}"]
    if not found and start[:1] == b"\x80":
        found = [f"a pickle that torch.save did not write; {ANEW}"]
    return f"is {found[0]}" if found else (
        "is neither a .safetensors file nor one that torch.save wrote; name another file"
    )  # fmt: skip


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
        raise InputError(f"holds a {type(found).__name__}, not named tensors; {ANEW}")
    return found


def _plain_names(found: dict[Any, Any]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in dict.items(found):  # an attribute of the file's may hide found.items
        if not isinstance(name, str) or not isinstance(value, Tensor):
            shown = f"{name!r:.80}" if isinstance(name, str | int) else type(name).__name__
            raise InputError(
                f"holds {shown}, a {type(value).__name__}, where named tensors are expected, at "
                f"its top or in one of {', '.join(WRAPPERS)}; {ANEW}"
            )
        tensors[name] = _whole(name, value)
    if not tensors:
        raise InputError("holds no tensor; save the network's state_dict()")
    if all(name.startswith(PARALLEL) for name in tensors):
        return {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}
    return tensors


def _whole(name: str, tensor: Tensor) -> Tensor:
    """The tensor, where it is plain numbers that all stand in memory."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_quantized or tensor.is_nested:
        raise InputError(f"{name!r:.80} is not a plain dense tensor; {ANEW}")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InputError(f"{name!r:.80} claims {tensor.numel():,} numbers that are not there")
    return tensor.detach()
