"""What the database knows about one study, as plain frames: the value between store and report.

The store makes it, statistics and report read it, and it survives a folder of CSV files,
so that a published sample can be rebuilt and checked by anyone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from srbench.analysis.history import Tried
from srbench.analysis.metric_names import metric_facts, metric_name
from srbench.analysis.significance import Better
from srbench.core import csv_text
from srbench.core.csv_text import unguarded
from srbench.core.errors import InputError
from srbench.core.files import write_atomically
from srbench.core.part_facts import MetricFacts, Metrics


@dataclass(frozen=True)
class StudyFacts:
    """One plan of one study: what was asked, and the settings shared by its runs."""

    name: str
    question: str
    source: str  # where the question comes from; may be empty
    scale: int
    baseline: str  # the variant that effects are measured against
    metric: str  # the primary outcome, "psnr_y"
    dataset: str  # the primary evaluation set, "photos"
    protocol: str  # "sr-y-v1"
    min_effect: float | None  # in the metric's unit; None where the study names none
    seeds: tuple[int, ...]  # planned, of every variant but the baseline
    epochs: int
    steps: int  # optimizer steps of one run
    plan: str  # hex digest of the plan
    planned_at: str  # ISO 8601, UTC
    text: str  # the study file as it was read
    overrides: tuple[str, ...]  # --set, --seeds, --only as given
    train: dict[str, Any]  # resolved training settings, plain data
    data: dict[str, Any]  # resolved data settings, plain data
    references: tuple[tuple[str, str], ...]  # (part, citation), from the parts' docstrings
    notes: tuple[str, ...]  # readings and remarks of the study file ("ours: ...")
    claims: tuple[dict[str, str], ...] = ()  # id, says, test
    looks: tuple[int, ...] = ()  # seeds at which the study looks; empty for a fixed number
    baseline_seeds: tuple[int, ...] = ()  # planned of the baseline; empty: as of the variants
    paired: bool = False  # whether contrasts are taken within the seed
    compare: tuple[tuple[str, str], ...] = ()  # variants compared with each other
    design: dict[str, Any] | None = None  # kind, factors, levels of each variant, aliases
    search: dict[str, Any] | None = None  # space, objectives, sampler, pruner, budget, seeds
    twins: dict[str, str] = field(default_factory=dict)  # width-matched twin -> its variant
    synthetic: bool = False  # the rows are made up, to test or time the report
    lr: tuple[str, ...] = ()  # where the LR of each split comes from
    overlaps: tuple[str, ...] = ()  # images trained and judged on, LR of others
    later: str = ""  # what was changed after results of this study were there; empty is none
    metric_facts: Metrics = field(default_factory=dict)  # of every metric that may be scored
    file: str = ""  # path of the study file, relative to the folder of the database
    part_files: dict[str, str] = field(default_factory=dict)  # parts without a package: path
    # relative to the study file (empty for those of a session) -> source
    part_versions: dict[str, dict[str, Any]] = field(default_factory=dict)  # fingerprint ->
    # version of each part, of the variants that use such parts
    changed_parts: str = ""  # which of these files are gone or have changed; found on reading

    @property
    def unit(self) -> str:
        """The unit of the primary outcome: "dB", or "" for a plain number."""
        return self.unit_of(self.metric)

    @property
    def better(self) -> Better:
        """The direction in which the primary outcome is better.

        Raises:
            InputError: the plan states none.
        """
        better = metric_facts(self.metric, self.metric_facts).better
        if not better:
            raise InputError(f"{self.metric} states no direction that is better", place=self.name)
        return better

    @property
    def sign(self) -> Literal[-1, 1]:
        """1 where a larger primary outcome is better, else -1."""
        return 1 if self.better == "higher" else -1

    def unit_of(self, metric: str) -> str:
        """The unit of a score."""
        return metric_facts(metric, self.metric_facts).unit

    def heading(self, metric: str = "") -> str:
        """The heading of a score; of the primary outcome where none is named."""
        return metric_name(metric or self.metric, self.metric_facts)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StudyFacts:
        """The facts, from what JSON makes of them."""
        tuples = {
            field.name: tuple(tuple(x) if isinstance(x, list) else x for x in plain[field.name])
            for field in fields(cls)
            if str(field.type).startswith("tuple") and field.name in plain
        }
        known = plain.get("metric_facts", {})
        facts = {name: MetricFacts(**of_metric) for name, of_metric in known.items()}
        return cls(**{**plain, **tuples, "metric_facts": facts})


PASSES: tuple[str, ...] = (
    "pass_id", "quantity", "device", "scale", "lr_height", "lr_width", "batch", "precision",
    "memory_format", "mode", "threads", "study", "steady", "warnings", "seconds", "measured",
)  # fmt: skip
SETTING = PASSES[1:11]
"""Times compare within one of these."""
LATENCY = ("pass_id", "variant", "copy", "round", "place", "ms", "lost", "first_ms")
TRIALS = (
    "number", "state", "repeats", "variant", "run_id", "values", "point", "ended_at",
    "violation", "epochs", "seconds", "message",
)  # fmt: skip
LOOKS = (
    "seeds", "variant", "pairs", "effect", "low", "high", "p", "nominal", "p_within",
    "nominal_within", "verdict", "taken",
)  # fmt: skip
PUBLISHED = ("source", "variant", "quantity", "dataset", "epoch", "value", "unit")
REPORTS = ("number", "at", "value")
SHARES = ("parameter", "share")


@dataclass(frozen=True, eq=False)  # frames compare by element, so a value equals only itself
class Results:
    """A study's latest plan with everything measured for it.

    Frames (all rows; a missing value is NaN or None):

    variants   variant, role (baseline | variant | twin | control | interpolation), change,
               fingerprint, parameters, frozen, dead, dead_modules, macs_720p, macs_256,
               activations, receptive_field, uncounted, settings (the three trees as JSON); in
               study order
    runs       run_id, variant, seed, attempt, state, reason, message, steps, total_steps,
               train_seconds, peak_memory_mb, device, numerics, host, started, finished, weights,
               weights_sha256, git_commit, git_dirty, versions, stale
    curves     run_id, variant, seed, name, step, epoch, value; names: loss_step, loss (its mean
               over an epoch), loss/x2 and the like (other terms), lr, validate/psnr_y,
               validate/ssim_y, validate/psnr_above_flat
    scores     run_id, variant, seed, dataset, protocol, image, metric, value; one image a row
    pictures   run_id, variant, seed, dataset, image, kind (lr | sr | sr/x2 … |
               hr), path
    datasets   role (train | validate | eval), name, manifest, images, megapixels
    looks      seeds, variant, pairs, effect, low, high, p, nominal, p_within, nominal_within,
               verdict, taken; a row a contrast and look, as it was taken
    published  source, variant, quantity, dataset, epoch, value, unit; never ours
    passes     pass_id, quantity (latency | step_time), device, scale, lr_height, lr_width, batch,
               precision, memory_format, mode, threads, study, steady, warnings (JSON list),
               seconds, measured; the latency passes that have this plan's baseline
    trials     number, state (running | complete | pruned | diverged | infeasible | failed),
               repeats, variant, run_id, values (JSON list, one an objective), point (JSON),
               ended_at, violation, epochs, seconds, message; the search of the study, which no
               verdict rests on
    reports    number, at (epoch, or place of the seed), value; of the first objective
    importances  parameter, share; empty in the store; computed when a search is reported
    latency    pass_id, variant, copy, round, place, ms, lost, first_ms; one network and round a
               row; copy 1 is the control, what the pass timed a second time in every round
    """

    facts: StudyFacts
    variants: pd.DataFrame
    runs: pd.DataFrame
    curves: pd.DataFrame
    scores: pd.DataFrame
    pictures: pd.DataFrame
    datasets: pd.DataFrame
    looks: pd.DataFrame
    published: pd.DataFrame
    root: Path  # what the paths in `pictures` and `runs` are relative to
    passes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PASSES)))
    latency: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LATENCY)))
    trials: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(TRIALS)))
    reports: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REPORTS)))
    importances: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(SHARES)))

    def to_folder(self, folder: Path) -> list[Path]:
        """Write `study.json` and a CSV file a frame, which `from_folder` reads; the files.

        The path of the study file is left out: it is of this machine alone.
        """
        here = ("file", "changed_parts")
        plain = {key: value for key, value in asdict(self.facts).items() if key not in here}
        facts = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
        files = [folder / "study.json"]
        write_atomically(files[0], facts.encode())
        for name in FRAMES:
            frame: pd.DataFrame = getattr(self, name)
            rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False)
            files.append(folder / f"{name}.csv")
            csv_text.write(files[-1], chain((frame.columns,), rows))
        return files

    def to_parquet(self, folder: Path) -> list[Path]:
        """Write a Parquet file a frame; the files, sorted.

        Raises:
            InputError: pyarrow is not installed.
        """
        if find_spec("pyarrow") is None:
            raise InputError("pyarrow is needed: pip install 'srbench[export]'", place="Parquet")
        files = []
        for name in sorted(FRAMES):
            frame: pd.DataFrame = getattr(self, name)
            buffer = io.BytesIO()
            frame.to_parquet(buffer, index=False)
            files.append(folder / f"{name}.parquet")
            write_atomically(files[-1], buffer.getvalue())
        return files

    @classmethod
    def from_folder(cls, folder: Path) -> Results:
        """Read what `to_folder` wrote; pictures are looked for in the same folder."""
        plain = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        frames = {name: _read(folder / f"{name}.csv") for name in FRAMES}
        return cls(StudyFacts.from_plain(plain), **frames, root=folder)


def trial_frames(found: Sequence[Tried]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames `trials` and `reports` of a search."""
    trials = [
        (
            t.number, t.state, t.repeats, t.variant or "", t.runs[0].run if t.runs else None,
            json.dumps(t.values), json.dumps(dict(t.point)), t.ended_at,
            max(t.constraints.values(), default=float("nan")), t.epochs, t.seconds, t.message,
        )
        for t in found
    ]  # fmt: skip
    reports = [
        (t.number, at, value)
        for t in found
        if t.repeats is None
        for at, value in sorted(t.reports.items())
    ]
    frame = pd.DataFrame.from_records(trials, columns=list(TRIALS))
    numbers = dict.fromkeys(("repeats", "run_id", "ended_at"), "float64")
    return frame.astype(numbers), pd.DataFrame.from_records(reports, columns=list(REPORTS))


