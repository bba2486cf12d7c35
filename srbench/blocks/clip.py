"""CLIP ViT-B/32, frozen and pretrained: an image becomes an embedding of 512 numbers.

The image encoder is implemented here, so that a study with it is planned, costed and run without
open_clip, which only fetches OpenAI's weights and encodes texts (extra `clip`). The 88 million
frozen numbers are on the meta device until `load_pretrained`; before, the output is the mean of the
image, which has the shape of the embedding and also depends on every pixel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.errors import StudyError, first_line
from srbench.core.pretrained import WeightsMissing, from_file
from srbench.core.weights import load_weights
from srbench.core.weights_fill import part

NAME = "ViT-B-32-quickgelu"  # open_clip's for OpenAI's networks
EMBEDDING = 512  # numbers an image or a text becomes
SIDE, PATCH, WIDTH, HEADS, DEPTH = 224, 32, 768, 12, 12
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
EXPECTED = "a state_dict of CLIP ViT-B/32 is expected, as open_clip has it"
EXTRA = "pip install 'srbench[clip]'"


class ClipImage(nn.Module):
    """(N, 3, H, W) in 0..1 to (N, 512): 87,849,216 frozen parameters.

    The whole image is resized to 224x224 by antialiased bicubic: for a square image as in CLIP's
    own preprocessing; CLIP would crop others. The tensors are in no `state_dict`: they are read
    again, not saved with every run.

    weights   openai, a path (names as open_clip's or OpenAI's: visual.conv1.weight, …), or none:
              random weights, the same each time

    Radford et al., Learning transferable visual models from natural language supervision, 2021.
    https://arxiv.org/abs/2103.00020
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str) -> None:
        super().__init__()
        if not weights:
            raise StudyError("clip: weights is openai, none, or a path")
        self.weights, self.loaded = weights, False
        with torch.device("meta"):
            self.visual = VisionTransformer()
        self.visual.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.register_state_dict_post_hook(_remove_frozen)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_add_frozen)  # type: ignore[no-untyped-call]

    def load_pretrained(self) -> None:
        """Fill in the weights, as `initialise` asks of every module that brings its own.

        Raises:
            WeightsMissing: they are not on this machine; InputError: the file has other weights.
        """
        found = None if self.weights == "none" else clip_file(self.weights)
        self.visual.to_empty(device=self.mean.device if self.loaded else "cpu")
        if found is None:
            draw(self.visual, 32)
        else:
            self._copy(found)
        self.loaded = True

    def forward(self, x: Tensor) -> Tensor:
        if not self.loaded and not x.is_meta:
            return x.mean((1, 2, 3))[:, None].expand(-1, EMBEDDING)
        y = functional.interpolate(
            x, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True
        ).clamp(0, 1)  # (N, 3, 224, 224)
        embedding: Tensor = self.visual((y - self.mean) / self.std)
        return embedding

    def _copy(self, found: dict[str, Tensor]) -> None:
        own = {
            f"visual.{name.replace('block_', '')}": p for name, p in self.visual.named_parameters()
        }
        given = part(dict(own), found, f"clip: {self.weights}", EXPECTED)
        with torch.no_grad():
            for name, p in own.items():
                p.copy_(given[name])

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> ClipImage:
        """Move nothing before the weights are loaded."""
        return super()._apply(fn, recurse) if self.loaded else self  # type: ignore[no-untyped-call]


