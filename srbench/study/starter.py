"""`srbench new`: a study file to begin with, every line of it explained, from a chosen base."""

from __future__ import annotations

from srbench.core import document, slots
from srbench.core.errors import StudyError
from srbench.core.registry import Choice
from srbench.study.written import is_name

SCHEMA = "srbench.schema.json"  # the file next to it, by which editors complete and check
CHANGES = (  # what a first study may try, where the base has such a setting
    ("attention", "scse", "a block in every unit"),
    ("skip", "bilinear", "the network learns the difference from an upscaled input"),
    ("activation", "gelu", "another activation everywhere"),
    ("channels", 24, "wider: what more parameters alone would give"),
)
STARTER = """\
# yaml-language-server: $schema={schema}
# What would you like to know? A sentence; the report answers it.
question: {question}
scale: 2                     # HR is twice as large as LR

# photos come with scikit-image: no download. Your own: {{folder: {{path: my/photos}}}}
data:
  train: photos
  patches: 120               # crops in an epoch
  patch: 48                  # side of an HR crop in pixels
  validate: photos           # curves and searches look at these
  eval: [photos]             # verdicts rest on these alone

# Short: seconds a run. srbench blocks train lists what may stand here.
train:
  epochs: 16
  batch: 4
  optimizer: {{adam: {{lr: 2.0e-3}}}}
  schedule: cosine
seeds: 3                     # each variant is trained so many times; verdicts need 3 or more

# The network that variants change. srbench blocks {model} lists its settings.
base: {base}

# name: {{setting: value}}. Change one thing at a time, or you will not know which one it was.
variants:
  plain: {{}}                  # the base itself
{variants}
baseline: plain              # what the others are compared with
metric: psnr_y on photos     # the one outcome that gets verdicts
min_effect: 0.3 dB           # the smallest difference that matters; declare it before the run
"""


def starter(name: str, base: str) -> str:
    """The text of a starter study for a base as a study writes it: carn, '{carn: {channels: 8}}'.

    Raises:
        StudyError: the name is no study's, or the base is no network that is trained.
    """
    if not is_name(name):
        raise StudyError("is no name for a study: it becomes a file's", place=name)
    slots.load()
    choice = slots.model.parse(document.parse(base, "--base").value)
    if not any(True for _ in choice.build()(2).parameters()):
        raise StudyError("has nothing to train; see srbench blocks model", place=f"--base {base}")
    if choice == slots.model.parse(choice.name) and "channels" in dict(choice.settings):
        choice = choice.set("channels", 16)
        if choice.name == "carn":  # small enough to pass bicubic interpolation in so few epochs
            choice = choice.set("units", 1)
    return STARTER.format(
        schema=SCHEMA,
        question=f"What helps {choice.name.upper()} most, at x2 in half a minute of training?",
        model=choice.name,
        base=f"{{{choice}}}" if ": {" in str(choice) else str(choice),
        variants="\n".join(_changes(choice)) + "\n",
    )


def _changes(base: Choice) -> list[str]:
    """Lines of variants that fit the base and differ from it."""
    own, lines = dict(base.settings), []
    for setting, value, about in CHANGES:
        if setting in own and _written(own[setting]) != value:
            entry = f"{setting}_{value}: {{{setting}: {value}}}"
            lines.append(f"  {entry:<28} # {about}")
    return lines or ["  more_steps: {train.epochs: 16}   # the same network, trained for longer"]


def _written(value: object) -> object:
    return value.name if isinstance(value, Choice) else value
