"""What a network costs: parameters (dead ones by name), MACs, activations, receptive field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from srbench.core.fused import fused
from srbench.core.outputs import by_factor, computing_at, factors_of, largest

HD_PIXELS = 1280 * 720  # HR, the field's usual size for MACs
FIELD_SIDES = 65, 257  # LR pixels tried; a receptive field of the last is called the whole image
LR_SIDE = 256  # LR, the size of the efficient-SR challenges
MOST_MODULES = 20_000
MOST_PARAMETERS = 250_000_000  # the field's largest have 50 million

_COUNTED = ("convolution", "_convolution", "mm", "addmm")
_FREE = (
    "add", "add_", "mul", "mul_", "div", "sub", "cat", "view", "reshape", "_unsafe_view", "t",
    "transpose", "permute", "slice", "select", "unsqueeze", "squeeze", "expand", "clone", "detach",
    "empty", "zeros", "ones", "full", "copy_", "_to_copy", "alias", "lift_fresh", "split",
    "arange", "as_strided", "constant_pad_nd", "new_empty", "new_zeros",
)  # fmt: skip
"""Moving and combining what is there; everything else that is not counted is listed by name."""

_SHAPED = (
    "cat", "mm", "addmm", "bmm", "convolution", "mean", "pixel_shuffle",
    "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d",
)  # fmt: skip
"""Their shapes are given here: torch's own meta kernels of these import all of sympy and dynamo
(1 s), and then take milliseconds each."""


@dataclass(frozen=True)
class Cost:
    """The cost of one network, built for one scale, with its re-parameterised modules fused.

    macs_720p and macs_256 are multiply-accumulates of convolutions and linear layers, for an HR
    image of 1280x720 and an LR image of 256x256; training_macs_256 counts the branches of
    training too, as a step takes them; activations are elements of convolution outputs at LR
    256x256; receptive_field is the side, in LR pixels, of the square that one output pixel
    depends on, None where it is the whole image. dead are parameters no gradient can reach at any
    scale that is trained.
    """

    parameters: int
    frozen: int
    dead: int
    dead_modules: tuple[str, ...]
    macs_720p: float
    macs_256: float
    training_macs_256: float
    activations: float
    receptive_field: int | None
    uncounted: tuple[str, ...]

    @property
    def training_macs_per_lr_pixel(self) -> float:
        return self.training_macs_256 / LR_SIDE**2


def cost(build: Callable[[int], nn.Module], scale: int, scales: Sequence[int] = ()) -> Cost:
    """Measure a network without running it at full size: no GPU, little memory.

    `scales` are those it is trained at, its own by default; all but dead parameters is of its own.

    Raises:
        ValueError: the network cannot be built, is too large for that, or does not give an image
            `scale` times as large.
    """
    with at_most(MOST_MODULES), torch.device("meta"):
        shapes = build(scale)
    size = sum(p.numel() for p in shapes.parameters())
    if size > MOST_PARAMETERS:
        raise ValueError(f"it has {size:,} parameters; {MOST_PARAMETERS:,} are possible")
    built = build(scale)
    net = fused(built)
    macs, activations, uncounted = count_macs(shapes, LR_SIDE)
    training_macs = macs
    if net is not built:
        shapes = deepcopy(net).to("meta")
        macs, activations, uncounted = count_macs(shapes, LR_SIDE)
    fixed = _fixed_macs(shapes, macs)
    check_shape(net, scale)
    dead = dead_at_all(net, scales or (scale,))
    sizes = {name: p.numel() for name, p in net.named_parameters()}
    return Cost(
        parameters=sum(sizes.values()),
        frozen=sum(p.numel() for p in net.parameters() if not p.requires_grad),
        dead=sum(sizes[name] for name in dead),
        dead_modules=_modules(dead, sizes),
        macs_720p=float(fixed + Fraction(macs - fixed, LR_SIDE**2) * Fraction(HD_PIXELS, scale**2)),
        macs_256=float(macs),
        training_macs_256=float(training_macs),
        activations=float(activations),
        uncounted=uncounted,
        receptive_field=_reach_of(net) if sizes else None,  # the last look at these weights
    )


@contextmanager
def at_most(modules: int) -> Iterator[None]:
    """Refuse to build a network of more modules: `blocks: 1000000` would take hours and the memory.

    Raises:
        ValueError: in the middle of the building.
    """
    left = modules

    def count(owner: nn.Module, name: str, module: nn.Module | None) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(f"it has more than {modules:,} modules")

    hook = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def check_shape(net: nn.Module, scale: int) -> None:
    """Refuse a network whose output is not an RGB image `scale` times as large."""
    lr = torch.zeros(1, 3, 6, 8)
    with torch.no_grad():
        answer = net(lr)
    wanted = factors_of(net) or (scale,)
    for factor, image in zip(wanted, by_factor(answer, lr).values(), strict=True):
        found, right = tuple(image.shape), (1, 3, 6 * factor, 8 * factor)
        if found != right or scale % factor:
            raise ValueError(f"x{factor} of a 6x8 image is {found}, not {right}, in a x{scale} net")


def dead_parameters(net: nn.Module) -> tuple[str, ...]:
    """Names of trainable parameters that autograd cannot reach from the output.

    One backward pass on a tiny input: a gradient that is None is dead, one that is zero is not.
    The network is left without gradients.
    """
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    lr = torch.rand(1, 3, 8, 8, device=device)
    sums = [image.sum() for image in by_factor(net(lr), lr).values() if image.requires_grad]
    if sums:
        torch.stack(sums).sum().backward()  # type: ignore[no-untyped-call]
    dead = tuple(n for n, p in net.named_parameters() if p.requires_grad and p.grad is None)
    net.zero_grad(set_to_none=True)
    return dead


def dead_at_all(net: nn.Module, scales: Sequence[int]) -> tuple[str, ...]:
    """Those that are dead at each of the scales: a training at all of them reaches the others."""
    found = []
    for scale in scales:
        with computing_at(net, scale):
            found.append(dead_parameters(net))
    return tuple(name for name in found[0] if all(name in others for others in found[1:]))


def count_macs(net: nn.Module, side: int) -> tuple[int, int, tuple[str, ...]]:
    """(MACs, activations, names of uncounted operations) of one (1, 3, side, side) image.

    `net` should be on the meta device, where nothing is computed.
    """
    device = next((p.device for p in net.parameters()), torch.device("meta"))
    image = torch.empty(1, 3, side, side, device=device)
    with torch.no_grad():
        with Operations():  # once before: what a part computes once for each shape
            net(image)  # is not a step's work
        with Operations() as seen:
            net(image)
    return seen.flops // 2, seen.activations, tuple(sorted(seen.uncounted))


def _fixed_macs(net: nn.Module, macs: int) -> int:
    """The MACs that do not grow with the image: of a frozen network that resizes it, known by a
    second size. The few of a pooled attention are left to grow, as the field counts them."""
    if all(p.requires_grad for p in net.parameters()):
        return 0
    smaller, _, _ = count_macs(net, LR_SIDE // 2)
    return max(0, (4 * smaller - macs) // 3)


def receptive_field(net: nn.Module) -> int | None:
    """Side of the square of LR pixels that a central output pixel depends on; None if global.

    In a copy of the network every weight is made positive and small, and so is the input: nothing
    cancels and no gate saturates, so the gradient of one output pixel is non-zero exactly where
    the pixel looks. In float64, or the far ends of a deep network would underflow. Strips stand in
    for whole images, one along each axis.
    """
    return reach(net) if any(True for _ in net.parameters()) else None


def reach(net: nn.Module) -> int | None:
    """As `receptive_field`, also of a network without parameters, such as an interpolation."""
    return _reach_of(deepcopy(net))


def _reach_of(net: nn.Module) -> int | None:
    """The weights are lost."""
    probe = net.cpu().eval()
    for side in FIELD_SIDES:
        if side == FIELD_SIDES[-1]:  # what fp32 sees is there, and is seen sooner
            _make_positive(probe.float(), 1)
            if _seen(probe, (1, side), 1) == side:
                return None
        _make_positive(probe.double(), 4)
        across = _seen(probe, (1, side), 1)
        down = _seen(probe, (side, 1), 0) if across < side else side
        if down < side:
            return max(down, across)
    return None


def _make_positive(net: nn.Module, shrink: int) -> None:
    """Weights that hand on at most so small a part of what comes in."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            if p.is_meta:  # of a frozen network that reads its weights later
                continue
            fan_in = p[0].numel() if p.dim() > 1 else 250 * shrink
            p.copy_((0.5 + torch.rand(p.shape, generator=generator)) / (shrink * fan_in))


