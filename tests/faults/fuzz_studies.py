"""Study files gone wrong: the grammar's own trees with something changed, and text with noise."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import fuzz
import yaml
from hypothesis import strategies as st

from srbench.core import document, slots
from srbench.core.errors import UNSEEN, UserError
from srbench.study.read import read
from srbench.study.study_keys import KEYS
from srbench.study.tree import describe

HOUSE = Path(__file__).parents[2]
RICH = """\
question: Everything that a study may say?
source: made up
scale: 2
data:
  train: {mixture: {of: [photos, {folder: {path: photos}}], weights: [1, 2.5]}}
  patches: {fixed: 12}
  patch: 16
  augment: []
  validate: {pairs: {hr: photos, lr: lr}}
  eval: [{folder: {path: photos}}, photos]
train: {epochs: 3, batch: 4, optimizer: {adam: {lr: 2.0e-3}}, loss: l1}
seeds: [0, 3, 5]
base: {carn: {channels: 4, blocks: 1, units: 1, activation: relu}}
interpolations: [bicubic, nearest]
min_effect: 0.3 dB
metric: psnr_y on photos
metrics: [ssim_y, l1]
protocol: sr-y-v1
baseline: plain
notes: [one, two]
variants:
  plain: {}
  residual: {skip: bilinear, unit.dilated: first}
  other: {model: {carn: {rates: [1]}}, train.epochs: 5, data.patch: 32}
