"""How well CLIP finds in an image what its description says, and the matrix of all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

import torch
from torch import Tensor

from srbench.blocks.clip import ClipImage, cosines, text_embeddings
from srbench.core import document
from srbench.core.errors import StudyError, brief
from srbench.core.part_facts import MetricFacts
from srbench.core.slots import Image, metric
from srbench.measure.sets import Answers, NotScored, SetScore

WANTED = "texts names a YAML file of descriptions, image: text"


@metric.register("clip_cosine", facts=MetricFacts("", "higher", "CLIP cosine"))
def clip_cosine(*, texts: str = "", weights: str = "openai") -> SetScore:
    """The cosine of an SR image with its own description, as CLIP ViT-B/32 sees both: -1 to 1.

    `srbench cosines` shows the whole matrix, of every image with every description.

    texts     a YAML file, image: description; without it the metric cannot be had
    weights   openai (through open_clip, extra clip), a path, or none: random, a meaningless number

    Radford et al., Learning transferable visual models from natural language supervision, 2021.
    https://arxiv.org/abs/2103.00020
    """
    described = descriptions(texts)

    def value(answers: Answers) -> list[float]:
        return matrix(answers.sr, own(answers.names), weights).diagonal().tolist()

    def own(names: Sequence[str]) -> list[str]:
        return [description(described, name, texts) for name in names]

    def load(names: Sequence[str]) -> None:
        text_embeddings(own(names)[:1], weights)
        ClipImage(weights).load_pretrained()

    return SetScore(value, needs=load)


def descriptions(file: str) -> dict[str, str]:
    """Image to description, from a YAML file.

    Raises:
        StudyError: no file is named or there, or it holds something else.
    """
    if not file:
        raise StudyError(f"clip_cosine: {WANTED}")
    path = Path(file).expanduser()
    if not path.is_file():
        raise StudyError(f"clip_cosine: there is no file {path} (looked from {Path.cwd()})")
    _, source = document.read(path)
    found = source.value
    if not isinstance(found, Mapping) or not found:
        raise StudyError(f"clip_cosine: {WANTED}; {path} holds {brief(found)}")
    for name, text in found.items():
        if not isinstance(text, str) or not text.strip():
            raise StudyError(
                f"clip_cosine: {path} describes {name!s:.80} by {brief(text)}, no text"
            )
    return {str(name): text for name, text in found.items()}


def description(described: Mapping[str, str], image: str, file: str) -> str:
    """The text of an image, by its name or by that without folder and ending.

    Raises:
        NotScored: there is none.
    """
    for name in (image, PurePath(image).name, PurePath(image).stem):
        if name in described:
            return described[name]
    listed = ", ".join(sorted(described)[:10])
    raise NotScored(f"{file} has no description of {image} (it has {listed})")


def matrix(images: Iterable[Image], texts: Sequence[str], weights: str) -> Tensor:
    """The cosine of every image with every text: (images, texts).

    Raises:
        WeightsMissing: CLIP's weights or open_clip are not here.
    """
    words = text_embeddings(texts, weights)  # first, for it may be missing
    net = ClipImage(weights)
    net.load_pretrained()
    with torch.inference_mode():
        pixels = (torch.tensor(i).permute(2, 0, 1)[None].float() / 255 for i in images)
        seen = torch.cat([net(x) for x in pixels])  # (n, 512)
    return cosines(seen, words)
