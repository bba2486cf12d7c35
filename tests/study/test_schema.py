"""The schema that editors check by: it allows what srbench reads, and refuses plain mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny

from srbench.analysis.power import baseline_seeds
from srbench.core import document, slots
from srbench.core.errors import UserError
from srbench.study.criteria import MATCH
from srbench.study.designs import DESIGN, KINDS
from srbench.study.read import read
from srbench.study.schema import study_schema
from srbench.study.search import TUNE
from srbench.study.seeds import DECIDED
from srbench.study.study_keys import KEYS
from srbench.study.variants import CONTROLS

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
SCHEMA = study_schema()
CHECK = jsonschema.Draft202012Validator(SCHEMA)
FILES = sorted((Path(__file__).parents[2] / "ablations").glob("*.yaml"))


def allowed(text: str) -> bool:
    return bool(CHECK.is_valid(document.parse(text).value))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_study_of_the_house_is_allowed(file: Path) -> None:
    assert [e.message for e in CHECK.iter_errors(document.read(file)[1].value)] == []


def test_it_has_every_key_and_every_part() -> None:
    assert SCHEMA["properties"].keys() == KEYS.keys()
    for slot in slots.SLOTS.values():
        names = {one["const"] for one in SCHEMA["$defs"][slot.name]["anyOf"] if "const" in one}
        assert names == set(slot.parts)


GOOD = (
    tiny.STUDY,
    "base: {carn: {attention: {scse: {reduction: 8}}, skip:}}",
    "seeds: [3, 1, 4]\nbaseline_seeds: 7\npaired: true\ncompare: all",
    "seeds: {until: decided, looks: [3, 5]}\nmin_effect: 0.1 dB",
    "data: {patches: {fixed: 12}, eval: [photos, {folder: {path: x}}]}",
    "train: {until: converged, max_epochs: 300, validations: 40, clip: 0.5}",
    "variants: {a: {}, b: , c: {unit.attention: none, train.loss: mse, model: pan}}",
    "variants: {a: {data.patches: {fixed: 3}, rates: [1, 2, 1], channels: 8}}",
    "published: [table.yaml, {file: curves.csv, source: Me}]",
    "tune: {space: {skip: [none, bilinear]}, sampler: tpe, seeds: 3, confirm: 0, budget: 2 hours}",
    "min_effect: 0.03",
    "interpolations: bicubic\nnotes: one\nmetrics: [psnr_y, ssim_y]",
    "claims: [{id: A, says: b, test: psnr_y(x) > 3}]",
)
"""Ways of writing that srbench reads, one a line."""
BAD = {
    "a key": "qestion: x",
    "a scale": "scale: 5",
    "a network": "base: crn",
    "a setting": "base: {carn: {chanels: 8}}",
    "a deep setting": "base: {carn: {attention: {scse: {reducton: 8}}}}",
    "two parts": "base: {carn: {}, pan: {}}",
    "a type": "base: {carn: {channels: many}}",
    "a range": "base: {carn: {channels: 0}}",
    "a variant's setting": "variants: {a: {atention: scse}}",
    "a variant's value": "variants: {a: {attention: sce}}",
    "a training setting": "train: {epoch: 3}",
    "a data setting": "data: {pach: 3}",
    "a protocol": "protocol: sr-y-v2",
    "a claim's key": "claims: [{id: A, tests: x}]",
    "seeds": "seeds: 0",
    "seeds undecided": "seeds: {until: decidd}",
    "a control": "controls: {identiy: {}}",
    "an interpolation": "interpolations: [bicubik]",
    "a design": "design: {factoral: {}}",
    "a cost": "match: latency",
    "a cost in full": "match: {by: latency}",
    "a published key": "published: {fil: table.yaml}",
    "a resolution": "design: {fractional: {a: {x: 1}, b: {y: 1}, c: {z: 1}}, resolution: 2}",
    "a pair": "compare: [a, b]",
    "pairs": "paired: maybe",
    "a look": "seeds: {until: decided, looks: []}\nmin_effect: 0.1 dB",
    "confirmed": "tune: {space: {skip: [none, bilinear]}, confirm: 101}",
    "a search's key": "tune: {spce: {}}",
    "a sampler": "tune: {sampler: tpee}",
    "no mapping": "- a",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_srbench_reads_is_allowed(text: str) -> None:
    assert [e.message for e in CHECK.iter_errors(document.parse(text).value)] == []


STUDY = {
    "variants": "{plain: {}, standard: {skip: nearest}, atrous: {rates: [1, 2, 1]}, wide: {}}",
    "min_effect": "0.03 dB",
}
INSIDE = {
    "tune": (TUNE, {"space": "{skip: [none, bilinear]}"}),
    "match": (MATCH, {"by": "params"}),
    "controls": (CONTROLS, {}),
    "seeds": (DECIDED, {"until": "decided"}),
    "design": ({kind: DESIGN[kind] for kind in KINDS}, {}),
    "design of two": ({"groups": DESIGN["groups"]}, {"factorial": DESIGN["add_one"].example}),
    "design in part": (
        {"resolution": DESIGN["resolution"]}, {"fractional": DESIGN["fractional"].example},
    ),
}  # fmt: skip
"""Keys inside a key, and what these need beside them."""
EXAMPLES = {name: {name: key.example} for name, key in KEYS.items()}
for above, (keys, needed) in INSIDE.items():
    for name, key in keys.items():
        inside = ", ".join(f"{k}: {v}" for k, v in (needed | {name: key.example}).items())
        EXAMPLES[f"{above}.{name}"] = {above.split()[0]: f"{{{inside}}}"}
FILES_NEEDED = {"from", "only", "parts", "published", "without_claims"}


@pytest.mark.parametrize("key", sorted(EXAMPLES.keys() - FILES_NEEDED))
def test_the_example_of_every_key_is_read(key: str, tmp_path: Path) -> None:
    lines = STUDY | EXAMPLES[key]
    if "design" in lines:
        del lines["variants"]  # which it makes
    file = tmp_path / "study.yaml"
    file.write_text("\n".join(f"{name}: {value}" for name, value in lines.items()))
    assert read(file)
    assert allowed(file.read_text())


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_is_seen_in_the_editor_and_by_srbench(mistake: str, tmp_path: Path) -> None:
    assert not allowed(BAD[mistake])
    (tmp_path / "bad.yaml").write_text(BAD[mistake])
    with pytest.raises(UserError):
        read(tmp_path / "bad.yaml")


# the commands


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_schema_is_printed_and_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny.called("schema") == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert tiny.called("schema", "-o", "deep/s.json") == 0
    assert json.loads((here / "deep" / "s.json").read_text()) == SCHEMA


TRAINED = [
    name
    for name, part in sorted(slots.model.parts.items())
    if any(True for _ in slots.model.parse(name).build()(2).parameters())
]


@pytest.mark.parametrize("base", [*TRAINED, "{carn: {channels: 8, skip: bilinear}}"])
def test_a_starter_study_is_right_from_any_base(here: Path, base: str) -> None:
    assert tiny.called("new", "mine", "--base", base) == 0
    text = (here / "mine.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=srbench.schema.json\n")
    assert allowed(text)
    found = read(here / "mine.yaml")
    assert found.base.model.name in base
    assert len({v.tree for v in found.variants}) == len(found.variants) > 1
    assert all("#" in line or ":" in line or not line.strip() for line in text.splitlines())


def test_a_starter_study_is_planned_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "ablations").mkdir()
    assert tiny.called("new", "mine") == 0
    assert (here / "ablations" / "srbench.schema.json").is_file()
    capsys.readouterr()
    assert tiny.called("plan", "mine", "--json") == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    variants = len(plan["variants"]) - 5  # apart from four interpolations and the baseline
    assert plan["runs"] == 4 + baseline_seeds(3, variants) + 3 * variants
    assert all(v["dead"] == 0 for v in plan["variants"])


MISTAKES = {
    "there": (["mine"], "mine.yaml: is there already"),
    "a path": (["../x"], "is no name for a study"),
    "a network": (["x", "--base", "espcm"], "did you mean 'espcn'?"),
    "untrained": (["x", "--base", "bicubic"], "has nothing to train"),
    "no yaml": (["x", "--base", "{carn"], "not YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    (here / "mine.yaml").write_text("mine")
    arguments, said = MISTAKES[mistake]
    assert tiny.called("new", *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert (here / "mine.yaml").read_text() == "mine"
    assert [p.name for p in here.iterdir()] == ["mine.yaml"]
