"""Text in CSV runs nowhere, comes back to the letter, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srbench.analysis.results import FRAMES, TEXT, Results
from srbench.core.csv_text import STARTS, cell, encoded, guarded, line, unguarded, write

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "db" / "reference" / "quickstart"
EVIL = ("=1+2", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1",
        "''+1", "'", "plain", "a,b", 'say "x"', "two\nlines", "a\rb", "1e5", "007", "NA", "nan",
        "null", "True", " =1")  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(EVIL),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)
BEGINS = tuple(STARTS.replace("\\", ""))


@given(TEXTS)
def test_guarding_is_undone_to_the_letter_and_nothing_begins_a_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(BEGINS)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), max_size=5))
def test_rows_come_back_through_pythons_own_reader(rows: list[list[str]]) -> None:
    read = csv.reader(io.StringIO("".join(map(line, rows)), newline=""))
    assert [[unguarded(field) for field in row] for row in read] == rows


@given(st.one_of(st.floats(allow_nan=False), st.integers()))
def test_a_number_is_written_as_a_number(number: float) -> None:
    assert type(number)(cell(number)) == number
    assert not cell(number).startswith("'")


@pytest.mark.slow
@settings(max_examples=25)
@given(data=st.data())
def test_results_survive_a_folder_whatever_their_text(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not (PUBLISHED / "study.json").is_file():
        pytest.skip("no published rows")
    first = Results.from_folder(PUBLISHED)
    frames = {name: getattr(first, name).head(3).copy() for name in FRAMES}
    for frame in frames.values():
        for column in sorted(TEXT & set(frame.columns)):
            texts = st.lists(TEXTS.filter(bool), min_size=len(frame), max_size=len(frame))
            frame[column] = pd.Series(data.draw(texts), index=frame.index, dtype=object)
    odd = replace(first, **frames)
    folder = tmp_path_factory.mktemp("folder")
    odd.to_folder(folder)
    back = Results.from_folder(folder)
    assert back.facts == odd.facts
    for name in FRAMES:
        wanted, found = getattr(odd, name), getattr(back, name)
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_exact=True)


@pytest.mark.parametrize(("cell_", "marked"), [("α=½", True), ("Größe", True), ("plain", False)])
def test_a_file_beyond_ascii_starts_with_the_mark_by_which_excel_knows_utf_8(
    tmp_path: Path, cell_: str, marked: bool
) -> None:
    file = tmp_path / "rows.csv"
    rows = [("variant", "psnr"), (cell_, 31.5)]
    write(file, rows)
    assert file.read_bytes().startswith(BOM_UTF8) is marked
    assert file.read_bytes() == encoded("".join(map(line, rows)))
    assert pd.read_csv(file).to_dict("records") == [{"variant": cell_, "psnr": 31.5}]


def test_every_column_of_text_is_known_to_be_text() -> None:
    """A column that is missing in TEXT would turn `007` into 7."""
    if not (PUBLISHED / "study.json").is_file():
        pytest.skip("no published rows")
    results = Results.from_folder(PUBLISHED)
    assert {f.name for f in fields(Results)} >= set(FRAMES)
    for name in FRAMES:
        frame = getattr(results, name)
        words = {c for c in frame if frame[c].map(lambda v: isinstance(v, str)).any()}
        assert words <= TEXT, name
