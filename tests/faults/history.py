"""Judges a study after faults: every acknowledged row there, once, and the rest explained.

The history is what the store's callers saw: calls begun, calls answered. What was answered must
hold; what was begun and never answered may hold or not; nothing else may be there.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from tiny import DB

from srbench.run.mirror import refresh
from srbench.store import open_store

Key = tuple[str, int]  # curve, step
Found = list[tuple[Any, ...]]


@dataclass
class Call:
    """One call of the store; `end` is "ok", the name of an error, or None: nobody knows."""

    op: str
    begun: int
    about: dict[str, Any]
    end: str | None = None
    ended: int = 0

    @property
    def run(self) -> int | None:
        return self.about.get("run")

    @property
    def fence(self) -> int:
        return int(self.about["fence"])


@dataclass
class Rows:
    """What the curves of one run may hold: values for certain (one) or perhaps (None among)."""

    may: dict[Key, set[str | None]] = field(default_factory=dict)

    def apply(self, call: Call) -> None:
        certain = call.end == "ok"
        if call.op == "write_points":
            for name, step, value in call.about["points"]:
                before = self.may.get((name, step), {None})
                self.may[name, step] = {value} if certain else before | {value}
        elif call.op == "forget_points":
            for key in [key for key in self.may if key[1] > call.about["after"]]:
                self.may[key] = {None} if certain else self.may[key] | {None}


def rows(folder: Path, query: str) -> Found:
    """What the database answers. After a kill it may have to be rolled back first, so: writable."""
    connection = sqlite3.connect(folder / DB, timeout=60)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def calls_of(folder: Path) -> list[Call]:
    """Every call of every process, in the order they were begun."""
    found: list[Call] = []
    for file in sorted((folder / "history").glob("*.jsonl")):
        own: dict[int, Call] = {}
        for line in file.read_text().splitlines():
            note = json.loads(line)
            number = note.pop("call")
            if "op" in note:
                own[number] = Call(note.pop("op"), note.pop("at"), note)
            else:
                own[number].end, own[number].ended = note.pop("end"), note.pop("at")
                own[number].about |= note
        found += own.values()
    return sorted(found, key=lambda call: call.begun)


def outcome(folder: Path) -> Found:
    """Every point of every curve, every score and the weights of the latest attempts, exactly."""
    curves = "select variant, seed, name, step, epoch, value from v_curves order by 1, 2, 3, 4"
    scores = "select variant, seed, image, metric, value from v_scores order by 1, 2, 3, 4"
    weights = """select variant, v.seed, v.state, v.steps, weights_sha256
        from v_runs v join runs on runs.id = run_id order by 1, 2"""
    return [row for query in (curves, scores, weights) for row in rows(folder, query)]


def check(folder: Path, undisturbed: Found | None = None) -> list[str]:
    """All that is wrong with a study that has come to its end; nothing, if all is well."""
    calls = calls_of(folder)
    found = [*_file(folder), *_runs(folder), *_acknowledged(folder, calls), *_fences(calls)]
    found += [*_weights(folder), *_pictures(folder), *_mirror(folder)]
    if undisturbed is not None and (own := outcome(folder)) != undisturbed:
        different = sorted(set(own) ^ set(undisturbed), key=repr)
        found.append(f"I7 {len(different)} rows are not those of an undisturbed study, first "
                     f"{different[:2]}")  # fmt: skip
    return found


def _file(folder: Path) -> list[str]:
    found = [f"I6 {row}" for row in rows(folder, "pragma integrity_check") if row != ("ok",)]
    return found + [f"I6 link {row}" for row in rows(folder, "pragma foreign_key_check")]


def _runs(folder: Path) -> list[str]:
    """Each planned cell done exactly once, with a loss for every step."""
    found = []
    twice = "select fingerprint, seed, count(*) from runs where state = 'done' group by 1, 2"
    for name, seed, number in rows(folder, twice):
        if number != 1:
            found.append(f"I2 {name[:8]}, seed {seed} is done {number} times")
    for variant, seed, state in rows(folder, "select variant, seed, state from v_runs"):
        if state != "done":
            found.append(f"I2 {variant}, seed {seed} is {state}")
    losses = """select v.variant, v.seed, v.steps, count(step), min(step), max(step) from v_runs v
        left join v_curves c on c.variant = v.variant and c.seed = v.seed and name = 'loss_step'
        where total_steps > 0 group by 1, 2, 3"""
    for variant, seed, steps, *there in rows(folder, losses):
        if there != [steps, 1, steps]:
            found.append(f"I3 {variant}, seed {seed}: {there} losses for {steps} steps")
    return found


def _acknowledged(folder: Path, calls: list[Call]) -> list[str]:
    """I1: points as the history has them; finished runs done."""
    expected: dict[int, Rows] = {}
    for call in calls:
        if call.run is not None and call.end in ("ok", None):
            expected.setdefault(call.run, Rows()).apply(call)
    query = "select run_id, name, step, value, not_finite from curves c join points p "
    there: dict[int, dict[Key, str]] = {}
    for run, name, step, value, odd in rows(folder, query + "on p.curve_id = c.id"):
        there.setdefault(run, {})[name, step] = float(odd if odd else value).hex()
    found = []
    for run, curves in expected.items():
        own = there.get(run, {})
        wrong = [k for k in own.keys() | curves.may if own.get(k) not in curves.may.get(k, {None})]
        if wrong:
            key = min(wrong)
            found.append(f"I1 run {run}: {len(wrong)} points wrong, first {key}: "
                         f"{own.get(key)}, not {curves.may.get(key)}")  # fmt: skip
    states: dict[Any, Any] = dict(rows(folder, "select id, state from runs"))
    for call in calls:
        if call.op == "finish" and call.end == "ok" and states.get(call.run) != "done":
            found.append(f"I1 run {call.run} was finished, and is {states.get(call.run)}")
    return found


def _fences(calls: list[Call]) -> list[str]:
    """I2, I4, I5: claims of a run follow each other, and nobody writes under an older one."""
    found = []
    for run in {call.run for call in calls if call.run is not None}:
        own = [call for call in calls if call.run == run]
        claims = [call for call in own if call.op == "claim"]
        fences = [call.fence for call in claims]
        if len(set(fences)) != len(fences):
            found.append(f"I5 run {run} was claimed under one fence twice: {fences}")
        ends = [call for call in own if call.op in ("finish", "fail") and call.end == "ok"]
        if len(ends) > 1:
            found.append(f"I2 run {run} ended {len(ends)} times")
        for call in own:
            if call.end != "ok":
                continue
            later = [c for c in claims if c.fence > call.fence and c.ended < call.begun]
            if later and call.op != "claim":
                found.append(f"I5 run {run}: {call.op} under {call.fence} after {later[0].fence}")
            if call not in ends and any(end.ended < call.begun for end in ends):
                found.append(f"I4 run {run}: {call.op} after its end")
    return found


def _weights(folder: Path) -> list[str]:
    """I3: the files of weights are those that were told; what is left of checkpoints is whole."""
    found = []
    query = "select id, weights, weights_sha256 from runs where state = 'done' and steps > 0"
    for run, path, told in rows(folder, query):
        file = folder / "db" / path
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != told:
            found.append(f"I3 run {run}: {file.name} is missing or not the one that was told")
    return found


def torn(folder: Path) -> list[str]:
    """Checkpoints that are not whole, at any moment."""
    found = []
    for file in (folder / "db" / "runs").glob("*/*/*.checkpoint"):
        try:
            raw = file.read_bytes()
        except FileNotFoundError:
            continue  # two are kept
        if hashlib.sha256(raw[:-32]).digest() != raw[-32:]:
            found.append(f"torn: {file.name}, {len(raw)} bytes")
    return found


def _pictures(folder: Path) -> list[str]:
    from PIL import Image

    found = []
    for (path,) in rows(folder, "select path from pictures"):
        try:
            with Image.open(folder / "db" / path) as picture:
                picture.load()
        except OSError as problem:
            found.append(f"picture {path}: {problem}")
    return found


def _trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/db/optuna.sqlite")
    found = optuna.load_study(study_name="tiny", storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    return found


def _mirror(folder: Path) -> list[str]:
    """Once the dashboard opens, each run that is done is one complete trial; no trial runs."""
    store = open_store(folder / DB)
    refresh(store, "tiny")
    store.close()
    trials = _trials(folder)
    running = sum(trial.state.name == "RUNNING" for trial in trials)
    found = [f"mirror: {running} trials run for ever"] if running else []
    means = "select run_id, avg(value) from v_scores where metric = 'psnr_y' group by 1 order by 1"
    told = sorted((t.user_attrs["run"], t.value) for t in trials if t.state.name == "COMPLETE")
    known = rows(folder, means)
    if [run for run, _ in told] != [run for run, _ in known]:
        found.append(f"mirror: complete are {told}, done are {known}")
    elif any(abs(a - b) > 1e-9 for (_, a), (_, b) in zip(told, known, strict=True)):
        found.append(f"mirror: values {told} are not {known}")
    return found
