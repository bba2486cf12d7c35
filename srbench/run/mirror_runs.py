"""A plan's runs and a search's trials as Optuna shows them: choices, curves, scores, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from math import isnan
from typing import Any

import pandas as pd

from srbench.analysis.curves import curve_names, watched
from srbench.analysis.history import Tried
from srbench.analysis.latency import timings
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import set_scores
from srbench.analysis.space import Plain, Space
from srbench.core.places import STRIP, run_folder
from srbench.core.setting_paths import variant_paths
from srbench.run.optuna_file import ShownStudy, ShownTrial, vocabulary
from srbench.run.proposals import distributions

Row = dict[str, Any]


def shown_runs(results: Results, free: Set[int]) -> ShownStudy:
    """The plan of a study; beside a search it is the confirmation.

    `free` are the runs that no living process trains, whatever state their rows have.
    """
    from srbench.report.markdown import effects_note

    facts = results.facts
    variants = {str(row["variant"]): row for row in _rows(results.variants)}
    choices = differing({name: _leaves(row) for name, row in variants.items()})
    runs = {int(row["run_id"]): row for row in reversed(_rows(results.runs))}  # once where shared
    parameters: dict[int, dict[str, Plain]] = {
        number: {"variant": run["variant"], "seed": int(run["seed"]), **choices[run["variant"]]}
        for number, run in sorted(runs.items())
    }
    scores, reports, latencies = _scores(results), _reports(results), _latencies(results)
    trials = []
    for number, chosen in parameters.items():
        run = runs[number]
        variant = variants[str(run["variant"])]
        known = _costs(variant)
        if run["state"] == "running" and number not in free:
            trials.append(
                ShownTrial(number, "running", chosen, known, reports=reports.get(number, {}))
            )
        elif run["state"] != "queued":
            own = scores.get((str(run["variant"]), int(run["seed"])), {})
            known |= {f"{metric} on {dataset}": value for (metric, dataset), value in own.items()}
            known |= _ending(run) | latencies.get(str(run["variant"]), {})
            value = own.get((facts.metric, facts.dataset), float("nan"))
            whole = run["state"] == "done" and not isnan(value)
            folder = run_folder(
                results.root, str(variant["fingerprint"]), int(run["seed"]), int(run["attempt"])
            )
            trials.append(
                ShownTrial(
                    number, "complete" if whole else "failed", chosen, known,
                    (value,) if whole else (), reports.get(number, {}), picture=folder / STRIP,
                )
            )  # fmt: skip
    return ShownStudy(
        name=f"{facts.name}, confirmation" if facts.search else facts.name,
        key="run",
        plan=facts.plan,
        metrics=(f"{facts.metric} on {facts.dataset}"[:200],),
        directions=("maximize" if facts.better == "higher" else "minimize",),
        distributions=vocabulary(list(parameters.values())),
        epochs=facts.epochs,
        trials=trials,
        note=effects_note(results),
        figures=lambda: _figures(results),
    )


def differing(trees: Mapping[str, Mapping[str, Plain]]) -> dict[str, dict[str, Plain]]:
    """For each variant the places of its tree whose values are not the same in all variants."""
    places = dict.fromkeys(place for tree in trees.values() for place in tree)
    vary = [p for p in places if len({repr(t[p]) for t in trees.values() if p in t}) > 1]
    return {name: {p: tree[p] for p in vary if p in tree} for name, tree in trees.items()}


def _figures(results: Results) -> dict[str, Any]:
    """The study's figures, as far as its results are known."""
    from srbench.analysis.quality_cost import spots
    from srbench.report.answer import forest_figure
    from srbench.report.curves import curves_figure
    from srbench.report.figure_plotly import interactive
    from srbench.report.quality_cost import quality_cost_figure

    curve = next(iter(curve_names(results)), "loss")
    drawn = {
        "forest": ("Effects", forest_figure(results)),
        "curves": ("Curves, mean and band over seeds", curves_figure(results, curve)),
    }
    if spots(results, "parameters"):  # none before the first score
        drawn["quality_cost"] = ("Quality against cost", quality_cost_figure(results, "parameters"))
    found = {}
    for name, (title, figure) in drawn.items():
        style = {"text": title, "font": {"size": 14}}
        found[name] = interactive(figure).update_layout(title=style, margin={"t": 40})
    return found


