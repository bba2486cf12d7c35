"""Commands that measure without a plan: scores, cosines, verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.networks import named_network
from srbench.cli.options import Database, Device, Json, err, note, out
from srbench.core.errors import InputError
from srbench.core.files import write_atomically

Images = Annotated[
    str,
    typer.Option(
        metavar="SET",
        help="A set (set5, photos, '{pairs: {hr: …, lr: …}}'), or a folder such as Set14.",
    ),
]


def scores(
    data: Images,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A network as a study writes it: pan, '{carn: {channels: 32}}'; or spandrel, "
            "which tells others' networks by their weights.",
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="N|STUDY:VARIANT",
            help="Instead of a model: a finished run, or the first finished seed of a variant.",
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=1, max=8, help="How many times as large SR is; that of the run unless said."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="A .safetensors, .pth or .pt file, its names ours or the authors'."),
    ] = None,
    lr: Annotated[
        str, typer.Option(metavar="LR", help="A folder of LR files, or a degradation.")
    ] = "",
    protocol: Annotated[str, typer.Option(help="sr-y-v1, sr-rgb-v1 or ntire-esr.")] = "sr-y-v1",
    device: Device = "cpu",
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Score any weights on any images, without a study: whole images, fp32.

    srbench scores --model pan --weights PANx4_DF2K.pth --data set5 --scale 4

    srbench scores --run 12 --data set5 --scale 3

    The second is a run of a study; one that was trained at several scales is scored at any of them.
    LR comes from the set's own files where it has them, else from MATLAB's bicubic. Nothing in a
    file of weights is run.
    """
    from srbench.apply.scored import Asked, score, score_network
    from srbench.cli.scores import scores_listed
    from srbench.core.devices import choose_devices

    [chosen] = choose_devices(device, 1, note)
    with err.status("reading") as status:

        def say(name: str) -> None:
            status.update(f"scoring {name}")

        if run is not None:
            own = named_network(run, weights, model, 0, db)
            asked = Asked(own.name, None, data, scale or own.scale, lr, protocol, chosen)
            found = score_network(own, asked, say)
        elif model is None or scale is None:
            raise InputError("name a network: --run N, or --model with --scale")
        else:
            found = score(Asked(model, weights, data, scale, lr, protocol, chosen), say)
    if as_json:
        print(json.dumps(found.as_plain(), indent=1))
    else:
        out.print(scores_listed(found))


def cosines(
    data: Images,
    texts: Annotated[
        Path, typer.Option(metavar="FILE", help="YAML, image: description, for CLIP to read.")
    ],
    weights: Annotated[
        str,
        typer.Option(help="CLIP's: openai, a file, or none (random, a number of no worth)."),
    ] = "openai",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A figure: .svg or .pdf.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How alike CLIP finds images and descriptions: the cosine of every pair.

    srbench cosines --data photos --texts photos.yaml -o cosines.svg

    Images are a set's HR, or a folder's, such as what srbench upscale wrote. Needs the extra clip.
    In a study the metric clip_cosine scores each image with its own description.
    """
    from srbench.apply.scored import images_of
    from srbench.cli.scores import cosines_listed
    from srbench.measure.clip_cosine import description, descriptions, matrix

    images = images_of(data, 1)[0].images
    described = descriptions(str(texts))
    words = [description(described, image.name, str(texts)) for image in images]
    with err.status("reading CLIP"):
        values = matrix((image.hr for image in images), words, weights).tolist()
    names = [image.name for image in images]
    if output is not None:
        draw_cosines(output, names, words, values, weights)
    if as_json:
        plain = {"weights": weights, "images": names, "texts": words, "cosines": values}
        print(json.dumps(plain, indent=1))
    else:
        out.print(cosines_listed(names, words, values, weights))


def draw_cosines(
    file: Path, names: list[str], words: list[str], values: list[list[float]], weights: str
) -> None:
    from srbench.report.cosines import cosines_figure
    from srbench.report.figure_matplotlib import saved

    if file.suffix not in (".svg", ".pdf"):
        raise InputError(f"{file} is neither .svg nor .pdf", place="--output")
    note = " (random weights)" if weights == "none" else ""
    svg, pdf = saved(lambda: cosines_figure(names, words, values, f"CLIP cosine{note}"))
    write_atomically(file, svg.encode() if file.suffix == ".svg" else pdf)


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
    from srbench.apply.checks import everything
    from srbench.apply.scored import Asked
    from srbench.apply.slips import explain
    from srbench.cli.verified import checks_listed, explained
    from srbench.core.devices import choose_devices

    [chosen] = choose_devices(device, 1, note)
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
