"""Study files gone wrong: the grammar's own trees with something changed, and text with noise."""

from __future__ import annotations

import copy
import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import fuzz
import yaml

from srbench.core import document, slots
from srbench.core.errors import UNSEEN, UserError
from srbench.study.read import KEYS, read
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
    "\t", "\r\n", "\r", "\ufeff", "---\n", "...\n", "%YAML 9.9\n", "%TAG ! x\n", "&a ", "*a", "*",
    "<<: ", "<<: *a\n", "!!binary aGk=", "!!python/object:os.system {}", "!!timestamp 2001-01-01",
    "!x ", "!!set {a}", "!!int x", "!!float x", "!!null x", "? ", "? [a]\n: b\n", "- ", ": ", "{",
    "}", "[", "]", ",", "'", '"', "|\n", ">-\n", "#", "@", "`", "\x00", "\x1b", "\x85", "\u2028",
    "\ud7ff", "\ue000", "\U0001f600", '"\\x1b[2J"', '"\\0"', '"\\u202e"', '"\\ud800"', '"\\q"',
    "[" * 50, "{a: " * 50, "[" * 3000, "a: &a [*a]\n", "a: " + "9" * 5000, "x: 2019-13-45\n",
    "variants: {a: {}, a: {}}\n", "seeds: 3\nseeds: 4\n",
]  # fmt: skip


def prepare(folder: Path) -> Any:
    slots.load()
    return check


def check(number: int, folder: Path) -> str:
    """Read the case as a study, and build what building costs nothing."""
    file = folder / f"study {number}.yaml"
    file.write_bytes(made(number))
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
    whole = "keys with values are expected|not UTF-8 text|more than [0-9,]+ bytes"
    assert re.match(rf"{place}(:\d+:\d+.*?: |: ({whole}))", refusal), refusal
    return refusal


def made(number: int) -> bytes:
    """The bytes of a case."""
    rng = random.Random(f"study {number}")
    if rng.random() < 0.5:
        tree = copy.deepcopy(rng.choice(trees()))
        for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
            tree = changed(tree, rng)
        text = dumped(tree, rng)
    else:
        text = rng.choice(texts())
    for _ in range(rng.choice([0, 0, 1, 1, 2, 6])):
        text = scribbled(text, rng)
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1 and raw:
        at = rng.randrange(len(raw))
        raw = raw[:at] + rng.randbytes(rng.choice([1, 2, 9])) + raw[at + 1 :]
    if rng.random() < 0.05:
        raw = rng.choice([b"\xef\xbb\xbf" + raw, raw.replace(b"\n", b"\r\n"), b"", raw[:1] * 3])
    return raw


@cache
def texts() -> list[str]:
    files = sorted((HOUSE / "ablations").glob("*.yaml"))
    whole = (file.read_text("utf-8") for file in files)
    alone = [text for text in whole if "\nfrom: " not in text]  # a view needs its study beside
    return [*(text.replace("../db/", f"{HOUSE}/db/") for text in alone), RICH]


@cache
def trees() -> list[dict[str, Any]]:
    return [document.parse(text).value for text in texts()]


@cache
def words() -> list[str]:
    """Every name that the vocabulary has, and what is nearly one."""
    names = [*KEYS, *slots.SLOTS, *(p for slot in slots.SLOTS.values() for p in slot.parts)]
    return [*names, *(name[:-1] for name in names), *(f"{name}.x" for name in names)]


def changed(tree: Any, rng: random.Random) -> Any:
    """The tree with one place in it changed."""
    places = list(holders(tree))
    if not places:
        return rng.choice(SCALARS)
    holder, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = rng.choice(words())
    elif kind == 2:
        other, place = rng.choice(places)
        holder[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(holder[key])
    elif kind == 3 and isinstance(holder, dict):
        holder[rng.choice([*words(), "x", "", "a b", "\u202e", "9"])] = holder.pop(key)
    elif kind == 4:
        holder[key] = rng.choice([[holder[key]], {rng.choice(words()): holder[key]}])
    elif kind == 5:
        for _ in range(rng.choice([1, 5, 40])):
            holder[key] = rng.choice([[holder[key]], {"a": holder[key]}])
    else:
        holder[key] = copy.deepcopy(rng.choice(SCALARS))
    return tree


def holders(tree: Any) -> Any:
    """Every (container, key) in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from holders(value)


def dumped(tree: Any, rng: random.Random) -> str:
    if rng.random() < 0.3:
        return json.dumps(tree, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    flow = rng.choice([None, True, False])
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=rng.random() < 0.5)
    return str(text)


def scribbled(text: str, rng: random.Random) -> str:
    """The text with one place in it spoilt."""
    kind, at = rng.randrange(6), rng.randrange(len(text) + 1)
    lines = text.split("\n")
    row = rng.randrange(len(lines))
    if kind == 0:
        return text[:at] + rng.choice(SNIPPETS) + text[at:]
    if kind == 1:
        return text[:at] + text[at + rng.choice([1, 1, 4, 30]) :]
    if kind == 2:
        lines.insert(rng.randrange(len(lines) + 1), lines[row])
    elif kind == 3:
        lines[row] = rng.choice([" ", "  ", "\t", "-", "? "]) + lines[row]
    elif kind == 4:
        lines[row] += rng.choice(SNIPPETS)
    else:
        return text[:at] + chr(rng.choice([0, 9, 27, 127, 133, 160, 8232, 65279, 120])) + text[at:]
    return "\n".join(lines)
