"""The page over all claims of `ablations/`, and README's table of them, from claims.csv.

A claim is listed once, under the study that makes it first; its answers are the rows of that study
and of the views of it (`from:` in a study file). The study's own setting takes precedence.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from claims_table import CLAIMS, ROOT, rows_of
from markupsafe import Markup

from srbench.core import document
from srbench.core.numbers import duration, justified_decimals, plural, shown, with_unit
from srbench.report.page import environment, style
from srbench.study import views

PAGE = ROOT / "reports" / "index.html"
README = ROOT / "README.md"
TEMPLATE = Path(__file__).parent / "answers.html"
ABLATIONS = ROOT / "ablations"
STATUSES = ("supported", "refuted", "not decided", "not measured")
START, END = "<!-- answers: made by reports/make_reference.py -->\n", "<!-- answers end -->"

WEIGHTS = "needs {}, which are not part of the repository and could not be downloaded here"
TIMES = "a ratio of times; measured on a machine where nothing else runs"
REASONS = {  # claims that training on a CPU does not answer
    ("carn_2019", "A10"): TIMES,
    ("carn_2019", "A14"): TIMES,
    ("superresnet", "C3"): WEIGHTS.format("ImageNet's weights of VGG16"),
    ("superresnet", "CLIP"): WEIGHTS.format("OpenAI's weights of CLIP"),
    ("perceptual", "pretrained"): WEIGHTS.format("ImageNet's weights of VGG16"),
}
NOT_TRAINED = "not trained yet"


@dataclass(frozen=True)
class Answer:
    """One row of claims.csv, as a reader sees it."""

    study: str
    status: str
    effect: str  # "+4.87 dB (4.69 to 5.04)"
    compared: str
    over: str
    setting: str
    line: int  # of claims.csv

    @property
    def page(self) -> str:
        """The study's page, from the folder of the page over all claims; "" for a plan."""
        folder = f"reference/{self.study}"
        return f"{folder}/index.html" if (PAGE.parent / folder).is_dir() else ""


@dataclass(frozen=True)
class Claim:
    """A claim of a study file, with its answers or the reason why there is none."""

    source: str
    study: str  # the first that makes it
    id: str
    says: str
    answers: tuple[Answer, ...]
    reason: str
    command: str

    @property
    def status(self) -> str:
        return self.answers[0].status if self.answers else "not measured"


def claims_answered() -> tuple[Claim, ...]:
    """Every claim of the study files, source by source, the source with most claims first."""
    studies = {file.stem: _read(file) for file in sorted(ABLATIONS.glob("*.yaml"))}
    found: dict[tuple[str, str], list[str]] = {}  # study and claim -> the studies that test it
    for name, (_, study) in studies.items():
        for claim in study.get("claims") or ():
            found.setdefault((_first(name, claim["id"], studies), claim["id"]), []).append(name)
    rows = _rows()
    made = [
        _claim(studies[study][1], study, id_, sorted(testing, key=lambda x: (x != study, x)), rows)
        for (study, id_), testing in found.items()
    ]
    size = Counter(claim.source for claim in made)
    return tuple(sorted(made, key=lambda claim: (-size[claim.source], claim.source)))


@cache
def _read(file: Path) -> tuple[str, dict]:
    """The study that a file is a view of, or "", and the file with what it takes from others."""
    return document.read(file)[1].value.get("from", ""), views.read(file)[1].value


def _first(study: str, id_: str, studies: dict[str, tuple[str, dict]]) -> str:
    """The study that makes a claim which this one may have from another."""
    above = studies[study][0]
    if above and id_ in [claim["id"] for claim in studies[above][1].get("claims") or ()]:
        return _first(above, id_, studies)
    return study


