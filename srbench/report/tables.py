"""The tables of a report as frames, each made once from the rows.

The same tables with headings and digits are the `*_shown` functions of the `table_*` modules.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from srbench.analysis.convergence import convergence_shown
from srbench.analysis.latency import latency_shown
from srbench.analysis.published_comparison import agreements_shown, published_shown
from srbench.analysis.results import Results
from srbench.analysis.study_claims import claims_shown, findings_shown
from srbench.core.files import write_atomically
from srbench.report.attribution import attribution_shown
from srbench.report.markdown import markdown_table
from srbench.report.matrix import matrix_shown
from srbench.report.pareto import prices_shown
from srbench.report.table_costs import cost_shown
from srbench.report.table_effects import controls_shown, effects_shown
from srbench.report.table_images import images_shown
from srbench.report.table_looks import looks_shown
from srbench.report.table_runs import failures_shown, run_shown
from srbench.report.table_scores import score_shown
from srbench.report.where_it_helps import where_shown

# every table of a report; its name is the name of its files
SHOWN = (
    effects_shown, controls_shown, looks_shown, claims_shown, findings_shown, score_shown,
    images_shown, where_shown, matrix_shown, prices_shown, attribution_shown, cost_shown,
    latency_shown, convergence_shown, published_shown, agreements_shown, failures_shown,
    run_shown,
)  # fmt: skip


def write_tables(results: Results, folder: Path, format_: str) -> list[Path]:
    """Every table with rows as LaTeX or Markdown (`latex`, `markdown`), a file each, sorted."""
    files = []
    for make in SHOWN:
        table = make(results)
        if table.rows:
            latex = format_ == "latex"
            files.append(folder / f"{table.name}.{'tex' if latex else 'md'}")
            content = table.latex() if latex else markdown_table(table)
            write_atomically(files[-1], content.encode())
    return sorted(files)


def effects_table(results: Results) -> pd.DataFrame:
    """Effects on the primary outcome, best first, paired by seed."""
    return effects_shown(results).frame


def score_table(results: Results) -> pd.DataFrame:
    """Mean scores of every variant and interpolation, per dataset, with 95 % half-widths."""
    return score_shown(results).frame


def cost_table(results: Results) -> pd.DataFrame:
    """Parameters, dead parameters, MACs, memory and training time of every trained variant."""
    return cost_shown(results).frame


def run_table(results: Results) -> pd.DataFrame:
    """Every planned run with its state, score, time and place."""
    return run_shown(results).frame
