"""Stale runs: finished runs of an earlier version of a part.

A changed part gives another fingerprint, and so other runs. Where a variant has every run that a
study asks for from before the change, those runs represent it, marked as stale, and
`--rerun stale` trains them again. Where one is missing, old and new runs are never mixed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srbench.core.cache import cached
from srbench.core.document import decoded
from srbench.core.errors import UserError
from srbench.core.numbers import plural
from srbench.core.part_source import canonical
from srbench.core.registry import Choice
from srbench.study.identity import code_digest, digest, versions

if TYPE_CHECKING:  # torch comes with it, which a report does not need
    from srbench.analysis.results import Results, StudyFacts
    from srbench.store import Former, Store
    from srbench.study.plan import Plan
    from srbench.study.tree import Tree


def settled(plan: Plan, store: Store, command: str) -> tuple[Plan, tuple[str, ...]]:
    """The plan with stale runs in place of new ones where they are complete, and a message on each.

    `command` trains them again.
    """
    from srbench.study.plan import with_variants

    study = plan.study
    manifests = [images.manifest for role, images in plan.datasets if role == "eval"]
    wanted = {(m, study.protocol, metric) for m in manifests for metric in study.metrics}
    known = store.runs.sources({p.fingerprint for p in plan.variants})
    new = {p.fingerprint for p in plan.variants if p.trained} - known.keys()
    if not new:
        return plan, ()
    formers: dict[tuple[Any, ...], list[Former]] = defaultdict(list)
    validate = {images.manifest for role, images in plan.datasets if role == "validate"}
    for former in store.runs.formers(study.scale, str(plan.numerics), wanted):
        if validate & former.validate and (tree := _tree_of(former)) is not None:
            formers[_trained(tree, former.training.salt, former.training.manifest)].append(former)
    variants = []
    used, unused = dict[str, int](), dict[str, int]()  # variant -> finished runs
    for planned in plan.variants:
        variant = planned.variant
        alike: list[Former] = []
        if planned.fingerprint in new:
            alike = formers[_trained(variant.tree, variant.salt, planned.manifest)]
        whole = next((one for one in alike if set(planned.seeds) <= one.seeds), None)
        if study.looks or study.search:  # those add runs, which would be of today's version
            whole = None
        if whole is not None:
            used[variant.name], made = whole.done, whole.training
            planned = replace(planned, fingerprint=made.fingerprint, source=made.source, stale=True)
        elif alike:
            unused[variant.name] = alike[0].done
        variants.append(planned)
    lines = []
    for runs, end in (
        (used, f"they stand until they are trained again by {command}"),
        (unused, "they no longer count, and are trained again"),
    ):
        if runs:
            count, names = plural(sum(runs.values()), "finished run"), ", ".join(runs)
            lines.append(f"{count} used source code that has changed since ({names}): {end}")
    return with_variants(plan, tuple(variants)), tuple(lines)


def _tree_of(former: Former) -> Tree | None:
    """What was trained; None where a part or a setting of it no longer exists."""
    from srbench.run.records import stored_tree

    stored = former.training
    try:
        return stored_tree(stored.model, stored.train, stored.data)
    except UserError:
        return None


def _trained(tree: Tree, salt: str, manifest: str) -> tuple[Any, ...]:
    """What is the same in two trainings that differ in nothing but the versions of their parts."""
    from srbench.study.plan import TRAINING_DATA

    data = (tree.data[key] for key in TRAINING_DATA)
    return (tree.model, tree.train, salt, manifest, *data)


def marked(results: Results, store: Store) -> Results:
    """The results with `stale` set for the runs of an earlier version of a part."""
    used = store.runs.sources(set(results.variants["fingerprint"]))
    files = _PartFiles.of(results.facts, store.root)
    trained = results.runs.loc[results.runs["total_steps"] > 0, "variant"]
    rows = results.variants[results.variants["variant"].isin(trained)]
    try:
        now = cached(
            "sources",
            digest([sorted(used), code_digest(), files.digests, files.changed]),
            lambda: dict(_sources_now(rows.to_dict("records"), files)),
        )
    except UserError:  # parts cannot be loaded here: nothing is known to be stale
        return results
    stale = {
        row["variant"]
        for row in rows.to_dict("records")
        if now.get(row["fingerprint"]) != list(used[row["fingerprint"]])
    }
    runs = results.runs.copy()
    runs["stale"] = runs["variant"].isin(stale) & (runs["state"] == "done")
    facts = replace(results.facts, changed_parts=files.changed)
    return replace(results, runs=runs, facts=facts)


@dataclass(frozen=True)
class _PartFiles:
    """The files of parts of a plan as they are now. They are compared, not executed."""

    versions: dict[str, dict[str, Any]]  # fingerprint -> version of each part, as planned
    digests: list[str]  # of the source of each file now
    changed: str  # which are gone or have changed, in words

    @classmethod
    def of(cls, facts: StudyFacts, root: Path) -> _PartFiles:
        folder, found, changed = (root / facts.file).parent, [], []
        for path, then in facts.part_files.items():
            if not path:  # of a session
                continue
            now = _source_now(folder / path)
            found.append(digest({Path(path).stem: now}))
            if now != _canonical(then):
                changed.append(f"{path} {'is gone' if now is None else 'has changed'}")
        return cls(facts.part_versions, found, "; ".join(changed))

    def version_now(self, part: str, then: object) -> object:
        """The version of a part (`attention mine`) now; None where it is another."""
        from srbench.core import slots

        slot, _, name = part.partition(" ")
        known = slots.SLOTS.get(slot)
        if known is not None and name in known.parts:
            return versions([Choice(known, name)])[part]
        return (
            then if isinstance(then, str) and (not self.changed or then in self.digests) else None
        )


def _source_now(file: Path) -> str | None:
    try:
        return _canonical(decoded(file.read_bytes())) if file.is_file() else None
    except (OSError, UnicodeError):
        return None


def _canonical(text: str) -> str:
    """Without comments and layout, where it is Python."""
    try:
        return canonical(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _sources_now(variants: list[dict[Any, Any]], files: _PartFiles) -> Iterator[tuple[str, Any]]:
    """Fingerprint → source and training loop of today; None where it can no longer be read."""
    from srbench.core import slots
    from srbench.run.records import stored_tree
    from srbench.study.identity import versions_of_tree
    from srbench.train.fit import FIT_VERSION

    slots.load()
    for variant in variants:
        planned = files.versions.get(variant["fingerprint"])
        try:
            if planned is not None:
                source = digest({part: files.version_now(part, v) for part, v in planned.items()})
            else:
                source = versions_of_tree(stored_tree(**json.loads(variant["settings"])))
            now: Any = [source, FIT_VERSION]
        except UserError:
            now = None
        yield variant["fingerprint"], now


def image_lines(plan: Plan, store: Store) -> tuple[str, ...]:
    """Messages about sets whose images are not those of the study's last run, a line each."""
    before = store.plans.before(plan.study.name)
    if before is None or before.scale != plan.study.scale:
        return ()
    lines = []
    for role, images in plan.datasets:
        manifest, count = before.images.get((role, images.name), (images.manifest, 0))
        if manifest != images.manifest:
            what = "scores are taken" if role == "eval" else "its variants are trained"
            lines.append(
                f"{role} {images.name} has changed since the last run ({plural(count, 'image')} "
                f"then, {len(images.images)} now): {what} anew"
            )
    return tuple(lines)
