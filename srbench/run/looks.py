"""Seeds until decided: looks are stored, and only undecided variants get more seeds."""

from __future__ import annotations

from contextlib import suppress

from srbench.core.errors import ReadOnly
from srbench.store import Look, Store


def take_looks(store: Store, plan: int) -> dict[str, int]:
    """Take every look that is due, and queue the seeds it asks for.

    Variant -> number of seeds, for what was added: the undecided variants and their baseline;
    empty where the study has a fixed number of seeds, or all is decided, or runs are under way.
    """
    if not store.plans.planned_looks(plan):
        return {}
    from srbench.analysis.judgement import judgement  # late: pandas
    from srbench.analysis.looks_taken import look_rows
    from srbench.analysis.power import baseline_seeds

    results = store.reading.results(plan, curves="none")
    contrasts = judgement(results).contrasts
    with suppress(ReadOnly):  # who may only read sees what was decided
        store.measurements.write_looks(
            plan, {c.variant: [Look(**row) for row in look_rows(c)] for c in contrasts}
        )
    wanted = {
        contrast.variant: contrast.course.next_look
        for contrast in contrasts
        if contrast.course is not None and contrast.course.next_look is not None
    }
    if wanted:
        seeds = baseline_seeds(max(wanted.values()), len(contrasts))
        wanted[results.facts.baseline] = seeds
    return wanted if store.plans.add_seeds(plan, wanted) else {}
