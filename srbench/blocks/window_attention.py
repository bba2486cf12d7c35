"""SwinIR's unit: self-attention within windows, every second time within shifted ones."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import unit

SPREAD = 0.02  # standard deviation of initial weights, as the authors draw them


class TokenLinear(nn.Linear):
    """A linear layer at each pixel: (..., inputs) to (..., outputs)."""

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=SPREAD)
        nn.init.zeros_(self.bias)


class WindowAttention(nn.Module):
    """Self-attention with several heads among the pixels of a window, and a bias by distance."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.qkv = TokenLinear(channels, 3 * channels)
        self.project = TokenLinear(channels, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.table, std=SPREAD)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        """(N, windows, pixels, C) to the same shape; no pixel sees one that is `apart` from it."""
        n, windows, pixels, channels = x.shape
        qkv = self.qkv(x).view(n, windows, pixels, 3, self.heads, channels // self.heads)
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5)  # (N, windows, heads, pixels, C/heads)
        query = query * (channels // self.heads) ** -0.5
        scores = query @ key.transpose(-2, -1) + self._bias()  # (N, windows, heads, pixels, pixels)
        if apart is not None:
            scores = scores.masked_fill(apart[:, None], -torch.inf)
        seen = scores.softmax(-1) @ value
        y: Tensor = self.project(seen.transpose(2, 3).flatten(3))  # (N, windows, pixels, C)
        return y

    def _bias(self) -> Tensor:
        """(heads, pixels, pixels): the table's entry at the distance of each pair of pixels.

        Sliding windows over the table give it without an index, of which the gradient would be
        added up in no fixed order on CUDA.
        """
        side, span = self.window, 2 * self.window - 1
        table = self.table.t().reshape(self.heads, span, span)
        slid = table.unfold(1, side, 1).unfold(2, side, 1)  # (heads, y, x, -y', -x')
        return slid.flip(3, 4).flatten(3).flatten(1, 2)


class SwinLayer(nn.Module):
    """norm, attention within windows, + x; norm, two linear layers, + that. (N, H, W, C).

    H and W are multiples of the window.
    """

    def __init__(
        self, channels: int, layers: Layers, heads: int, window: int, shift: int, ratio: int
    ) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attend = WindowAttention(channels, heads, window)
        self.mix = nn.Sequential(
            OrderedDict(
                expand=TokenLinear(channels, ratio * channels),
                act=layers.act(),
                reduce=TokenLinear(ratio * channels, channels),
            )
        )

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        y = self._shifted(self.norm1(x), -self.shift)
        y = from_windows(self.attend(to_windows(y, self.window), apart), x.shape, self.window)
        y = x + self._shifted(y, self.shift)
        z: Tensor = y + self.mix(self.norm2(y))
        return z

    def _shifted(self, x: Tensor, by: int) -> Tensor:
        return x.roll((by, by), (1, 2)) if by else x


@unit.register("window_attention")
class WindowAttentionUnit(nn.Module):
    """Residual Swin transformer block: `depth` layers, a 3x3 convolution, + shortcut.

    Windows of every second layer are shifted by half a window. Every height and width fits: rows
    and columns that the last windows lack are zeros, which no pixel of the image sees, and are cut
    off afterwards. SwinIR extends the image to whole windows instead, as `swinir_light` does. The
    paper's activation is GELU; the unit takes the network's. The rate dilates the convolution.

    depth   layers; 6 in the paper
    heads   of the attention; 6 in the paper
    window  side in pixels
    ratio   channels between the two linear layers of a layer, for each feature

    Liang et al., SwinIR: image restoration using Swin transformer, 2021.
    https://arxiv.org/abs/2108.10257; its layers from Liu et al., Swin transformer, 2021.
    https://arxiv.org/abs/2103.14030
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        depth: Positive = 2,
        heads: Positive = 4,
        window: Positive = 8,
        ratio: Positive = 2,
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels do not divide among {heads} heads")
        self.window = window
        self.layers = nn.ModuleDict(
            {
                f"layer_{i + 1}": SwinLayer(
                    channels, layers, heads, window, window // 2 * (i % 2), ratio
                )
                for i in range(depth)
            }
        )
        self.conv = layers.conv(channels, channels, 3, rate=rate)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        height, width = x.shape[2:]
        y = x.permute(0, 2, 3, 1)  # (N, H, W, C)
        y = functional.pad(y, (0, 0, 0, -width % self.window, 0, -height % self.window))
        half = self.window // 2
        apart = [apart_in_windows(height, width, self.window, s, x.device) for s in (0, half)]
        for i, layer in enumerate(self.layers.values()):
            y = layer(y, apart[i % 2])
        y = self.conv(y[:, :height, :width].permute(0, 3, 1, 2))
        z: Tensor = y + (x if shortcut is None else shortcut)
        return z


def to_windows(x: Tensor, window: int) -> Tensor:
    """(N, H, W, C) to (N, windows, pixels of a window, C)."""
    n, height, width, channels = x.shape
    y = x.reshape(n, height // window, window, width // window, window, channels)
    return y.transpose(2, 3).reshape(n, -1, window * window, channels)


def from_windows(x: Tensor, shape: torch.Size, window: int) -> Tensor:
    """(N, windows, pixels of a window, C) to (N, H, W, C), its `shape`."""
    n, height, width, channels = shape
    y = x.reshape(n, height // window, width // window, window, window, channels)
    return y.transpose(2, 3).reshape(shape)


def apart_in_windows(
    height: int, width: int, window: int, shift: int, device: torch.device
) -> Tensor | None:
    """(windows, pixels, pixels): true where one pixel of a window must not see another.

    Of an image shifted round its edges, those that came from its other side; rows and columns
    added to fill windows. None where all see each other.
    """
    if not shift and height % window == width % window == 0:
        return None
    down = _regions(height, window, shift, device)[:, None]
    across = _regions(width, window, shift, device)[None]
    regions = to_windows((4 * down + across)[None, ..., None], window)[0]  # (windows, pixels, 1)
    return regions != regions.transpose(1, 2)


def _regions(side: int, window: int, shift: int, device: torch.device) -> Tensor:
    """For each place after the shift: + 1 if it came from the other side, + 2 if it was added."""
    place = torch.arange(side + -side % window, device=device)
    whole = len(place)
    return (place >= whole - shift).long() + 2 * ((place + shift) % whole >= side)