def _claim(
    study: dict, name: str, id_: str, testing: Sequence[str], rows: dict[tuple[str, str], Answer]
) -> Claim:
    says = next(claim["says"] for claim in study["claims"] if claim["id"] == id_)
    measured = (rows.get((other, id_)) for other in testing)
    answers = tuple(answer for answer in measured if answer and answer.effect)
    reason = REASONS.get((name, id_), NOT_TRAINED)
    small = [other for other in testing if other.endswith("_small")]
    chosen = small[0] if small and reason == NOT_TRAINED else name
    verb = "latency" if reason == TIMES else "run"
    command = f"srbench {verb} ablations/{chosen}.yaml" + (" --step" if reason == TIMES else "")
    source = study["source"].split(" (")[0].rstrip(".")
    return Claim(source, name, id_, says, answers, reason, command)


def _rows() -> dict[tuple[str, str], Answer]:
    with CLAIMS.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return {
            (row["study"], row["claim"]): Answer(
                row["study"], row["status"], effect(row), row["number"], row["over"],
                row["setting"], reader.line_num,
            )
            for row in reader
        }  # fmt: skip


def effect(row: dict[str, str]) -> str:
    """The number that decides a claim, with its 95 % interval; "" where nothing was measured."""
    if not row["effect"]:
        return ""
    value, low, high = (float(row[key] or math.nan) for key in ("effect", "low", "high"))
    difference, unit = " - " in row["number"], row["unit"]
    if row["over"] == "exact":
        decimals = 0 if value == int(value) else 6
        return with_unit(shown(value, decimals, signed=difference), unit)
    decimals = justified_decimals([(high - low) / 2], unit)
    number = with_unit(shown(value, decimals, signed=difference), unit)
    if math.isnan(low):
        return number
    return f"{number} ({shown(low, decimals)} to {shown(high, decimals)})"


def answers_page() -> str:
    """The HTML of the page over all claims."""
    claims = claims_answered()
    template = environment().from_string(TEMPLATE.read_text("utf-8"))
    return template.render(
        style=Markup(style()), claims=claims, sources=list(_by_source(claims)), statuses=STATUSES,
        counts=_counts(claims),
    )  # fmt: skip


def _by_source(claims: Sequence[Claim]) -> Iterator[dict[str, object]]:
    for source, group in groupby(claims, key=lambda claim: claim.source):
        found = list(group)
        shown_in = dict.fromkeys(answer.study for claim in found for answer in claim.answers)
        yield {
            "source": source,
            "brief": _brief(source),
            "counts": _counts(found),
            "claims": found,
            "studies": [
                {
                    "name": study,
                    "training": training(study),
                    "rows": [(c, a) for c in found for a in c.answers if a.study == study],
                }
                for study in shown_in
            ],
            "open": _open(found),
            "own": list(dict.fromkeys(claim.study for claim in found)),
        }


def _open(claims: Sequence[Claim]) -> dict[tuple[str, str], list[Claim]]:
    """The claims without an answer, by reason and command."""
    found: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        if not claim.answers:
            found.setdefault((claim.reason, claim.command), []).append(claim)
    return found


def training(study: str) -> str:
    """How many runs of a study were trained, and how long they took together."""
    with (rows_of(study) / "runs.csv").open(encoding="utf-8", newline="") as file:
        seconds = [float(row["train_seconds"] or 0) for row in csv.DictReader(file)]
    took = [x for x in seconds if x]
    return f"{plural(len(took), 'run')}, {duration(sum(took))} of training" if took else ""


def _brief(source: str) -> str:
    """Author or title, without the rest of the reference."""
    return source.split(",")[0]


def _counts(claims: Sequence[Claim]) -> dict[str, int]:
    found = [claim.status for claim in claims]
    return {status: found.count(status) for status in STATUSES}


def readme(text: str) -> str:
    """README with its table of claims made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{_table()}{END}{after}"


def _table() -> str:
    claims = claims_answered()
    groups = [(source["source"], source["counts"]) for source in _by_source(claims)]
    lines = [f"| source | claims | {' | '.join(STATUSES)} |", "|---" * (len(STATUSES) + 2) + "|"]
    for source, counts in [*groups, ("all", _counts(claims))]:
        numbers = [sum(counts.values()), *counts.values()]
        lines.append(f"| {_brief(source)} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines) + "\n"
