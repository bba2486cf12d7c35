"""Commands that measure without a study: scores of any weights on any images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from srbench.commands.options import Device, Json, err, out

Scale = Annotated[int, typer.Option(min=1, max=8, help="How many times as large SR is.")]
Images = Annotated[
    str,
    typer.Option(
        metavar="SET",
        help="A set (set5, photos, '{pairs: {hr: …, lr: …}}'), or a folder such as Set14.",
    ),
]


def scores(
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A network as a study writes it: pan, '{carn: {channels: 32}}'; or spandrel, "
            "which tells others' networks by their weights.",
        ),
    ],
    data: Images,
    scale: Scale,
    weights: Annotated[
        Path | None,
        typer.Option(help="A .safetensors, .pth or .pt file, its names ours or the authors'."),
    ] = None,
    lr: Annotated[
        str, typer.Option(metavar="LR", help="A folder of LR files, or a degradation.")
    ] = "",
    protocol: Annotated[str, typer.Option(help="sr-y-v1, sr-rgb-v1 or ntire-esr.")] = "sr-y-v1",
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Score any weights on any images, without a study: whole images, fp32.

    srbench scores --model pan --weights PANx4_DF2K.pth --data set5 --scale 4

    LR comes from the set's own files where it has them, else from MATLAB's bicubic. Nothing in a
    file of weights is run.
    """
    from srbench.devices import choose_devices
    from srbench.scored import Asked, score
    from srbench.terminal.scored import scores_listed

    [chosen] = choose_devices(device, 1)
    asked = Asked(model, weights, data, scale, lr, protocol, chosen)
    with err.status("reading") as status:
        found = score(asked, lambda name: status.update(f"scoring {name}"))
    if as_json:
        print(json.dumps(found.as_plain(), indent=1))
    else:
        out.print(scores_listed(found))
