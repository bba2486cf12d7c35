"""A network as a file for other programs: safetensors with metadata, torch's .pth, or ONNX.

onnxruntime runs an ONNX file at several sizes, and torch must agree, before it is written.
"""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from srbench import __version__
from srbench.apply.trained import Network
from srbench.core.errors import InputError, first_line
from srbench.core.files import write_atomically

TOLERANCE = 1e-5  # of values in 0..1
SIZES = ((1, 24, 32), (2, 17, 23), (1, 40, 9), (1, 64, 64))  # batch, height, width of LR
TRACED = SIZES[0]
ONE_SIZE = " (--size 256x256 exports it for one size)"
INSTALL = "pip install 'srbench[export]'"


def metadata(network: Network) -> dict[str, str]:
    """The metadata of a file: text by name."""
    about = {
        "format": "pt",
        "srbench": __version__,
        "scale": str(network.scale),
        "input": "lr: RGB in 0..1, (N, 3, H, W)",
        "output": f"sr: RGB, (N, 3, {network.scale}*H, {network.scale}*W); clamp it to 0..1",
        "receptive_field": str(network.field or "the whole image"),
    }
    return about | {key: value for key, value in network.facts.items() if value}


def write_safetensors(network: Network, file: Path) -> None:
    """The weights by their names, with settings and provenance as metadata.

    Raises:
        InputError: the network has no weights.
    """
    write_atomically(file, save(_tensors(network), metadata(network)))


def write_pth(network: Network, file: Path) -> None:
    """The weights by their names, as `torch.load(file, weights_only=True)` reads them.

    Raises:
        InputError: the network has no weights.
    """
    content = io.BytesIO()
    torch.save(_tensors(network), content)
    write_atomically(file, content.getvalue())


def _tensors(network: Network) -> dict[str, torch.Tensor]:
    found = {k: v.detach().cpu().contiguous() for k, v in network.net.state_dict().items()}
    if not found:
        raise InputError(f"{network.name} has no weights to write")
    return found


def write_onnx(network: Network, file: Path, size: tuple[int, int] | None = None) -> float:
    """The network as ONNX: for every size of image, or for one (height, width) of LR.

    Returns how far onnxruntime's values are from torch's at most, over several sizes and batches.

    Raises:
        InputError: packages are missing, the network cannot be exported so, or onnxruntime comes
            to other values than torch. No file is written then.
    """
    runtime = _imported("onnxruntime", "onnxscript")
    content = _exported(network, size)
    apart = _difference(network.net, runtime, content, size)
    if not apart <= TOLERANCE:
        raise InputError(
            f"onnxruntime differs from torch by {apart:.2g}; {TOLERANCE:g} is allowed"
            f"{ONE_SIZE if size is None else ''}",
            place=network.name,
        )
    write_atomically(file, content)
    return apart


def _exported(network: Network, size: tuple[int, int] | None) -> bytes:
    _imported("onnx")
    free = torch.export.Dim.DYNAMIC
    batch, height, width = TRACED if size is None else (2, *size)
    x = torch.rand(batch, 3, height, width)
    shapes = {0: free, 2: free, 3: free} if size is None else {0: free}
    try:
        with _silent():
            program: Any = torch.onnx.export(
                network.net, (x,), input_names=["lr"], output_names=["sr"],
                dynamic_shapes=(shapes,), verbose=False,
            )  # fmt: skip
    except Exception as problem:  # of torch.export, whatever a network trips it by
        if size is None:
            raise InputError(
                "cannot be exported for images of every size, since it computes with the size "
                "itself; --size 256x256 exports it for one",
                place=network.name,
            ) from problem
        message = first_line(problem)
        raise InputError(f"cannot be exported: {message:.200}", place=network.name) from problem
    model = program.model_proto
    for key, value in metadata(network).items():
        model.metadata_props.add(key=f"srbench.{key}", value=value)
    content: bytes = model.SerializeToString()
    return content


def _difference(
    net: nn.Module, runtime: Any, content: bytes, size: tuple[int, int] | None
) -> float:
    """The largest difference of any value, over sizes and batches."""
    try:
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        apart = []
        for n, height, width in SIZES if size is None else [(1, *size), (3, *size)]:
            x = torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(n))
            with torch.inference_mode():
                wanted = net(x).numpy()
            [found] = session.run(["sr"], {"lr": x.numpy()})
            if found.shape != wanted.shape:
                return float("inf")
            apart.append(float(np.abs(found - wanted).max()))
    except Exception as problem:  # its many errors share no base
        hint = ONE_SIZE if size is None else ""
        raise InputError(f"onnxruntime cannot run it{hint}: {problem!s:.200}") from problem
    return max(apart)


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress what torch prints of an export, and its warnings on the network's code."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        message = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(message), redirect_stderr(message):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _imported(*names: str) -> Any:
    """The first of these modules, if all are installed."""
    try:
        first, *_ = map(importlib.import_module, names)
    except ImportError as problem:
        raise InputError(f"{problem.name} is needed: {INSTALL}", place="ONNX") from None
    return first
