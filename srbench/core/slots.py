"""The slots: every kind of part that networks, training, data and measuring choose.

To add a part, write it in a file of the slot's folder under `@<slot>.register("name")`; nothing
else changes. To add a slot, add it here. (`study/samplers.py` has the slots of a search.)
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srbench.core.errors import StudyError
from srbench.core.layers import Layers
from srbench.core.registry import Slot

# Networks. Images are (N, 3, H, W), values in 0..1; features (N, C, H, W).
model = Slot("model", "a whole network: LR image to HR image", ("scale",))
unit = Slot("unit", "what a block repeats", ("channels", "rate", "layers"))
convolution = Slot(
    "convolution",
    "a convolution that keeps height and width",
    ("inputs", "outputs", "kernel", "rate", "groups"),
)
fuse = Slot("fuse", "merges concatenated features", ("inputs", "outputs", "layers"))
attention = Slot("attention", "weighs features by themselves", ("channels",))
activation = Slot("activation", "a pointwise non-linearity", ())
normalisation = Slot(
    "normalisation", "gives features a mean and spread of their own", ("channels",)
)
upsampler = Slot(
    "upsampler", "features to features `scale` times as large", ("channels", "scale", "layers")
)
features = Slot("features", "frozen features of the LR image, from a network of others", ())
skip = Slot("skip", "what is added to the output: the upscaled input, or nothing", ("scale",))

# Training.
loss = Slot("loss", "distance of SR from HR, smaller is better", ())
optimizer = Slot("optimizer", "how gradients move weights", ("parameters",))
schedule = Slot("schedule", "learning rate over training, as a factor", ("steps", "epochs"))
initialisation = Slot("initialisation", "how one module's initial weights are drawn", ("module",))

learner = Slot(
    "learner", "what a step does: losses, backward, optimizers",
    ("net", "settings", "precision", "streams"),
)  # fmt: skip
discriminator = Slot("discriminator", "tells HR from SR: images to logits", ())

# Data and measuring. Images are uint8 (H, W, 3) RGB.
dataset = Slot("dataset", "where images come from", ("split", "scale"), "{{folder: {{path: {}}}}}")
degradation = Slot("degradation", "HR image to LR image", ("scale",))
augmentation = Slot("augmentation", "a random change of an LR and HR patch together", ())
metric = Slot("metric", "a score of SR against HR, of two images or of a whole set", ())

SLOTS: dict[str, Slot] = {s.name: s for s in tuple(globals().values()) if isinstance(s, Slot)}
"""The slots of this file by name, in its order."""

Image = NDArray[np.uint8]

Model = Annotated[Callable[[int], nn.Module], model]
Unit = Annotated[Callable[[int, int, Layers], nn.Module], unit]
Convolution = Annotated[Callable[[int, int, int, int, int], nn.Module], convolution]
Fuse = Annotated[Callable[[int, int, Layers], nn.Module], fuse]
Attention = Annotated[Callable[[int], nn.Module], attention]
Activation = Annotated[Callable[[], nn.Module], activation]
Normalisation = Annotated[Callable[[int], nn.Module], normalisation]
Upsampler = Annotated[Callable[[int, int, Layers], nn.Module], upsampler]
Features = Annotated[Callable[[], nn.Module], features]
Skip = Annotated[Callable[[int], nn.Module], skip]
Loss = Annotated[Callable[[], Callable[[Tensor, Tensor], Tensor]], loss]
Optimizer = Annotated[Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer], optimizer]
Schedule = Annotated[Callable[[int, int], Callable[[int], float]], schedule]
Initialisation = Annotated[Callable[[nn.Module], None], initialisation]
Learning = Annotated[Callable[[nn.Module, Any, Any, Any], Any], learner]
Discriminator = Annotated[Callable[[], nn.Module], discriminator]
Dataset = Annotated[Callable[[str, int], Sequence[Any]], dataset]
Degradation = Annotated[Callable[[int], Callable[[Image, np.random.Generator], Image]], degradation]
Augmentation = Annotated[
    Callable[[], Callable[[Image, Image, np.random.Generator], tuple[Image, Image]]], augmentation
]
Metric = Annotated[Callable[[], Callable[[Image, Image], float]], metric]

HOMES = ("srbench.blocks", "srbench.models", "srbench.train", "srbench.data", "srbench.measure")


def load() -> None:
    """Import every part: the files of this package's part folders, and installed plug-ins.

    Raises:
        StudyError: a plug-in (entry point group `srbench.parts`) cannot be imported.
    """
    for package in HOMES:
        for file in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(file.name)
    for plugin in plug_ins():
        load_plug_in(plugin)


def plug_ins() -> list[EntryPoint]:
    """The installed plug-ins (entry point group `srbench.parts`)."""
    return list(entry_points(group="srbench.parts"))


def load_plug_in(plugin: EntryPoint) -> None:
    """Import a plug-in, which registers its parts.

    Raises:
        StudyError: it cannot be imported; its place is the line of the plug-in that failed.
    """
    try:
        plugin.load()
    except Exception as problem:
        name = plugin.dist.name if plugin.dist else plugin.name
        raise StudyError(
            f"plug-in {name} ({plugin.value}) cannot be imported: "
            f"{type(problem).__name__}: {problem}",
            place=_last_line_outside(problem) or plugin.module,
        ) from problem


def _last_line_outside(problem: Exception) -> str:
    """The last line outside srbench and Python's importing that led to a problem."""
    if isinstance(problem, SyntaxError) and problem.filename:
        return f"{problem.filename}:{problem.lineno}"
    inside = str(Path(__file__).parents[1])
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if not frame.filename.startswith(("<frozen", inside)) and "importlib" not in frame.filename
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
