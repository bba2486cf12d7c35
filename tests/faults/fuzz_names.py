"""Hostile names, from study file to page: ten a case, as study, question, note, variant, image.

What is accepted comes back to the letter and is only ever text; nothing leaves the folder.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import tiny
from hypothesis import strategies as st
from PIL import Image

from srbench.analysis.results import Results
from srbench.cli.options import err, out
from srbench.core.csv_text import unguarded
from srbench.core.errors import UserError
from srbench.data.decoded import decode
from srbench.data.folders import images_below
from srbench.run.records import record
from srbench.store import (
    Outcome,
    PictureRow,
    Point,
    Provenance,
    ScoreRow,
    Store,
    open_store,
    this_process,
)
from srbench.study.plan import Numerics, Plan, make_plan
from srbench.study.read import read

HOSTILE = [
    "../../../tmp/evil", "..", ".", "...", "/etc/passwd", "C:\\x", "\\\\host\\x", "a/b", "a\x00b",
    "\x00", "CON", "nul.txt", "aux", "-rf", "--help", "-", "--", "; rm -rf ~", "$(touch evil)",
    "`touch evil`", "| cat", "&& ls", "a & b", "> x", "*", "?", "[a-z]", "{a,b}", "~", "~root",
    "$HOME", "%PATH%", "!x", "'", '"', "'''", '"""', "it's", 'say "x"', "' OR 1=1 --",
    "'; DROP TABLE runs; --", "a`b", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "</title><script>x</script>", "</script><script>alert(1)</script>", "<!--", "-->", "]]>",
    "<![CDATA[", "<svg/onload=x>", "&lt;", "&#60;", "javascript:alert(1)",
    "http://evil.example/x", "https://a.example/?q='\"<>", "{{7*7}}", "{% x %}", "${7*7}",
    "=cmd()", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "＝1", "a,b", "a;b", "a\tb", "a\nb",
    "a\r\nb", "\r", "[red]", "[/red]", "[bold]x[/bold]", "[link=x]y[/link]", "[", "]", "[[",
    ":smile:", "\x1b[31mred", "\x1b]0;x\x07", "\x9b31m", "\x07", "\x08\x08", "\u202egnp.x",
    "\u2066a\u2069", "\u200bx", "x\u200d", "\ufeffx", "e\u0301", "é", "名前", "שלום", "مرحبا",
    "👩‍🚀", "🏳️‍🌈", "ﷺ", "Ω≈ç√", "\u00a0", "a\u00a0b", "\u2028", "a\u2029b", "\u3000", "\ue000",
    "\ud800", "\udfff", "\uffff", "\U0010ffff", "a  b", " a", "a ", "", "x" * 80, "x" * 81,
    "x" * 300, "é" * 80, "%s%s%n", "%d", "{0}", "{x!r}", "{}", "\\", "\\n", "\\x1b", "\\input{x}",
    "$x^2$", "$\\frac{1}{", "_x", "a_b", "#", "%", "&", "~x", "^", "_nolegend_", "nan", "NaN",
    "NA", "None", "null", "true", "1", "1.0", "1e5", "007", "0x10", "inf", "2019-01-02", "12:30",
    "yes", "no", "~", "name", "variant", "plain", "bicubic", "base", "HR", "LR (nearest)", "seed",
    "__proto__", "constructor", "toString", "__class__", "sqlite_master", "runs", "index",
    "con.yaml", "a.b", ".hidden", "x.",
]  # fmt: skip
PIECES = [*HOSTILE, "a", "b", "word", " ", "-", "_", "0", "é", *"<>&'\"[]="]
BENIGN = (
    "study", "A question", "a note", "first", "second", "third", "fourth", "one", "two", "three",
)  # fmt: skip
STUDY = """\
question: {question}
scale: 2
data:
  train: {{folder: {{path: photos}}}}
  patches: 4
  patch: 16
  validate: {{folder: {{path: photos}}}}
  eval: [{{folder: {{path: photos}}}}]
train: {{epochs: 1, batch: 4}}
seeds: 2
base: {{carn: {{channels: 4, blocks: 1, units: 1}}}}
interpolations: [bicubic]
min_effect: 0.3 dB
metrics: [psnr_y]
notes: [{note}]
variants:
{variants}"""
TERMINAL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


CASES = st.lists(
    st.sampled_from(HOSTILE)
    | st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
    | st.text(st.characters(max_codepoint=0x2070), min_size=1, max_size=6),
    min_size=len(BENIGN),
    max_size=len(BENIGN),
)


