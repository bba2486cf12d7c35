"""Start from weights: those of the same network at another scale, say."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from srbench.core.errors import InputError, StudyError
from srbench.core.registry import File
from srbench.core.slots import initialisation
from srbench.core.weights import load_weights
from srbench.core.weights_fill import fill_partly
from srbench.train.initialisations import WHOLE, own


@initialisation.register("from_weights")
def from_weights(module: nn.Module, *, file: File = "", sha256: str = "") -> None:
    """Start from the tensors of a file that fit by name and size; the rest is drawn as by `own`.

    A plan names the tensors that are drawn. The network's own names or its authors' are known.

    file    .safetensors, .pth, .pt or .ckpt, such as the weights of the same network at x2
    sha256  digest of the file; a plan fills it in, and a run refuses another file

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017, which
    starts x3 and x4 from x2. https://arxiv.org/abs/1707.02921
    """
    own(module)


def fill(net: nn.Module, *, file: str, sha256: str) -> list[str]:
    """Put a file's tensors into a network that has drawn its weights; the names of the others.

    Raises:
        StudyError: no file is named; InputError: it is another one than planned, or does not fit.
    """
    if not file:
        raise StudyError("from_weights: file is needed: {from_weights: {file: x2.safetensors}}")
    path = Path(file).expanduser()
    tensors = load_weights(path)
    if sha256 and digest(file) != sha256:
        raise InputError("has changed since the runs were planned", place=file)
    return fill_partly(net, tensors, path)


def digest(file: str) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with Path(file).expanduser().open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


WHOLE[from_weights] = fill