def _seen(net: nn.Module, size: tuple[int, int], axis: int) -> int:
    number = next((p.dtype for p in net.parameters()), torch.float64)
    x = torch.full((1, 3, *size), 1e-3, dtype=number, requires_grad=True)
    y = largest(net(x))
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient.abs().sum((0, 1)) > 0).any(1 - axis).nonzero()  # along the axis
    return int((seen[-1] - seen[0]).item()) + 1


def _modules(dead: tuple[str, ...], sizes: dict[str, int]) -> tuple[str, ...]:
    """The largest modules of which every parameter is dead, and single parameters elsewhere."""
    found: list[str] = []
    for name in dead:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            below = [n for n in sizes if n == prefix or n.startswith(prefix + ".")]
            if all(n in dead for n in below):
                if prefix not in found:
                    found.append(prefix)
                break
    return tuple(found)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what FlopCounterMode would, and convolution outputs; names what is not counted.

    One mode for both, and on the meta device without the operations that change values only: a
    plan of many networks takes half the time.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.activations = 0
        self.uncounted: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here; to be skipped, all of dynamo is imported (1 s)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name not in _COUNTED and name not in _FREE:
            self.uncounted.add(name)
        if torch.Tag.pointwise in func.tags and args[0].is_meta:  # there are no values to compute
            if torch.Tag.inplace in func.tags:
                return args[0]
            shapes = [x.shape for x in args if isinstance(x, Tensor)]
            return args[0].new_empty(np.broadcast_shapes(*shapes))
        result = _shaped(func, name, args, kwargs or {})
        if name in _COUNTED:
            count = flop_registry[func.overloadpacket]
            self.flops += count(*args, **(kwargs or {}), out_val=result)
        if "convolution" in name:
            self.activations += result.numel()
        return result