"""
SCALARS = [
    0, -1, 1, 2, 10**6, 10**17, 10**400, -(10**30), 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), -float("inf"), True, False, None, "", " ", "x", "no", "on", "1_000", "0x10",
    "1e-4", "12:30:00", "2019-01-02", "2019-99-99", ".inf", "9" * 5000, "é", "名前", "\u202eabc",
    "👩‍🚀", "[red]", "%s%n", "{0}", "../../etc/passwd", "/dev/zero", "~nobody/x", "x/" * 3000,
    "a\tb", "a\nb", "\x1b[31m", "\x00", "\x7f", "\u2028", "\ud800", "\uffff", "=cmd()",
    "<script>", "'", '"', "*", "&a", "-", "?", "---", "psnr_y on", "on photos",
    "psnr_y on nowhere", "0.03", "0.03 ms", "-1 dB", "nan dB", [], {}, [[]], [{}], {"": {}},
    {"a": 1, "b": 2}, [1, "x", None], [0, 0], {"fixed": -1},
]  # fmt: skip
SNIPPETS = [
    "\t", "\n  ", "\n\t", "\n- ", "\x85", "\xa0", "\x7f",
    "\r\n", "\r", "\ufeff", "---\n", "...\n", "%YAML 9.9\n", "%TAG ! x\n", "&a ", "*a", "*",
    "<<: ", "<<: *a\n", "!!binary aGk=", "!!python/object:os.system {}", "!!timestamp 2001-01-01",
    "!x ", "!!set {a}", "!!int x", "!!float x", "!!null x", "? ", "? [a]\n: b\n", "- ", ": ", "{",
    "}", "[", "]", ",", "'", '"', "|\n", ">-\n", "#", "@", "`", "\x00", "\x1b", "\x85", "\u2028",
    "\ud7ff", "\ue000", "\U0001f600", '"\\x1b[2J"', '"\\0"', '"\\u202e"', '"\\ud800"', '"\\q"',
    "[" * 50, "{a: " * 50, "[" * 3000, "a: &a [*a]\n", "a: " + "9" * 5000, "x: 2019-13-45\n",
    "variants: {a: {}, a: {}}\n", "seeds: 3\nseeds: 4\n",
]  # fmt: skip


def check(content: bytes, folder: Path) -> str:
    """Read the case as a study, and build what building costs nothing; the refusal, or nothing."""
    file = folder / "study.yaml"
    file.write_bytes(content)
    try:
        found = read(file)
    except UserError as error:
        return placed(str(error), file)
    finally:
        file.unlink()
    for variant in found.variants:
        tree = variant.tree
        settings, data = tree.train.build()(), tree.data.build()()
        assert (settings.batch, data.patch) == (tree.train["batch"], tree.data["patch"])
        assert describe(tree.model) is not None
        assert all(leaf == leaf for leaf in tree.leaves().values()), "nan is no setting"
        json.dumps([tree.model.to_json(), tree.train.to_json()], allow_nan=False)
        for choice in (tree.data["train"], tree.data["validate"], *tree.data["eval"]):
            try:
                choice.build()("train", found.scale)
            except UserError as error:
                fuzz.one_line(str(error))
    assert not any(map(UNSEEN.search, (found.question, *(v.name for v in found.variants))))
    return ""


def placed(refusal: str, file: Path) -> str:
    """The refusal, once it is known to name line and column, or what is wrong with all of it."""
    place = re.escape(str(file))
    whole = "keys with values are expected|not UTF-8 text|UTF-16 text|more than [0-9,]+ bytes"
    assert re.match(rf"{place}(:\d+:\d+.*?: |: ({whole}))", refusal), refusal
    return refusal


@cache
def texts() -> list[str]:
    files = sorted((HOUSE / "ablations").glob("*.yaml"))
    whole = (file.read_text("utf-8") for file in files)
    alone = [text for text in whole if "\nfrom: " not in text]  # a view needs its study beside
    return [*(text.replace("../db/", f"{HOUSE}/db/") for text in alone), RICH]


@cache
def words() -> list[str]:
    """Every name that the vocabulary has, and what is nearly one."""
    slots.load()
    names = [*KEYS, *slots.SLOTS, *(p for slot in slots.SLOTS.values() for p in slot.parts)]
    return [*names, *(name[:-1] for name in names), *(f"{name}.x" for name in names)]


@st.composite
def studies(draw: st.DrawFn) -> bytes:
    """A study with some values changed, and then some of its text."""
    text = draw(st.sampled_from(texts()))
    if draw(st.booleans()):
        tree = document.parse(text).value
        for _ in range(draw(st.integers(1, 4))):
            change(draw, tree)
        flow, is_plain = draw(st.sampled_from([None, True, False])), draw(st.booleans())
        text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=is_plain)
        if draw(st.integers(0, 2)) == 0:
            text = json.dumps(tree, ensure_ascii=is_plain)
    raw = text.encode("utf-8", "surrogatepass")
    raw = draw(st.sampled_from([raw, raw, raw, b"\xef\xbb\xbf" + raw, raw.replace(b"\n", b"\r\n")]))
    return draw(fuzz.damaged([raw], [s.encode("utf-8", "surrogatepass") for s in SNIPPETS]))


def change(draw: st.DrawFn, tree: Any) -> None:
    """Change one place in the tree."""
    places = list(holders(tree))
    if not places:
        return
    holder, key = draw(st.sampled_from(places))
    name = draw(st.sampled_from([*words(), "x", "", "a b", "\u202e", "9"]))
    kind = draw(st.sampled_from(["drop", "name", "swap", "rename", "wrap", "nest", "put", "put"]))
    if kind == "drop":
        del holder[key]
    elif kind == "name":
        holder[key] = name
    elif kind == "swap":
        other, place = draw(st.sampled_from(places))
        holder[key] = copy.deepcopy(other.get(place) if isinstance(other, dict) else other[place])
    elif kind == "rename" and isinstance(holder, dict):
        holder[name] = holder.pop(key)
    elif kind == "wrap":
        holder[key] = draw(st.sampled_from([[holder[key]], {name: holder[key]}]))
    elif kind == "nest":
        for _ in range(draw(st.sampled_from([1, 5, 40]))):
            holder[key] = [holder[key]]
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(SCALARS)))


def holders(tree: Any) -> Any:
    """Every (container, key) in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from holders(value)


CASES = studies()
