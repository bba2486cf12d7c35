"""Views for readers with other programs: names instead of numbers.

They show the latest plan of each study and the latest attempt of each run, so that a plain
SELECT never mixes plans. Views hold no data: every migration drops and creates them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srbench.store.tables import POINTS, Base

Column = tuple[str, str, str]  # name, expression, sentence


@dataclass(frozen=True)
class View:
    """One view: what it is for, its columns, and where they come from."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    source: str

    def create(self, dialect: str) -> str:
        """The statement for SQLite or PostgreSQL, which differ in how they unpack JSON."""
        chosen = ", ".join(f"{expression} AS {name}" for name, expression, _ in self.columns)
        source = self.source.format(numbers=NUMBERS[dialect])
        return f"CREATE VIEW {self.name} AS SELECT {chosen} FROM {source}"

    @property
    def drop(self) -> str:
        return f"DROP VIEW IF EXISTS {self.name}"


CELLS = """studies
    JOIN plans ON plans.study_id = studies.id AND plans.turn =
        (SELECT max(other.turn) FROM plans AS other WHERE other.study_id = studies.id)
    JOIN variants ON variants.plan_id = plans.id
    JOIN trainings ON trainings.fingerprint = variants.fingerprint
    JOIN cells ON cells.variant_id = variants.id
    JOIN runs ON runs.fingerprint = variants.fingerprint AND runs.seed = cells.seed
        AND runs.attempt = (SELECT max(other.attempt) FROM runs AS other
            WHERE other.fingerprint = runs.fingerprint AND other.seed = runs.seed)"""


def same(table: str, *names: str) -> tuple[Column, ...]:
    """Columns taken as they are from one table, each with its description."""
    columns = (POINTS if table == POINTS.name else Base.metadata.tables[table]).columns
    return tuple((name, f"{table}.{name}", columns[name].doc or "") for name in names)


NAMES: tuple[Column, ...] = (
    ("study", "studies.name", "name of the study"),
    ("variant", "variants.name", "name of the variant"),
    *same("variants", "role"),
    *same("cells", "seed"),
    ("run_id", "runs.id", "number of the run; the same for variants that share it"),
)

V_RUNS = View(
    "v_runs",
    "Runs of the latest plan of each study, with the cost of their network.",
    (
        *NAMES,
        *same("runs", "attempt", "state", "reason", "message", "steps"),
        ("total_steps", "trainings.steps", "optimizer steps of the whole run"),
        *same("runs", "train_seconds", "score_seconds", "peak_memory_mb", "device"),
        *same("trainings", "numerics"),
        ("host", "coalesce(provenances.host, runs.owner_host)", "machine it was trained on"),
        *same("runs", "started_at", "finished_at", "weights"),
        *same("trainings", "parameters", "frozen", "dead", "macs_720p", "fingerprint"),
        *same("provenances", "git_commit", "git_dirty"),
    ),
    f"{CELLS} LEFT JOIN provenances ON provenances.id = runs.provenance_id",
)

EXACT = """EXISTS (SELECT 1 FROM scores AS exact
    JOIN runs AS made ON made.id = exact.run_id
        AND made.attempt = (SELECT max(other.attempt) FROM runs AS other
            WHERE other.fingerprint = made.fingerprint AND other.seed = made.seed)
    JOIN variants AS own ON own.fingerprint = made.fingerprint AND own.plan_id = plans.id
    JOIN cells AS asked ON asked.variant_id = own.id AND asked.seed = made.seed
    WHERE exact.not_finite = 'inf' AND exact.image_id = scores.image_id
        AND exact.metric = scores.metric AND exact.protocol = scores.protocol)"""

V_SCORES = View(
    "v_scores",
    "Scores of those runs, one image and metric a row. Where the score of one run is infinite, "
    "the image counts for none: avg(value) is the mean of the report.",
    (
        *NAMES,
        ("dataset", "plan_datasets.name", "name of the dataset in the study file"),
        *same("scores", "protocol"),
        ("image", "images.name", "name of the image within its dataset"),
        *same("scores", "metric"),
        (
            "value",
            f"CASE WHEN scores.not_finite IS NULL AND {EXACT} THEN NULL ELSE scores.value END",
            "the score; NULL where it is not finite, or where the image counts for no run",
        ),
        ("measured", "scores.value", "the score, whether it counts or not"),
        *same("scores", "not_finite"),
    ),
    f"""{CELLS} JOIN scores ON scores.run_id = runs.id
    JOIN images ON images.id = scores.image_id
    JOIN plan_datasets ON plan_datasets.plan_id = plans.id AND plan_datasets.role = 'eval'
        AND plan_datasets.manifest = images.manifest""",
)

NUMBERS = {
    "sqlite": "json_each(segments.numbers)",
    "postgresql": """LATERAL (SELECT place - 1 AS key, value
        FROM json_array_elements_text(CAST(segments.numbers AS json))
        WITH ORDINALITY AS element(value, place))""",
}
"""The numbers of a segment, one a row, with a key from 0."""

STEP = "segments.first + segments.stride * number.key"
IS_WORD = "number.value IN ('nan', 'inf', '-inf')"
NUMBER = "CAST(number.value AS DOUBLE PRECISION) * segments.scale"

V_POINTS = View(
    "points",
    "Every point of every curve of every run, from the segments.",
    tuple(
        (column.name, expression, column.doc or "")
        for column, expression in zip(
            POINTS.columns,
            (
                "segments.curve_id",
                STEP,
                f"({STEP}) / segments.per_epoch",
                f"CASE WHEN {IS_WORD} THEN NULL ELSE {NUMBER} END",
                f"CASE WHEN {IS_WORD} THEN number.value END",
            ),
            strict=True,
        )
    ),
    "segments CROSS JOIN {numbers} AS number",
)

V_CURVES = View(
    "v_curves",
    "Every point of every curve of those runs.",
    (*NAMES, *same("curves", "name"), *same("points", "step", "epoch", "value", "not_finite")),
    f"{CELLS} JOIN curves ON curves.run_id = runs.id JOIN points ON points.curve_id = curves.id",
)

VIEWS: Sequence[View] = (V_RUNS, V_SCORES, V_POINTS, V_CURVES)
"""Each after those that it reads."""
