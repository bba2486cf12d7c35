"""`srbench blocks`: what a study may name, listed without torch once it was read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import tiny

from srbench.core import slots
from srbench.study.vocabulary import read_parts, vocabulary

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_every_slot_and_part_is_listed() -> None:
    slots.load()
    words = read_parts()
    for slot in slots.SLOTS.values():
        assert sorted(words[slot.name]["parts"]) == sorted(slot.parts)
        assert words[slot.name]["gives"] == list(slot.gives)
        assert words[slot.name]["about"]


def test_the_cache_gives_the_same_and_is_made_anew_where_it_is_damaged(cache: Path) -> None:
    first = vocabulary()
    [file] = cache.glob("srbench/vocabulary/*.json")
    assert json.loads(file.read_text()) == first == vocabulary()
    for damaged in ("", "{", "\x00"):
        file.write_text(damaged)
        assert vocabulary() == first


def test_a_folder_that_cannot_be_written_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "attention" in vocabulary()


@pytest.mark.slow
def test_the_second_time_torch_stays_out(tmp_path: Path) -> None:
    code = (
        "import sys; from srbench.cli.main import main\n"
        "try: main(['blocks', 'attention'])\n"
        "finally: print('torch' in sys.modules)"
    )
    said = [
        tiny.ended(tiny.started(tmp_path, sys.executable, "-c", code), 0).splitlines()
        for _ in range(2)
    ]
    assert [lines[-1] for lines in said] == ["True", "False"]
    assert said[0][:-1] == said[1][:-1]


@pytest.mark.slow
def test_a_plug_in_is_listed_with_its_settings(tmp_path: Path) -> None:
    tiny.plug_in(tmp_path)
    assert "patient" in tiny.srbench(tmp_path, "blocks", "loss")
    told = tiny.srbench(tmp_path, "blocks", "patient")
    assert "defined in tiny_parts" in told
    assert "10" in told


def test_slots_parts_and_settings_are_listed(capsys: Captured) -> None:
    for arguments, said in [
        ([], ["attention", "scse", "degradation", "matlab_bicubic"]),
        (["attention"], ["scse", "reduction: 16", "It is given (channels)"]),
        (["scse"], ["reduction", "branches", "Roy", "https://arxiv.org/abs/1803.02579"]),
        (["train"], ["epochs", "300"]),
    ]:
        assert tiny.called("blocks", *arguments) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert all(word in told for word in said)


def test_slots_and_parts_are_listed_as_json_and_an_unknown_name_is_refused(
    capsys: Captured,
) -> None:
    for name in ("attention", "scse"):
        assert tiny.called("blocks", name, "--json") == 0
        assert "reduction" in json.dumps(json.loads(capsys.readouterr().out))
    assert tiny.called("blocks", "sces", "--json") == 2
    assert "did you mean 'scse'?" in capsys.readouterr().err
