"""A fixed plan in Optuna: each run a trial, with its choices, curve, scores and picture strip."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from srbench.analysis.latency import timings
from srbench.analysis.results import Results, StudyFacts
from srbench.core.places import STRIP, run_folder
from srbench.core.registry import placed
from srbench.run.mirror_guard import Guarded, mirror_url, told
from srbench.run.mirror_lock import Keeper, confirmation_of, locked
from srbench.run.mirror_trials import annotate as annotate_search
from srbench.run.mirror_trials import bring_in_step, history_of, open_search, search_name
from srbench.run.optuna_file import Cell, Finished, Mirror, Plain, differing, quiet, vocabulary
from srbench.store import Store


class MirrorWatcher:
    """Shows one plan in Optuna while its runs are trained."""

    def __init__(self, store: Store, plan: int, say: Callable[[str], None]) -> None:
        self.store, self.plan = store, plan
        self.guarded = Guarded(say)
        self.curve, self.metric, self.sets = "", ("", ""), dict[str, str]()
        self.keeper: Keeper | None = None
        self.cells: dict[int, Cell] = {}
        with self.guarded():
            results = store.results(plan, points=150)
            self.curve = f"validate/{_watched(results)}"
            self.metric = (results.facts.metric, results.facts.dataset)
            self.sets = dict(zip(results.datasets["manifest"], results.datasets["name"],
                                 strict=True))  # fmt: skip
            cells = cells_of(results)
            self.cells = {cell.run: cell for cell in cells}
            with locked(store.root):
                self.keeper = Keeper(store.root, runs_name(results.facts))
                self.guarded.mirror = open_mirror(store.root, results, cells)
                if self.keeper.is_alone():
                    _bring_in_step(self.guarded.mirror, results, store.root)

    def started(self, claim: Any, steps: int) -> None:
        with self.guarded() as mirror:
            if claim.run in self.cells:  # else a candidate's, or one that was queued later
                mirror.begin(self.cells[claim.run])

    def resumed(self, claim: Any, step: int) -> None:
        pass

    def progressed(self, claim: Any, message: Any) -> None:
        with self.guarded() as mirror:
            for name, _, epoch, value in message.points:
                if name == self.curve:
                    mirror.report(claim.run, round(epoch), value)

    def scoring(self, claim: Any) -> None:
        pass

    def finished(self, claim: Any, done: Any, folder: Path) -> None:
        if claim.run not in self.cells:
            return
        with self.guarded() as mirror:
            frame = pd.DataFrame(done.scores, columns=["dataset", "image", "metric", "value"])
            frame["dataset"] = frame["dataset"].map(self.sets)
            means = _means(frame.assign(run_id=claim.run)).get(claim.run, {})
            facts: dict[str, Plain] = {f"{m} on {d}": value for (m, d), value in means.items()}
            facts |= {"state": "done", "train_seconds": done.train_s}
            values = (means[self.metric],) if self.metric in means else ()
            mirror.finish(
                Finished(
                    self.cells[claim.run], values, "complete" if values else "failed",
                    facts=facts, artifact=folder / STRIP,
                )
            )  # fmt: skip

    def failed(self, claim: Any, reason: str, message: str) -> None:
        if claim.run not in self.cells:
            return
        with self.guarded() as mirror:
            facts: dict[str, Plain] = {
                "state": f"failed: {reason}",
                "message": message.splitlines()[0][:200],
            }
            mirror.finish(Finished(self.cells[claim.run], state="failed", facts=facts))

    def pruned(self, claim: Any, at: int, why: str) -> None:
        pass

    def stopped(self, claim: Any, step: int) -> None:
        if claim.run not in self.cells:
            return
        with self.guarded() as mirror:
            facts: dict[str, Plain] = {"state": f"interrupted at step {step}"}
            mirror.finish(Finished(self.cells[claim.run], state="failed", facts=facts))

    def said(self, text: str) -> None:
        pass

    def close(self) -> None:
        """Add what is known only now: late scores, effects in the study's note, its figures."""
        with self.guarded() as mirror, locked(self.store.root):
            results = self.store.results(self.plan)
            if self.keeper is not None and self.keeper.is_alone():
                _bring_in_step(mirror, results, self.store.root)
            annotate(mirror, results)
            mirror.close()
        if self.keeper is not None:
            with suppress(OSError), locked(self.store.root):
                self.keeper.leave()


def refresh(store: Store, names: Sequence[str]) -> None:
    """Make the mirrors of these studies anew where they are behind the database."""
    for name in names:
        results = store.results(name)
        with told(store.root), locked(store.root):
            keeper = Keeper(store.root, runs_name(results.facts))
            mirror = open_mirror(store.root, results, cells_of(results))
            if keeper.is_alone():  # else it is shown live, and whoever is last brings it in step
                _bring_in_step(mirror, results, store.root)
            annotate(mirror, results)
            mirror.close()
            keeper.leave()
            if results.facts.search is not None:
                _refresh_search(store, name, results)


def _refresh_search(store: Store, name: str, results: Results) -> None:
    keeper = Keeper(store.root, search_name(results.facts))
    mirror = open_search(store.root, results.facts)
    if keeper.is_alone():
        history = history_of(store, store.latest_plan(name), results.facts)
        bring_in_step(mirror, history, store.root)
    annotate_search(mirror, results)
    mirror.close()
    keeper.leave()