def check(names: list[str], folder: Path) -> str:
    """Take ten names through everything; the refusals, one after the other."""
    out.width = err.width = 4000
    jail = folder / "jail"
    root = jail / "a" / "b" / "root"
    with_names, refusals = accepted(names, root)
    shutil.rmtree(root)
    results, page, said = taken_through(with_names, root)
    check_page(Shape(page.read_text("utf-8")), benign(folder))
    check_names(with_names, results, page.parent, said)
    outside = [p for p in jail.rglob("*") if root not in (p, *p.parents) and p not in root.parents]
    assert not outside, f"outside the folder: {outside}"
    assert all(known(p.name) for p in (root / "reports").rglob("*")), "a strange file name"
    os.chdir(folder)
    shutil.rmtree(jail)
    return " | ".join(refusals)


def accepted(names: list[str], root: Path) -> tuple[tuple[str, ...], list[str]]:
    """The names with those replaced that are refused, and the refusals."""
    kept, refusals = list(BENIGN), []
    for place, name in enumerate(names):
        tried = [*kept[:place], name, *kept[place + 1 :]]
        hidden = place >= 7 and name[:1] in ("", ".")  # such files are left out
        hidden = hidden or (place == 0 and not name)  # `.yaml` is the study ".yaml"
        if hidden or name in kept or (place in range(3, 7) and name == "bicubic"):
            continue
        try:
            lay_out(tuple(tried), root)
        except (OSError, ValueError):  # no file can have this name
            if place in (0, 7, 8, 9):
                continue
            raise
        try:
            read(Path(f"{tried[0]}.yaml"))
            decode(images_below(Path("photos"), "folder"), "photos", "eval", 2)
            kept = tried
        except UserError:
            refusals.append(refusal_of(f"{tried[0]}.yaml"))
    return tuple(kept), refusals


def refusal_of(file: str) -> str:
    """The one line that the command refuses a study with."""
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = tiny.called("plan", "--", file)
    line = said.getvalue().removesuffix("\n")
    assert (code, line.isprintable()) == (2, True), (code, line)
    assert re.match(r"srbench: error: \S.*: .+", line), line
    return line


def lay_out(names: tuple[str, ...], root: Path) -> None:
    """A folder with a study file and three photographs, all of these names."""
    root.mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    with suppress(FileNotFoundError):
        for file in (*Path("photos").iterdir(), *Path().glob("*.yaml"), *Path().glob(".*.yaml")):
            file.unlink()
    Path("photos").mkdir(exist_ok=True)
    for name, crop in zip(names[7:], tiny.CROPS, strict=True):
        if "/" in name:
            raise ValueError("a slash is no part of a name")
        Path("photos", f"{name}.png").write_bytes(photo(crop))
    variants = "".join(
        f"  {quoted(name)}: {{train.optimizer.lr: {0.001 * (n + 1)}}}\n"
        for n, name in enumerate(names[3:7])
    )
    text = STUDY.format(question=quoted(names[1]), note=quoted(names[2]), variants=variants)
    if "/" in names[0]:
        raise ValueError("a slash is no part of a name")
    Path(f"{names[0]}.yaml").write_bytes(text.encode())


@cache
def photo(crop: str) -> bytes:
    file = Path(f"{crop}.png").absolute()
    tiny.save_crop(crop, file)
    data = file.read_bytes()
    file.unlink()
    return data