def _remove_frozen(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name in [n for n in state if n.startswith(f"{prefix}visual.")]:
        del state[name]


def _add_frozen(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    assert isinstance(module, ClipImage)
    if not module.loaded:
        module.load_pretrained()
    state.update({f"{prefix}visual.{n}": t for n, t in module.visual.state_dict().items()})


class VisionTransformer(nn.Module):
    """(N, 3, 224, 224), normalised, to (N, 512): 49 patches and a class token through 12 blocks.

    Dosovitskiy et al., An image is worth 16x16 words: transformers for image recognition at scale,
    2020. https://arxiv.org/abs/2010.11929
    """

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.empty(WIDTH))
        self.positional_embedding = nn.Parameter(torch.empty((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.proj = nn.Parameter(torch.empty(WIDTH, EMBEDDING))
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.ln_pre = nn.LayerNorm(WIDTH)
        blocks = nn.ModuleDict({f"block_{i}": Block() for i in range(DEPTH)})
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_post = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x).flatten(2).transpose(1, 2)  # (N, 49, 768)
        token = self.class_embedding.expand(len(y), 1, -1)
        y = self.ln_pre(torch.cat([token, y], 1) + self.positional_embedding)  # (N, 50, 768)
        blocks = self.transformer["resblocks"]
        assert isinstance(blocks, nn.ModuleDict)
        for block in blocks.values():
            y = block(y)
        embedding: Tensor = self.ln_post(y[:, 0]) @ self.proj  # (N, 512)
        return embedding


class Block(nn.Module):
    """Self-attention and two linear layers with QuickGELU, each after a norm and with a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = Attention()
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)}
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x + self.attn(self.ln_1(x))
        inner = self.mlp["c_fc"](self.ln_2(y))
        last: Tensor = y + self.mlp["c_proj"](inner * torch.sigmoid(1.702 * inner))
        return last


class Attention(nn.Module):
    """Self-attention with 12 heads: (N, L, 768) to the same shape.

    torch's own module computes other last bits in eval mode than in training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * WIDTH, WIDTH))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * WIDTH))
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        qkv = functional.linear(x, self.in_proj_weight, self.in_proj_bias)  # (N, L, 3*768)
        q, k, v = (t.view(*t.shape[:2], HEADS, -1).transpose(1, 2) for t in qkv.chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v)  # (N, 12, L, 64)
        out: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return out


def draw(net: nn.Module, seed: int) -> None:
    """Draw weights that roughly preserve the variance, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.endswith("bias"):
                p.zero_()
            elif p.dim() == 1 and name.endswith("weight"):  # of a norm
                p.fill_(1)
            else:
                scale = p[0].numel() ** -0.5 if p.dim() > 1 else WIDTH**-0.5
                p.copy_(torch.randn(p.shape, generator=generator) * scale)


def text_embeddings(texts: Sequence[str], weights: str) -> Tensor:
    """Texts as (n, 512), by the text encoder of the same network; texts are cut at 77 tokens.

    Raises:
        WeightsMissing: open_clip or the weights are missing; InputError: the file has others.
    """
    clip = open_clip("texts are read")
    with _quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(32)  # of random weights
        net = clip.create_model(NAME, pretrained=None).eval()
        tokens = clip.get_tokenizer(NAME)(list(texts))
    if weights != "none":
        own = {n: t for n, t in net.state_dict().items() if not n.startswith("visual.")}
        found = clip_file(weights)
        net.load_state_dict(part(own, found, f"clip: {weights}", EXPECTED), strict=False)
    with torch.no_grad():
        embeddings: Tensor = net.encode_text(tokens)
    return embeddings


def cosines(images: Tensor, texts: Tensor) -> Tensor:
    """The cosine of every image (n, 512) with every text (m, 512): (n, m), in float64."""
    return (
        functional.normalize(images.double(), dim=1) @ functional.normalize(texts.double(), dim=1).T
    )


def clip_file(weights: str) -> dict[str, Tensor]:
    """Named tensors of a file; for `openai` of the file that open_clip has or downloads."""
    if weights != "openai":
        return from_file("clip", weights)
    clip = open_clip("OpenAI's weights are fetched")
    try:
        with _quiet():
            file = clip.download_pretrained(clip.get_pretrained_cfg(NAME, "openai"))
    except Exception as problem:  # of huggingface_hub or its HTTP client
        raise WeightsMissing(
            f"clip: OpenAI's weights are neither in huggingface_hub's cache nor can they be "
            f"downloaded ({first_line(problem)}); name a path"
        ) from problem
    return load_weights(Path(file))


def open_clip(purpose: str) -> Any:
    """The package, imported late, because that takes ten seconds.

    Raises:
        WeightsMissing: it is not installed.
    """
    try:
        import open_clip as package
    except ImportError:
        raise WeightsMissing(
            f"clip: {purpose} through open_clip, which is not here: {EXTRA}"
        ) from None
    return package


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log of retries; an error says in one line what failed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
