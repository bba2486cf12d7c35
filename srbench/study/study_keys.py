"""The keys of a study file: meaning, type, default and an example of each."""

from __future__ import annotations

from srbench.measure.scores import PROTOCOLS
from srbench.study.criteria import CLAIM, COMPARE, EXAMPLE, MATCH
from srbench.study.designs import DESIGN
from srbench.study.keys import (
    NOTHING,
    TEXT,
    Key,
    Schema,
    one_of,
    part,
    schema_of,
    text,
    texts,
    whole,
)
from srbench.study.part_schema import data_schema, metrics_schema, train_schema
from srbench.study.search import TUNE
from srbench.study.seeds import MOST_SEEDS, SEEDS
from srbench.study.sources import PARTS, PUBLISHED
from srbench.study.tree import SCALES, scale_written
from srbench.study.variants import CONTROLS, INTERPOLATIONS
from srbench.study.views import PICKS

NAMED_CHANGES: Schema = {"type": "object", "additionalProperties": part("changes")}
KEYS: dict[str, Key] = {
    "question": text("what the study asks, a sentence", example="Does scSE help CARN at x2?"),
    "source": text(
        "where the question comes from",
        example="Roy et al., Concurrent squeeze and excitation, 2018",
    ),
    "from": Key(
        "another study of the same folder, whose keys hold where this one has none",
        TEXT,
        example="carn_2019",
    ),
    **PICKS,
    "parts": PARTS,
    "scale": Key(
        "size of HR over size of LR", {"enum": list(SCALES)}, 2, scale_written, example="4"
    ),
    "datasets": Key(
        "names of datasets of your own, for `data`, `metric` and `claims`; paths count from the "
        "study file",
        {"anyOf": [{"type": "object", "additionalProperties": part("dataset")}, NOTHING]},
        example="{mine: {folder: {path: my/photos}}}",
    ),
    "data": Key(
        "images and patches",
        data_schema,
        example="{train: photos, patches: 120, patch: 48, validate: photos, eval: [photos]}",
    ),
    "train": Key(
        "how each run is trained",
        train_schema,
        example="{epochs: 20, batch: 4, optimizer: {adam: {lr: 2.0e-3}}, schedule: cosine}",
    ),
    "seeds": Key(
        "seeds of each variant: how many, or a list; or seeds are added until each verdict is "
        "decided. By default 3, with more than 5 variants 5",
        SEEDS,
        example="{until: decided, looks: [3, 5, 8]}",
    ),
    "baseline_seeds": whole(
        "how many seeds the baseline has; by default √variants times as many as a variant",
        None,
        1,
        MOST_SEEDS,
        example="7",
    ),
    "paired": Key(
        "true compares runs of the same seed; false compares means over seeds",
        {"type": "boolean"},
        False,
        example="true",
    ),
    "compare": Key(
        "variants that are compared with each other, besides with the baseline",
        COMPARE,
        [],
        example="[[standard, atrous]]",
    ),
    "base": Key(
        "the network that variants change",
        part("model"),
        "carn",
        example="{carn: {channels: 16, attention: scse}}",
    ),
    "variants": Key(
        "each by a name, with its changes of the base, of `train` or of `data`",
        {"anyOf": [NAMED_CHANGES, NOTHING]},
        example="{plain: {}, standard: {attention: none}, longer: {train.epochs: 40}}",
    ),
    "tune": Key(
        "a search by Optuna",
        lambda: schema_of(TUNE),
        example="{space: {skip: [none, bilinear]}, budget: 40 trials}",
    ),
    "design": Key(
        "generates the variants from factors",
        schema_of(DESIGN) | {"minProperties": 1},
        example="{factorial: {se: {attention: scse}, atrous: {rates: [1, 2, 1]}}}",
    ),
    "match": Key(
        "adds for a variant the baseline at a width that costs as much",
        {"anyOf": [MATCH["by"].schema, schema_of(MATCH)]},
        example="params",
    ),
    "controls": Key(
        "runs whose result is known beforehand; the report says whether they show it",
        schema_of(CONTROLS),
        example="{identity: {}, broken: {train.epochs: 1}}",
    ),
    "baseline": text(
        "the variant that others are compared with; by default the first", None, example="standard"
    ),
    "metric": text(
        "the primary outcome, which alone yields verdicts; by default psnr_y on the first set of "
        "data.eval",
        None,
        example="psnr_y on photos",
    ),
    "metrics": Key(
        "what else is scored; a name, with settings or a smaller output if need be",
        metrics_schema,
        example="[ssim_y, checkerboard]",
    ),
    "protocol": one_of("how scores are taken", PROTOCOLS, "protocol", "sr-y-v1", example="sr-y-v1"),
    "min_effect": Key(
        "the smallest difference that matters, in the metric's unit",
        {"anyOf": [TEXT, {"type": "number", "exclusiveMinimum": 0}]},
        example="0.03 dB",
    ),
    "claims": Key(
        "statements with a test, each supported, refuted or not decided by the runs",
        {"anyOf": [{"type": "array", "items": schema_of(CLAIM)}, NOTHING]},
        example=f"[{EXAMPLE}]",
    ),
    "interpolations": texts(
        "untrained rows beside the variants",
        INTERPOLATIONS,
        {"enum": list(INTERPOLATIONS)},
        example="[bicubic]",
    ),
    "published": Key(
        "figures of others, in files, which the report sets beside ours",
        PUBLISHED,
        example="[table.yaml, {file: curves.csv, source: 'Ahn et al., 2018'}]",
    ),
    "notes": texts(
        "remarks that the report repeats", example="[The width is far below the literature's.]"
    ),
}