def quoted(name: str) -> str:
    """The name in double quotes, as YAML reads it."""
    plain = json.dumps(name, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    return re.sub(
        "[\x7f-\x9f\ufeff\u2028\u2029\ufffe\uffff]", lambda m: f"\\u{ord(m[0]):04x}", plain
    )


def taken_through(names: tuple[str, ...], root: Path) -> tuple[Results, Path, str]:
    """Study, plan, store, report: what the store gives back, the page, and what was printed."""
    lay_out(names, root)
    found = read(Path(f"{names[0]}.yaml"))
    assert [v.name for v in found.variants] == [*names[3:7], "bicubic"]
    assert (found.name, found.question) == (names[0], " ".join(names[1].split()))
    plan = make_plan(found, Numerics("cpu", 1))
    store = open_store()
    finish(store, plan)
    results = store.reading.results(found.name)
    said = io.StringIO()
    export = ("export", "-o", "export", "--", names[0])
    with redirect_stdout(said), redirect_stderr(said):
        for command in (("report", "--", names[0]), ("plan", "--", f"{names[0]}.yaml"), export,
                        ("show", "1")):  # fmt: skip
            assert tiny.called(*command) == 0, f"{command}: {said.getvalue()[-1000:]}"
    store.close()
    again = Results.from_folder(Path("export"))
    assert again.facts == replace(results.facts, file="")  # which is of this machine
    for column in ("variant", "image"):
        frames = [f.scores[column].tolist() for f in (results, again)]
        assert frames[0] == frames[1], f"{column} does not come back from CSV"
    [page] = Path("reports").rglob("index.html")
    return results, page.absolute(), said.getvalue()


def finish(store: Store, plan: Plan) -> None:
    """Every run done, with made-up scores that rise with the variant's place."""
    number = store.plans.add(record(plan, "key", "tiny.yaml"))
    places = {p.variant.name: n for n, p in enumerate(plan.variants)}
    images = next(d for role, d in plan.datasets if role == "eval")
    facts = Provenance("c0ffee", False, {"torch": "2"}, "cpu", None, "host", "x", "3", "Linux", 1)
    who = store.measurements.add_provenance(facts)
    while (claim := store.queue.claim(number, this_process("fuzz"))) is not None:
        place = places[claim.variants[0]]
        folder = f"runs/{claim.fingerprint}/{claim.seed}"
        (store.root / folder).mkdir(parents=True, exist_ok=True)
        scores, pictures = [], []
        for n, image in enumerate(images.images):
            value = 30 + place + claim.seed / 8 + n / 64
            scores.append(ScoreRow(images.manifest, "sr-y-v1", image.name, "psnr_y", value))
            for kind in ("sr", "hr", "lr"):
                path = f"{folder}/{n}-{kind}.png"
                picture(store.root / path, place + n)
                pictures.append(PictureRow(images.manifest, image.name, kind, path))
        store.measurements.write_points(claim, [Point("loss", 1, 1.0, 1 / (place + 1))])
        outcome = Outcome(
            1, 1.0, 0.1, None, f"{folder}/w", "ab", "cpu", who, tuple(scores), tuple(pictures)
        )
        store.measurements.finish(claim, outcome)


def picture(path: Path, shade: int) -> None:
    pixels = np.full((24, 24, 3), 20 * shade % 256, np.uint8)
    pixels[shade % 24] = 255
    Image.fromarray(pixels).save(path)


class Shape(HTMLParser):
    """The elements of a page with the names of their attributes; drawings apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.drawn: set[tuple[str, ...]] = set()
        self.texts: list[str] = []
        self.depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "svg"
        found = (tag, *sorted(name for name, _ in attrs))
        if self.depth:
            self.drawn.add(found)
        elif tag not in ("wbr", "a"):  # long names may break; an address is a link
            self.elements.append(found)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name, value)
            if name in ("href", "src", "action", "data", "xlink:href"):
                assert re.match(r"#|https?://|data:(,|image/png)|pictures/", value or ""), value

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:  # type: ignore[attr-defined]
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "svg"


@cache
def benign(folder: Path) -> Shape:
    """The page of a study whose names are words."""
    return Shape(taken_through(BENIGN, folder / "benign" / "root")[1].read_text("utf-8"))


def check_page(ours: Shape, other: Shape) -> None:
    assert ours.elements == other.elements, difference(ours.elements, other.elements)
    tags = {tag for tag, *_ in other.drawn}
    assert {tag for tag, *_ in ours.drawn} <= tags
    assert not TERMINAL.search("".join(ours.texts)), "a control character in the page"


def difference(ours: list[Any], other: list[Any]) -> str:
    for n, (a, b) in enumerate(zip(ours, other, strict=False)):
        if a != b:
            return f"element {n}: {ours[n - 3 : n + 3]} against {other[n - 3 : n + 3]}"
    return f"{len(ours)} elements against {len(other)}"


def check_names(names: tuple[str, ...], results: Results, folder: Path, said: str) -> None:
    """Names are to the letter in store, CSV, LaTeX and on the terminal."""
    variants = [*names[3:7], "bicubic"]
    assert results.variants["variant"].tolist() == variants
    assert set(results.scores["variant"]) == set(variants)
    assert len(set(results.scores["image"])) == 3
    assert not TERMINAL.search(said), f"a control character is printed: {TERMINAL.search(said)}"
    for name in variants:
        assert name in said, f"{name!r} is not printed"
    for file in folder.glob("*.csv"):
        rows = list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
        assert len({len(row) for row in rows}) == 1, f"{file.name} is ragged"
        cells = [cell for row in rows[1:] for cell in row]
        assert not any(formula(cell) for cell in cells), "a formula"
        if file.name == "runs.csv":
            at = rows[0].index("variant")
            assert {unguarded(row[at]) for row in rows[1:]} == set(names[3:7])
    for file in folder.glob("*.tex"):
        check_tex(file.read_text("utf-8"))


def formula(cell: str) -> bool:
    number = re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell)
    return cell[:1] in set("=+-@\t\r＝＋－＠") and number is None


def check_tex(text: str) -> None:
    """Every row has as many cells as the first, and braces close."""
    plain = re.sub(r"\\[\\&%$#_{}]", lambda m: "\n" if m[0] == "\\\\" else "", text)
    body = plain.partition("\\toprule")[2].partition("\\bottomrule")[0]
    counts = {row.count("&") for row in body.split("\n") if "&" in row}
    assert len(counts) <= 1, f"rows of {counts} cells"
    assert plain.count("{") == plain.count("}")


def known(name: str) -> bool:
    """Whether a file name is one that every system takes."""
    return re.fullmatch(r"[\w.][\w. -]*", name) is not None and not name.endswith((" ", "."))