def _scores(results: Results) -> dict[tuple[str, int], dict[tuple[str, str], float]]:
    """(variant, seed) -> (metric, dataset) -> score."""
    found: dict[tuple[str, int], dict[tuple[str, str], float]] = {}
    for (metric, variant, dataset), by_seed in set_scores(results).items():
        for seed, value in by_seed.items():
            found.setdefault((variant, seed), {})[metric, dataset] = value
    return found


def _reports(results: Results) -> dict[int, dict[int, float]]:
    """run -> epoch -> value on `validate`, of the primary metric where it is validated."""
    curves = results.curves[results.curves["name"] == watched(results.facts)]
    found: dict[int, dict[int, float]] = {}
    for row in _rows(curves):
        found.setdefault(int(row["run_id"]), {})[round(row["epoch"])] = float(row["value"])
    return found


def _latencies(results: Results) -> dict[str, dict[str, Plain]]:
    return {
        timing.variant: {
            "latency_ms": timing.spread.median,
            "latency_ratio": timing.ratio.value,
        }
        for timing in timings(results, "latency")
    }


def _costs(variant: Row) -> dict[str, Plain]:
    known: dict[str, Plain] = {
        "parameters": int(variant["parameters"]),
        "dead_parameters": int(variant["dead"]),
    }
    macs: Any = variant["macs_720p"]
    if bool(pd.notna(macs)):
        known["macs_720p"] = float(macs)
    return known


def _ending(run: Row) -> dict[str, Plain]:
    """How a run ended, or its progress where no process trains it."""
    if run["state"] == "done":
        known: dict[str, Plain] = {"state": "done"}
    elif run["state"] == "failed":
        known = {"state": f"failed: {run['reason']}"}
        known["message"] = next(iter(str(run["message"] or "").splitlines()), "")[:200]
    elif run["state"] == "pruned":
        known = {"state": f"pruned: {run['message']}"}
    else:
        known = {"state": f"interrupted at step {int(run['steps'])}"}
    seconds: Any = run["train_seconds"]
    if bool(pd.notna(seconds)):
        known["train_seconds"] = float(seconds)
    return known


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _leaves(row: Row) -> dict[str, Plain]:
    """The places of a variant's trees, as a study would name them: `attention`, `train.loss`."""
    found = variant_paths(json.loads(row["settings"]))
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in found}


def shown_search(results: Results, history: Sequence[Tried], free: Set[int]) -> ShownStudy:
    """The search of a study; `free` are the runs that no living process trains."""
    from srbench.report.markdown import search_note

    facts, search = results.facts, results.facts.search or {}
    shown = (_shown(trial, results, free) for trial in history)
    return ShownStudy(
        name=facts.name,
        key="trial",
        plan=facts.plan,
        metrics=tuple(
            f"{name} on validate" if name in facts.metric_facts else name
            for name in search["objectives"]
        ),
        directions=tuple(search["directions"]),
        distributions=distributions(Space.from_plain(search["space"])),
        epochs=len(search["seeds"]) if len(search["seeds"]) > 1 else facts.epochs,
        trials=[trial for trial in shown if trial is not None],
        note=search_note(results),
        figures=dict,
    )


def _shown(trial: Tried, results: Results, free: Set[int]) -> ShownTrial | None:
    """A trial as Optuna shows it; None while all its runs wait in the queue."""
    attributes: dict[str, Plain] = {"state": trial.state}
    state = trial.state
    trained_now = any(run.state == "running" and run.run not in free for run in trial.runs)
    if state == "running" and not trained_now:
        if not any(run.steps for run in trial.runs):
            return None
        state = "failed"  # Optuna has no state for a run that was interrupted
        attributes["state"] = f"interrupted at step {trial.runs[-1].steps}"
    attributes["runs"] = ", ".join(str(run.run) for run in trial.runs)
    if trial.message:
        attributes["message"] = trial.message[:200]
    picture = None
    if trial.runs:
        attributes["train_seconds"] = trial.seconds
        first = trial.runs[0]
        folder = run_folder(results.root, str(trial.fingerprint), first.seed, first.attempt)
        picture = folder / STRIP
    return ShownTrial(
        trial.number, state, trial.point, attributes, trial.values, trial.reports,
        trial.constraints, picture,
    )  # fmt: skip
