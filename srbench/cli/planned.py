"""`srbench plan` as words: a table of variants with costs and time, or plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.analysis.metric_names import metric_facts
from srbench.analysis.significance import LEAST_SEEDS
from srbench.core.memory import scratch
from srbench.core.numbers import duration, plural
from srbench.core.rich_table import rich_table
from srbench.core.table import Column, Table, Value
from srbench.run.estimate import Forecast, assumed_spread
from srbench.study.plan import Plan, PlannedVariant

COLUMNS = (
    Column("variant", "variant"),
    Column("parameters", "parameters", kind="count"),
    Column("dead", "dead", kind="count"),
    Column("gmacs", "GMACs", kind="number", decimals=2),
    Column("activations", "M act.", kind="number", decimals=1),
    Column("field", "field", kind="written"),
    Column("run_s", "a run", kind="written"),
)


def as_plain(found: Forecast) -> dict[str, Any]:
    """The plan as JSON."""
    plan = found.plan
    return {
        "study": plan.study.name,
        "question": plan.study.question,
        "plan": plan.digest,
        "runs": plan.runs,
        "numerics": str(plan.numerics),
        "estimate_s": found.estimate and found.estimate.total_s(plan, found.workers),
        "estimate_basis": found.estimate and found.estimate.basis,
        "warnings": [*plan.warnings, *found.shortages],
        "memory": found.memory and asdict(found.memory),
        "lr": plan.images.lr,
        "overlaps": plan.images.overlaps,
        "search": plan.study.search and plan.study.search.as_plain(),
        "variants": [
            {
                "variant": p.variant.name,
                "role": p.variant.role,
                "change": p.variant.change,
                "fingerprint": p.fingerprint,
                "seeds": list(p.seeds),
                "steps": p.steps,
                "stale": p.stale,
                **asdict(p.cost),
            }
            for p in plan.variants
        ],
    }


def table(found: Forecast) -> RenderableType:
    """The plan for people."""
    study = found.plan.study
    rows = tuple(_row(p, found) for p in found.plan.variants)
    drawn = rich_table(Table("plan", "", COLUMNS, rows))
    return Group(Text(study.question or study.name, style="bold"), drawn, *_lines(found))


def _row(planned: PlannedVariant, found: Forecast) -> tuple[Value, ...]:
    cost, variant = planned.cost, planned.variant
    name = variant.name + (" *" if variant.role == "baseline" else "")
    field = "all" if cost.receptive_field is None and planned.trained else cost.receptive_field
    one = found.estimate.run_s.get(variant.name) if found.estimate else None
    return (
        name + (f"\n  {variant.change}" if variant.change else ""),
        cost.parameters,
        cost.dead,
        cost.macs_720p / 1e9,
        cost.activations / 1e6,
        str(field or ""),
        "" if one is None else duration(one),
    )


def _runs(plan: Plan) -> str:
    """How many runs are trained; interpolations are scored only."""
    trained = {(v.fingerprint, seed) for v in plan.variants if v.trained for seed in v.seeds}
    rest = plan.runs - len(trained)
    scored = f" and {plural(rest, 'interpolation')} without training" if rest else ""
    return f"{plural(len(trained), 'run')}{scored}"


def _lines(found: Forecast) -> list[Text]:
    plan, study = found.plan, found.plan.study
    patch = int(study.base.data["patch"])
    lr = patch // study.scale
    batch = study.base.train["batch"]
    steps = plural(max(p.steps for p in plan.variants), "step")
    epochs = plural(int(study.base.train["epochs"]), "epoch")
    lines = [
        f"* baseline. A run: {epochs}, {steps} of {batch}x3x{lr}x{lr} to "
        f"{batch}x3x{patch}x{patch}; {_seeds(found)}.",
        *_several(found),
        "GMACs at HR 1280x720; M act.: million activations at LR 256x256; field: side of the "
        "square of LR pixels that one output pixel sees.",
        "Images: " + "; ".join(
            f"{role} {d.name}, {len(d.images)} of {d.megapixels:.1f} MP in all"
            for role, d in plan.datasets
        ) + ".",
        f"LR: {'; '.join(plan.images.lr)}.",
        *_memory(found),
        f"{_runs(plan)} on {plan.numerics}, {found.workers} at a time; judged by "
        f"{study.metric} on {study.dataset} under {study.protocol}.",
    ]  # fmt: skip
    if found.estimate is not None:
        total = duration(found.estimate.total_s(plan, found.workers))
        lines.append(f"It takes about {total} on {found.device}, {found.estimate.basis}.")
    else:
        lines.append(f"Time on {found.device}: not known before a run there is stored.")
    lines += found.stale
    lines += _power(found)
    lines += _search(found)
    dead = [f"{line}." for line in plan.images.overlaps] + _dead(found)
    uncounted = sorted({op for p in plan.variants for op in p.cost.uncounted})
    rest = [f"MACs leave out: {', '.join(uncounted)}."] if uncounted else []
    return [
        *(Text(line, style="dim") for line in lines),
        *(Text(line, style="bold red") for line in (*dead, *plan.warnings, *found.shortages)),
        *(Text(line, style="dim") for line in rest),
    ]


def _seeds(found: Forecast) -> str:
    own = plural(len(found.plan.study.seeds), "seed")
    base = next(len(p.seeds) for p in found.plan.variants if p.variant.role == "baseline")
    more = base > len(found.plan.study.seeds)
    return own + (f", {base} of the baseline, which every contrast uses" if more else "")


def _memory(found: Forecast) -> list[str]:
    """What a machine needs, as far as it is known."""
    need = found.memory
    if need is None:
        return []
    each = "the worker" if found.workers == 1 else f"each of {found.workers} workers"
    lines = [
        f"Memory: {_mb(need.pixels)} of decoded images, once for all workers of a machine, in "
        f"files of {scratch()}; {each} holds at least {_mb(need.worker)} besides."
    ]
    if found.plan.numerics.device != "cpu":
        holds = [f"at least {_mb(need.weights)} of weights and gradients"]
        if need.images:
            holds.insert(0, f"{_mb(need.images)} of training images if a quarter of what is free "
                         "has room for them")  # fmt: skip
        if need.peak_mb is not None:
            holds.append(f"in stored runs {need.peak_mb:,.0f} MB at most")
        lines.append(f"On a GPU each worker holds, as its own copy: {'; '.join(holds)}.")
    return lines


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e7 else f"{size / 1e6:,.0f} MB"


def _dead(found: Forecast) -> list[str]:
    """The variants with parameters that no gradient reaches."""
    lines = []
    for p in found.plan.variants:
        if p.cost.dead:
            modules = ", ".join(p.cost.dead_modules[:6])
            more = len(p.cost.dead_modules) - 6
            tail = f" and {more} more" if more > 0 else ""
            lines.append(
                f"{p.variant.name}: {p.cost.dead:,} of {p.cost.parameters:,} parameters are dead, "
                f"no gradient reaches them: {modules}{tail}."
            )
    return lines


def _search(found: Forecast) -> list[str]:
    """What a search would do: its space, how large it is, how long it lasts."""
    study, search = found.plan.study, found.plan.study.search
    if search is None:
        return []
    size = "infinitely many" if search.space.size == float("inf") else f"{search.space.size:,.0f}"
    budget = ", ".join(f"{most:g} {unit}" for unit, most in search.budget)
    lines = [
        f"A search before that, read on validate only: {', '.join(search.objectives)} by "
        f"{search.sampler}, pruner {search.pruner}, seeds {_listed(search.seeds)}; a space of "
        f"{size} points, budget {budget}.",
        *(f"  {place['path']}: {_values(place)}" for place in search.space.as_plain()),
    ]
    if search.constraints:
        lines.append(f"Constraints: {', '.join(c.text for c in search.constraints)}.")
    lines.append(
        f"The best {search.confirm} are then run on fresh seeds ({_listed(study.seeds)}) with "
        f"{study.baseline}, and judged like any study."
    )
    one = found.estimate and found.estimate.run_s.get(study.baseline)
    most = dict(search.budget).get("trials")
    if one and most:
        whole = one * (most * len(search.seeds) + search.confirm * len(study.seeds))
        most_s = duration(whole / found.workers)
        lines.append(
            f"Search and confirmation take at most about {most_s} more, if every trial takes as "
            f"long as {study.baseline} and none is pruned."
        )
    return lines


def _several(found: Forecast) -> list[str]:
    """Variants whose steps are of several scales."""
    return [
        f"{p.variant.name}: each step is of one of x{', x'.join(map(str, p.scales))}, drawn at "
        "random, with LR as large."
        for p in found.plan.variants
        if p.trained and len(p.scales) > 1
    ]


def _values(place: Mapping[str, Any]) -> str:
    message = ", ".join(map(str, place["values"])) if "values" in place else (
        f"{place['low']:g} to {place['high']:g}"
        + (f", steps of {place['step']:g}" if place["step"] not in (None, 1) else "")
        + (", log" if place["log"] else "")
    )  # fmt: skip
    if "needs" in place:
        message += (
            f" (only where {place['needs'][0]} is {' or '.join(map(str, place['needs'][1]))})"
        )
    return message


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


def _power(found: Forecast) -> list[str]:
    """What differences these seeds can show, and when the study looks."""
    from srbench.analysis.looks import Schedule
    from srbench.analysis.power import baseline_seeds, detectable

    study = found.plan.study
    variants = sum(p.variant.role in ("variant", "twin") for p in found.plan.variants)
    seeds = study.looks[-1] if study.looks else len(study.seeds)
    if not variants or seeds < LEAST_SEEDS or study.paired:
        return []
    contrasts = variants + len(study.compare)
    base = next(p for p in found.plan.variants if p.variant.role == "baseline")
    own = None if study.looks else len(base.seeds)
    more = study.baseline_seeds or baseline_seeds(seeds + 1, variants)
    spread = found.spread or assumed_spread(study)
    unit = metric_facts(study.metric, study.metric_facts).unit

    def size(sds: float) -> str:
        if not spread.size:
            return f"{sds:.1f} standard deviations of a run"
        return f"about {sds * spread.size:.2g} {unit}".strip()

    lines = [
        f"With {seeds} seeds and {plural(contrasts, 'contrast')}, effects above "
        f"{size(detectable(seeds, contrasts, own, spread.ratio))} are found in 4 of 5 studies, "
        f"with one seed more above {size(detectable(seeds + 1, contrasts, more, spread.ratio))}; "
        f"{spread.basis}."
    ]
    if study.looks:
        taken = Schedule(study.looks, variants)
        looks = ", ".join(f"{n} ({b})" for n, b in zip(taken.looks, taken.baseline, strict=True))
        lines.append(
            f"Looks at so many seeds (of the baseline): {looks}, each with an equal share of the "
            "error; seeds are added only where undecided."
        )
    return lines
