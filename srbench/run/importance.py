"""How much each place of a search's space mattered, computed from its rows for the report."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from srbench.analysis.history import tried
from srbench.analysis.results import SHARES, Results
from srbench.analysis.space import Space
from srbench.store import Store, this_process


def weighed(results: Results, store: Store, study: str) -> Results:
    """The results with the share of each place of the space, where they have a search."""
    search, facts = results.facts.search, results.facts
    if search is None:
        return results
    from srbench.run.proposals import Method, importances  # late: Optuna takes a second

    rows = store.trials.read(store.plans.latest(study), this_process())
    method = Method(
        facts.name, Space.from_plain(search["space"]), tuple(search["directions"]),
        "random", {}, "none", {}, 0, facts.epochs,
    )  # fmt: skip
    shares = importances(method, tried(rows, search, facts.epochs))
    frame = pd.DataFrame.from_records(sorted(shares.items(), key=lambda s: -s[1]), columns=SHARES)
    return replace(results, importances=frame)
