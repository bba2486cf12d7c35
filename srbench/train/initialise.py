"""Initial weights, seeded by the path of each module and not by the order of construction.

What two variants share starts equal, which tightens the difference between them.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from srbench.core.slots import Initialisation
from srbench.core.streams import Streams
from srbench.train.initialisations import WHOLE, own


def initialise(net: nn.Module, streams: Streams, draw: Initialisation = own) -> None:
    """Draw every parameter anew, on the CPU, from the stream `init` at its module's path.

    Each module that owns parameters or buffers draws them in its `reset_parameters`, as torch's
    own layers do; `draw` may change what it drew. A module with `load_pretrained` brings the
    weights of all that is inside it.

    Raises:
        TypeError: a module owns parameters that no `reset_parameters` covers.
    """
    with torch.random.fork_rng(devices=[]):
        inside: set[nn.Module] = set()
        for path, module in net.named_modules():
            load = getattr(module, "load_pretrained", None)
            if load is not None:
                load()
                inside.update(module.modules())
            if module in inside:
                continue
            names = [name for name, _ in module.named_parameters(recurse=False)]
            if not names:
                continue
            if getattr(module, "reset_parameters", None) is None:
                raise TypeError(
                    f"{type(module).__name__} at {path or 'the root'} owns {', '.join(names)} "
                    "without a reset_parameters method to initialise them"
                )
            torch.manual_seed(streams.torch_seed("init", path))
            draw(module)
        if isinstance(draw, partial) and draw.func in WHOLE:
            WHOLE[draw.func](net, **draw.keywords)
