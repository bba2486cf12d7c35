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


def verify(
    score: Annotated[
        float | None,
        typer.Option(help="A number of yours, PSNR in dB or SSIM: which slip explains it?"),
    ] = None,
    paper: Annotated[
        float | None, typer.Option(help="What it should be; else what srbench measures.")
    ] = None,
    slips: Annotated[
        bool, typer.Option("--slips", help="The table of slips, without a number.")
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="SET", help="Sets to check: set5 and set14 unless said."),
    ] = None,
    scale: Annotated[int, typer.Option(min=2, max=8, help="For the slips.")] = 4,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Whose slips: see srbench scores.")
    ] = "bicubic",
    weights: Annotated[
        Path | None,
        typer.Option(help="Its weights; without a number, the folder of published ones."),
    ] = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Is my measuring right? And if my number differs from a paper's: which slip explains it?

    srbench verify

    srbench verify --score 30.81 --model pan --weights PANx4_DF2K.pth --data set5 --scale 4

    The first compares with numbers of MATLAB and others on made-up images, and, where the files
    are here, with published scores of published weights. The second measures what every usual slip
    does to this network on these images. Exit code 1 where a number comes out wrong.
    """
    from srbench.devices import choose_devices
    from srbench.scored import Asked
    from srbench.terminal.verified import checks_listed, explained
    from srbench.verify.everything import everything
    from srbench.verify.explain import explain

    [chosen] = choose_devices(device, 1)
    with err.status("measuring") as status:

        def say(text: str) -> None:
            status.update(f"measuring {text}")

        if score is not None or slips:
            one = (data or ["set5"])[0]
            asked = Asked(model, weights, one, scale, device=chosen)
            found = explain(asked, score=score, paper=paper, say=say)
            checks = []
        else:
            checks = everything(data, weights, chosen, say)
    if checks:
        plain = [vars(check) for check in checks]
        print(json.dumps(plain, indent=1)) if as_json else out.print(checks_listed(checks))
        raise typer.Exit(int(any(check.state == "wrong" for check in checks)))
    print(json.dumps(found.as_plain(), indent=1)) if as_json else out.print(explained(found))
