"""SPAN, SAFMN, SwinIR-light and RRDBNet: their counts, and their authors' files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from authors_file import File
from torch import Tensor, nn
from torch.nn import functional as F

from srbench.core import slots
from srbench.core.weights_fill import fill
from srbench.measure.cost import cost

slots.load()
MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
NTIRE: Any = {"span": {"channels": 28}}


def built(model: Any, scale: int) -> nn.Module:
    net: nn.Module = slots.model.parse(model).build()(scale)
    return net


@pytest.mark.parametrize(
    ("model", "scale", "parameters"),
    [
        ("rrdbnet", 4, 16_697_987),
        ("safmn", 2, 227_820),  # 228 thousand,
        ("safmn", 4, 239_520),  # and 240 in the paper
        ("swinir_light", 2, 910_152),  # of the authors' code; their paper has 878 thousand,
        ("swinir_light", 3, 918_267),  # 886
        ("swinir_light", 4, 929_628),  # and 897: one convolution of 32,460 less in each
    ],
    ids=str,
)
def test_counts_are_the_published(model: Any, scale: int, parameters: int) -> None:
    with torch.device("meta"):
        net = built(model, scale)
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_span_costs_what_ntire_counts() -> None:
    found = cost(slots.model.parse(NTIRE).build(), 4)
    assert (round(found.macs_256 / 1e9, 2), round(found.activations / 1e6, 2)) == (9.83, 41.68)
    assert (found.parameters, found.dead) == (150_688, 0)


Conv = Callable[[File, str, Tensor, int], Tensor]


def branched(file: File, name: str, x: Tensor, outputs: int) -> Tensor:
    file.conv(f"{name}.eval_conv", x, outputs)  # in the file, and not used in training
    y = file.conv(f"{name}.conv.0", F.pad(x, (1, 1, 1, 1)), 2 * x.shape[1], 1)
    y = file.conv(f"{name}.conv.1", y, 2 * outputs)[..., 1:-1, 1:-1]
    return file.conv(f"{name}.conv.2", y, outputs, 1) + file.conv(f"{name}.sk", x, outputs, 1)


def one(file: File, name: str, x: Tensor, outputs: int) -> Tensor:
    branched(file, name, x, outputs)
    return file.conv(f"{name}.eval_conv", x, outputs)


def span(file: File, x: Tensor, scale: int, conv: Conv = branched, c: int = 48) -> Tensor:
    first = y = conv(file, "conv_1", 255 * (x - MEAN), c)
    outputs = []
    for i in range(1, 7):
        inside = F.silu(conv(file, f"block_{i}.c1_r", y, c))
        z = F.silu(conv(file, f"block_{i}.c2_r", inside, c))
        z = conv(file, f"block_{i}.c3_r", z, c)
        y = (z + y) * (z.sigmoid() - 0.5)
        outputs.append(y)
    joined = torch.cat([first, conv(file, "conv_2", y, c), outputs[0], inside], 1)
    joined = file.conv("conv_cat", joined, c, 1)
    return F.pixel_shuffle(file.conv("upsampler.0", joined, 3 * scale**2), scale)


def safmn(file: File, x: Tensor, scale: int, c: int = 36) -> Tensor:
    def norm(name: str, x: Tensor) -> Tensor:
        return file.norm(name, x.permute(0, 2, 3, 1), 1e-6).permute(0, 3, 1, 2)

    h, w = x.shape[2:]
    first = y = file.conv("to_feat", x, c)
    for i in range(8):
        z, seen = norm(f"feats.{i}.norm1", y), []
        for k, part in enumerate(z.chunk(4, 1)):
            pooled = F.adaptive_max_pool2d(part, (h >> k, w >> k))
            part = file.conv(f"feats.{i}.safm.mfr.{k}", pooled, c // 4, groups=c // 4)
            seen.append(F.interpolate(part, (h, w)))
        y = y + F.gelu(file.conv(f"feats.{i}.safm.aggr", torch.cat(seen, 1), c, 1)) * z
        z = F.gelu(file.conv(f"feats.{i}.ccm.ccm.0", norm(f"feats.{i}.norm2", y), 2 * c))
        y = y + file.conv(f"feats.{i}.ccm.ccm.2", z, c, 1)
    return F.pixel_shuffle(file.conv("to_img.0", y + first, 3 * scale**2), scale)


def rrdbnet(file: File, x: Tensor, scale: int, c: int = 64, units: int = 2) -> Tensor:
    first = y = file.conv("conv_first", x, c)
    for i in range(units):
        z = y
        for j in (1, 2, 3):
            seen = [z]
            for k in range(1, 5):
                grown = file.conv(f"body.{i}.rdb{j}.conv{k}", torch.cat(seen, 1), 32)
                seen.append(F.leaky_relu(grown, 0.2))
            z = z + 0.2 * file.conv(f"body.{i}.rdb{j}.conv5", torch.cat(seen, 1), c)
        y = y + 0.2 * z
    y = file.conv("conv_body", y, c) + first
    for name in ("conv_up1", "conv_up2"):
        y = F.leaky_relu(file.conv(name, F.interpolate(y, scale_factor=2), c), 0.2)
    return file.conv("conv_last", F.leaky_relu(file.conv("conv_hr", y, c), 0.2), 3)


def swin_layer(file: File, name: str, x: Tensor, shift: int) -> Tensor:
    """(1, H, W, 60), H and W multiples of 8; as the code that the authors took from Swin."""
    _, h, w, c = x.shape
    at = torch.stack(torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")).flatten(1)
    apart = (at[:, :, None] - at[:, None] + 7).permute(1, 2, 0) * torch.tensor([15, 1])
    index = file.tensors[f"{name}.attn.relative_position_index"] = apart.sum(-1)  # (64, 64)

    def windows(y: Tensor) -> Tensor:
        y = y.roll((-shift, -shift), (1, 2)).view(h // 8, 8, w // 8, 8, -1)
        return y.transpose(1, 2).reshape(h // 8 * w // 8, 64, -1)

    qkv = file.linear(f"{name}.attn.qkv", windows(file.norm(f"{name}.norm1", x)), 3 * c)
    q, k, v = qkv.view(-1, 64, 3, 6, c // 6).permute(2, 0, 3, 1, 4)
    table = file.tensor(f"{name}.attn.relative_position_bias_table", 225, 6)
    scores = q @ k.mT * (c // 6) ** -0.5 + table[index].permute(2, 0, 1)
    if shift:
        down, across = (torch.arange(size) < shift for size in (h, w))
        from_other_side = windows((2 * down[:, None] + across)[None, ..., None].float())
        mask = torch.where(from_other_side == from_other_side.mT, 0.0, -100.0)
        file.tensors[f"{name}.attn_mask"] = mask
        scores = scores + mask[:, None]
    y = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
    y = file.linear(f"{name}.attn.proj", y, c).view(h // 8, w // 8, 8, 8, c)
    x = x + y.transpose(1, 2).reshape(1, h, w, c).roll((shift, shift), (1, 2))
    y = file.linear(f"{name}.mlp.fc1", file.norm(f"{name}.norm2", x), 2 * c)
    return x + file.linear(f"{name}.mlp.fc2", F.gelu(y), c)


def swinir(file: File, x: Tensor, scale: int, c: int = 60) -> Tensor:
    h, w = x.shape[2:]
    x = F.pad(x, (0, -w % 8, 0, -h % 8), "reflect") - MEAN
    first = file.conv("conv_first", x, c)
    y = file.norm("patch_embed.norm", first.permute(0, 2, 3, 1))
    for i in range(4):
        z = y
        for j in range(6):
            z = swin_layer(file, f"layers.{i}.residual_group.blocks.{j}", z, j % 2 * 4)
        y = y + file.conv(f"layers.{i}.conv", z.permute(0, 3, 1, 2), c).permute(0, 2, 3, 1)
    y = file.conv("conv_after_body", file.norm("norm", y).permute(0, 3, 1, 2), c) + first
    y = F.pixel_shuffle(file.conv("upsample.0", y, 3 * scale**2), scale) + MEAN
    return y[..., : h * scale, : w * scale]


OFFICIAL: list[tuple[Any, int, Callable[[File, Tensor, int], Tensor]]] = [
    ("span", 2, span),
    ({"span": {"convolution": "plain"}}, 4, partial(span, conv=one)),
    ({"rrdbnet": {"units": 2}}, 4, rrdbnet),
    ("safmn", 4, safmn),
    ("swinir_light", 3, swinir),
]


@pytest.mark.parametrize(("model", "scale", "theirs"), OFFICIAL, ids=[str(m) for m, *_ in OFFICIAL])
@torch.no_grad()
def test_with_the_tensors_of_an_authors_file_we_compute_what_they_do(
    model: Any, scale: int, theirs: Callable[[File, Tensor, int], Tensor]
) -> None:
    file, x, net = File(), torch.rand(1, 3, 9, 12), built(model, scale)
    expected = theirs(file, x, scale)
    fill(net, file.tensors, "theirs.pth", f"{model} at x{scale}")
    assert torch.allclose(net(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_first_names_of_esrgan_fit_too() -> None:
    net: Any = built({"rrdbnet": {"channels": 4, "units": 2}}, 4)
    theirs = {
        "RRDB_trunk.1.RDB3.conv5.weight": "body.unit_2.body.dense_3.merge.weight",
        "RRDB_trunk.0.RDB1.conv2.bias": "body.unit_1.body.dense_1.grow.conv2.bias",
        "trunk_conv.bias": "end.bias",
        "upconv2.weight": "upsampler.conv2.weight",
        "HRconv.weight": "large.conv.weight",
    }
    assert {name: net.own_name(name) for name in theirs} == theirs
    assert set(theirs.values()) < set(net.state_dict())
