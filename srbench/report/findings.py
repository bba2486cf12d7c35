"""A study's findings for Python: frames with documented columns, the answer, the page.

A notebook shows the answer and the forest plot, a terminal the summary.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path

import pandas as pd
from rich.console import Console

from srbench.analysis.answer import answer, warnings
from srbench.analysis.claims import claims_shown
from srbench.analysis.judgement import judgement
from srbench.analysis.limits import facts_line
from srbench.analysis.results import Results
from srbench.core.table import Mark, Table
from srbench.report import write
from srbench.report.answer import forest_figure
from srbench.report.costs import cost_shown
from srbench.report.effects import effects_shown
from srbench.report.figure_matplotlib import FAINT, INK, draw_all, inline
from srbench.report.terminal import summary

PAPER = f"background:#fff;color:{INK};--ink:{INK};--faint:{FAINT};padding:.5em;max-width:56em"


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in one study. `results` has every frame as it was read."""

    results: Results

    @property
    def name(self) -> str:
        """The study's name."""
        return self.results.facts.name

    @property
    def answer(self) -> str:
        """The answer in words, as at the top of the report."""
        return answer(self.results)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What qualifies the answer; it stands wherever the answer is quoted."""
        return tuple(warnings(self.results))

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run: state, time, device, weights, versions (see `analysis.results`)."""
        return self.results.runs

    @property
    def curves(self) -> pd.DataFrame:
        """One row a point: run_id, variant, seed, name, step, epoch, value."""
        return self.results.curves

    @property
    def scores(self) -> pd.DataFrame:
        """One row an image: run_id, variant, seed, dataset, protocol, image, metric, value."""
        return self.results.scores

    @property
    def trials(self) -> pd.DataFrame:
        """One row a trial of the study's search; without rows where it has none."""
        return self.results.trials

    @property
    def costs(self) -> pd.DataFrame:
        """One row a trained variant: the report's table of costs."""
        return frame(cost_shown(self.results))

    @property
    def effects(self) -> pd.DataFrame:
        """One row a variant against the baseline: the report's table of effects."""
        return frame(effects_shown(self.results))

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row a contrast, pairs and controls too: variant, against, family, verdict, effect.

        `effect`, `low` and `high` (95 %) are in the metric's unit; `why` is the reason where there
        is no verdict.
        """
        found = judgement(self.results)
        families = {"effects": found.contrasts, "pairs": found.pairs, "controls": found.controls}
        rows = [
            (one.variant, one.against, family, one.verdict_word, one.mean, one.low, one.high,
             one.seeds, one.why)
            for family, contrasts in families.items()
            for one in contrasts
        ]  # fmt: skip
        return pd.DataFrame.from_records(rows, columns=list(VERDICTS))

    @property
    def claims(self) -> pd.DataFrame:
        """One row a claim of the study: id, says, status, rests_on, test."""
        return frame(claims_shown(self.results))

    def report(self, folder: str | PathLike[str]) -> Path:
        """Write the report into this folder: HTML, CSV, LaTeX, SVG and PDF; its page."""
        return write([self.results], Path(folder))

    def __repr__(self) -> str:
        """The summary that `srbench report` prints."""
        text = io.StringIO()
        Console(file=text, width=100, force_jupyter=False).print(summary(self.results))
        return text.getvalue()

    def _repr_html_(self) -> str:
        facts = self.results.facts
        lines = [f"<strong>{escape(facts.question or facts.name)}</strong>"]
        lines += [f"<em>{escape(line)}</em>" for line in self.warnings]
        lines.append(escape(self.answer))
        line = " · ".join(f"{head} {value}" for head, value in facts_line(self.results))
        svg, _ = draw_all({"forest": forest_figure(self.results)})["forest"]
        plot = inline(svg, f"forest-{facts.plan[:8]}")
        body = "".join(f"<p>{line}</p>" for line in lines)
        return f'<div style="{PAPER}">{body}{plot}<p><small>{escape(line)}</small></p></div>'


VERDICTS = ("variant", "against", "family", "verdict", "effect", "low", "high", "seeds", "why")


def frame(table: Table) -> pd.DataFrame:
    """A table of the report with its numbers as they are; a missing one is None."""
    rows = [[None if isinstance(value, Mark) else value for value in row] for row in table.rows]
    return pd.DataFrame(rows, columns=[column.key for column in table.columns])