def _bring_in_step(mirror: Mirror, results: Results, root: Path) -> None:
    finished = finished_of(results, root)
    if not mirror.in_step_with(finished):
        mirror.rebuild(finished)
    mirror.fail_orphans()


def runs_name(facts: StudyFacts) -> str:
    """A fixed plan has its study's name; beside a search it is the confirmation."""
    return confirmation_of(facts.name) if facts.search else facts.name


def open_mirror(root: Path, results: Results, cells: Sequence[Cell]) -> Mirror:
    """The mirror of one study."""
    facts = results.facts
    direction: Literal["maximize", "minimize"]
    direction = "minimize" if facts.lower_is_better else "maximize"
    return Mirror(
        mirror_url(root),
        root / "artifacts",
        name=runs_name(facts),
        plan=facts.plan,
        metrics=[f"{facts.metric} on {facts.dataset}"[:200]],
        directions=[direction],
        distributions=vocabulary(cells),
    )


def annotate(mirror: Mirror, results: Results) -> None:
    """Note and figures: the effects as far as they are known."""
    from srbench.analysis.quality_cost import spots
    from srbench.report import figures_interactive as figures
    from srbench.report.markdown import effects_note
    from srbench.report.pareto_interactive import quality_cost

    quiet()
    drawn = {
        "forest": ("Effects", figures.forest(results)),
        "curves": ("Curves, mean and band over seeds", figures.curves(results)),
    }
    if spots(results, "parameters"):  # none before the first score
        drawn["quality_cost"] = ("Quality against cost", quality_cost(results))
    for title, figure in drawn.values():
        figure.update_layout(title={"text": title, "font": {"size": 14}}, margin={"t": 40})
    mirror.annotate(effects_note(results), {name: figure for name, (_, figure) in drawn.items()})


def cells_of(results: Results) -> list[Cell]:
    """Every run of the plan as Optuna sees it."""
    variants = {str(row["variant"]): row for row in _rows(results.variants)}
    parameters = differing({name: _leaves(row) for name, row in variants.items()})
    found = []
    for run in _rows(results.runs):
        name = str(run["variant"])
        row = variants[name]
        known: dict[str, Plain] = {
            "parameters": int(row["parameters"]),
            "dead_parameters": int(row["dead"]),
        }
        if pd.notna(row["macs_720p"]):
            known["macs_720p"] = float(row["macs_720p"])
        shown: dict[str, Plain] = {"variant": name, "seed": int(run["seed"]), **parameters[name]}
        found.append(Cell(int(run["run_id"]), shown, known))
    return found


def finished_of(results: Results, root: Path) -> list[Finished]:
    """The runs that have ended, with what is known of them."""
    facts = results.facts
    cells = {cell.run: cell for cell in cells_of(results)}
    means = _means(results.scores)
    curves = results.curves[results.curves["name"] == f"validate/{_watched(results)}"]
    times = {timing.variant: timing for timing in timings(results, "latency")}
    prints = {str(row["variant"]): str(row["fingerprint"]) for row in _rows(results.variants)}
    found = []
    for run in _rows(results.runs):
        key, done = int(run["run_id"]), run["state"] == "done"
        if run["state"] not in ("done", "failed"):
            continue
        own = means.get(key, {})
        known: dict[str, Plain] = {f"{m} on {d}": value for (m, d), value in own.items()}
        known["state"] = "done" if done else f"failed: {run['reason']}"
        if pd.notna(run["train_seconds"]):
            known["train_seconds"] = float(run["train_seconds"])
        if timing := times.get(str(run["variant"])):
            known["latency_ms"] = timing.spread.median
            known["latency_ratio"] = timing.ratio.value
        points = _rows(curves[curves["run_id"] == key])
        reports = {round(float(p["epoch"])): float(p["value"]) for p in points}
        made = prints[str(run["variant"])]
        folder = run_folder(root, made, int(run["seed"]), int(run["attempt"]))
        value = own.get((facts.metric, facts.dataset)) if done else None
        found.append(
            Finished(
                cells[key], () if value is None else (value,),
                "failed" if value is None else "complete", known, reports, artifact=folder / STRIP,
            )
        )  # fmt: skip
    return found


def _means(scores: pd.DataFrame) -> dict[int, dict[tuple[str, str], float]]:
    """run -> (metric, dataset) -> mean over the images."""
    found: dict[int, dict[tuple[str, str], float]] = {}
    keys = ["run_id", "metric", "dataset"]
    for row in _rows(scores.groupby(keys, sort=True)["value"].mean().reset_index()):
        own = found.setdefault(int(row["run_id"]), {})
        own[str(row["metric"]), str(row["dataset"])] = float(row["value"])
    return found


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _leaves(row: Mapping[str, Any]) -> Mapping[str, Plain]:
    """The places of a variant's trees, as a study would name them: `attention`, `train.loss`."""
    found = placed(json.loads(row["settings"]))
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in found}


def _watched(results: Results) -> str:
    metric = results.facts.metric
    return metric if metric in ("psnr_y", "ssim_y") else "psnr_y"