def _shaped(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `func` gives; on the meta device, of the slowest kernels, by a quicker way."""
    first = args[0][0] if name == "cat" else args[0]
    if name not in _SHAPED or not first.is_meta:
        return func(*args, **kwargs)
    if name == "cat":
        tensors, dim = args[0], (args[1:2] or (0,))[0]
        size = list(first.shape)
        size[dim] = sum(t.shape[dim] for t in tensors)
        return first.new_empty(size)
    if name in ("mm", "addmm"):
        left, right = args[-2:]
        return left.new_empty((left.shape[0], right.shape[1]))
    if name == "bmm":
        left, right = args
        return left.new_empty((*left.shape[:2], right.shape[2]))
    if first.dim() == 4 and not _mixes(name, args):
        none = torch.empty((0, *first.shape[1:]))  # of no image nothing is computed
        others = (torch.empty(a.shape) if isinstance(a, Tensor) else a for a in args[1:])
        return first.new_empty((first.shape[0], *func(none, *others, **kwargs).shape[1:]))
    return func(*args, **kwargs)


def _mixes(name: str, args: tuple[Any, ...]) -> bool:
    """Whether the operation joins the images of a batch."""
    return name == "mean" and (len(args) < 2 or 0 in [d % 4 for d in args[1] or [0]])