def _read(path: Path) -> pd.DataFrame:
    """A frame as it was: text stays text, be it `1e5` or `NA`; numbers to the last bit."""
    cells = pd.read_csv(
        path, dtype=str, keep_default_na=False, lineterminator="\n", encoding="utf-8-sig"
    )
    return pd.DataFrame({name: _column(name, list(cells[name])) for name in cells.columns})


def _column(name: str, cells: list[str]) -> pd.Series[Any]:
    if name in MAYBE:
        return pd.Series([unguarded(cell) or None for cell in cells], dtype=object)
    if name in TEXT:
        return pd.Series([unguarded(cell) for cell in cells], dtype=object)
    if set(cells) <= {*TRUTHS, ""} and set(cells) & set(TRUTHS):
        return pd.Series([TRUTHS.get(cell) for cell in cells])
    try:
        return pd.Series([int(cell) for cell in cells], dtype="int64")
    except ValueError:
        return pd.Series([float(cell or "nan") for cell in cells], dtype="float64")


TRUTHS = {"True": True, "False": False}
MAYBE = {  # text that may be missing
    "reason", "message", "device", "host", "started", "finished", "weights", "weights_sha256",
    "git_commit", "versions",
}  # fmt: skip
TEXT = MAYBE | {
    "variant", "role", "change", "fingerprint", "dead_modules", "uncounted", "settings", "state",
    "numerics", "name", "dataset", "protocol", "image", "metric", "kind", "path", "manifest",
    "verdict", "taken", "source", "quantity", "unit", "values", "point", "parameter", "precision",
    "memory_format", "mode",
    "study", "warnings", "measured",
}  # fmt: skip
FRAMES = tuple(field.name for field in fields(Results) if field.name not in ("facts", "root"))
