"""Under what times are taken: device, size, precision, memory format, mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from srbench.core.errors import InputError

Quantity = Literal["latency", "step_time"]
QUANTITIES: tuple[Quantity, ...] = ("latency", "step_time")
PRECISIONS = {
    "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16,
}  # fmt: skip
MEMORY: dict[str, torch.memory_format] = {
    "contiguous": torch.contiguous_format, "channels_last": torch.channels_last,
}  # fmt: skip
TRAINED = ("auto", *MEMORY)  # memory orders of a step; auto is the one that training takes
MODES = ("eager", "graph", "compiled")


@dataclass(frozen=True)
class Setting:
    """Under what times are taken: they compare within one setting only."""

    device: str = "cpu"
    quantity: Quantity = "latency"
    lr_size: tuple[int, int] = (64, 64)  # height, width
    batch: int = 1
    precision: str = "fp32"
    memory_format: str = "contiguous"
    mode: str = "eager"
    threads: int = 1

    def __str__(self) -> str:
        where = f"{self.threads} thread{'s' if self.threads > 1 else ''}, " * (self.device == "cpu")
        height, width = self.lr_size
        return (
            f"{where}{self.batch} of {width}x{height}, {self.precision}, "
            f"{self.memory_format.replace('_', ' ')}, {self.mode}"
        )


def check(setting: Setting) -> None:
    """Refuse what cannot be: a InputError that names the option."""
    cuda = setting.device.startswith("cuda")
    if setting.mode == "graph" and not cuda:
        raise InputError("graph is CUDA's (here: eager, compiled)", place="--mode")
    if setting.precision == "tf32" and not cuda:
        raise InputError("tf32 is CUDA's (here: fp32, bf16, fp16)", place="--precision")
    if setting.quantity == "step_time" and setting.mode != ("graph" if cuda else "eager"):
        raise InputError(
            "a training step is timed as it is taken: a graph on CUDA, eager on the CPU",
            place="--mode",
        )
    if setting.quantity == "step_time" and setting.precision == "fp16":
        raise InputError("training knows fp32, tf32 and bf16", place="--precision")
