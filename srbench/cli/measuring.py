"""Commands that measure without a plan: scores, cosines, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import (
    Database,
    Json,
    Model,
    OneDevice,
    Parts,
    Run,
    Weights,
    answer,
    err,
    note,
    use_parts,
)
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
    model: Model = None,
    run: Run = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=1, max=8, help="Factor of enlargement. [dim](default: that of the run)[/dim]"
        ),
    ] = None,
    weights: Weights = None,
    lr: Annotated[
        str,
        typer.Option(
            metavar="LR",
            help="A folder of LR files, or a degradation. [dim](default: the set's own)[/dim]",
        ),
    ] = "",
    protocol: Annotated[str, typer.Option(help="sr-y-v1, sr-rgb-v1 or ntire-esr.")] = "sr-y-v1",
    metric: Annotated[
        list[str] | None,
        typer.Option(help="A metric besides PSNR, SSIM and L1. May be repeated."),
    ] = None,
    device: OneDevice = "cpu",
    parts: Parts = None,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Score any weights on any images, without a study: whole images, fp32.

    srbench scores --model pan --weights PANx4_DF2K.pth --data set5 --scale 4

    srbench scores --run 12 --data set5 --scale 3

    The second scores a run of a study; a network of several scales is scored at any of them.
    LR comes from the set's own files if it has them, else from MATLAB's bicubic. No code in a file
    of weights is executed.
    """
    from srbench.apply.api import scores as scored
    from srbench.cli.measured import scores_listed

    use_parts(parts)
    with err.status("reading") as status:
        found = scored(
            data, run=run, model=model, weights=weights, scale=scale, lr=lr, protocol=protocol,
            device=device, metrics=metric or (), db=db, say=note,
            on_image=lambda name: status.update(f"scoring {name}"),
        )  # fmt: skip
    answer(as_json, found.as_plain(), lambda: scores_listed(found))


def cosines(
    data: Images,
    texts: Annotated[
        Path, typer.Option(metavar="FILE", help="YAML file with lines of image: description.")
    ],
    weights: Annotated[
        str,
        typer.Option(help="Of CLIP: openai, a file, or none (random: the cosines mean nothing)."),
    ] = "openai",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Figure file: .svg or .pdf.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print CLIP's cosine similarity of every image with every description.

    srbench cosines --data photos --texts photos.yaml -o cosines.svg

    Images are the HR files of a set, or a folder, such as the output of srbench upscale. Needs the
    extra clip. In a study, the metric clip_cosine scores each image with its own description.
    """
    from srbench.apply.scored import images_of
    from srbench.cli.measured import cosines_listed
    from srbench.measure.clip_cosine import description, descriptions, matrix
    from srbench.report.cosines import cosines_figure
    from srbench.report.figure_matplotlib import saved

    if output is not None and output.suffix not in (".svg", ".pdf"):
        raise InputError(f"{output} is neither .svg nor .pdf", place="--output")
    images = images_of(data, 1)[0].images
    described = descriptions(str(texts))
    words = [description(described, image.name, str(texts)) for image in images]
    with err.status("reading CLIP"):
        values = matrix((image.hr for image in images), words, weights).tolist()
    names = [image.name for image in images]
    if output is not None:
        title = "CLIP cosine" + (" (random weights)" if weights == "none" else "")
        figure = {"cosines": lambda: cosines_figure(names, words, values, title)}
        svg, pdf = saved(figure)["cosines"]
        write_atomically(output, svg.encode() if output.suffix == ".svg" else pdf)
    plain = {"weights": weights, "images": names, "texts": words, "cosines": values}
    answer(as_json, plain, lambda: cosines_listed(names, words, values, weights))


def verify(
    score: Annotated[
        float | None,
        typer.Option(help="Your score, PSNR in dB or SSIM: which slip explains it?"),
    ] = None,
    paper: Annotated[
        float | None,
        typer.Option(help="The score it should be. [dim](default: what srbench measures)[/dim]"),
    ] = None,
    slips: Annotated[
        bool,
        typer.Option("--slips", help="Print the cost of every slip, without a score of yours."),
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="SET", help="Sets to check. [dim](default: set5 and set14)[/dim]"),
    ] = None,
    scale: Annotated[int, typer.Option(min=2, max=8, help="Scale of the slips.")] = 4,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Network of the slips, as in srbench scores.")
    ] = "bicubic",
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights of --model; without a score, the folder of published weights."),
    ] = None,
    device: OneDevice = "cpu",
    as_json: Json = False,
) -> None:
    """Check the measuring against known numbers, or find the slip that explains a score.

    srbench verify

    srbench verify --score 30.81 --model pan --weights PANx4_DF2K.pth --data set5 --scale 4

    The first compares with numbers of MATLAB and others on made-up images and, if the files are
    found, with published scores of published weights. The second measures what every usual slip of
    protocol does to this network on these images. Exit code 1 if a number is wrong.
    """
    from srbench.apply.checks import everything
    from srbench.apply.scored import Asked
    from srbench.apply.slips import explain
    from srbench.cli.measured import checks_listed, explained
    from srbench.core.devices import choose_device

    chosen = choose_device(device, note)
    with err.status("measuring") as status:

        def say(text: str) -> None:
            status.update(f"measuring {text}")

        if score is not None or slips:
            asked = Asked(model, weights, (data or ["set5"])[0], scale, device=chosen)
            found = explain(asked, score=score, paper=paper, say=say)
            answer(as_json, found.as_plain(), lambda: explained(found))
            return
        checks = everything(data, weights, chosen, say)
    answer(as_json, [vars(check) for check in checks], lambda: checks_listed(checks))
    raise typer.Exit(int(any(check.state == "wrong" for check in checks)))
