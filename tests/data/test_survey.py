"""A folder as a disk has it: what is used, converted, refused and why, and not used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import noise

from srbench.data import survey as module
from srbench.data.decoded import decode
from srbench.data.folders import images_below
from srbench.data.survey import Survey, survey

PHOTO = PIL.Image.fromarray(noise(12, 16))


def turned(path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PHOTO.save(path, exif=exif)


def see_through(path: Path) -> None:
    image = PHOTO.convert("RGBA")
    image.putalpha(9)
    image.save(path)


def truncated(path: Path) -> None:
    PHOTO.save(path)
    path.write_bytes(path.read_bytes()[:400])


CONVERTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "turned.jpg": (turned, "turned upright"),
    "palette.png": (lambda path: PHOTO.quantize(8).save(path), "palette to RGB"),
    "grey.png": (lambda path: PHOTO.convert("L").save(path), "one channel"),
    "bits.png": (lambda path: PHOTO.convert("1").save(path), "one channel"),
    "alpha.png": (lambda path: PHOTO.convert("RGBA").save(path), "transparency left out"),
    "odd.png": (lambda path: PHOTO.crop((0, 0, 15, 12)).save(path), "cut at the right and bottom"),
    "profile.png": (lambda path: PHOTO.save(path, icc_profile=b"Adobe RGB"), "profile ignored"),
}
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "cmyk.jpg": (lambda path: PHOTO.convert("CMYK").save(path), "CMYK; save it as RGB"),
    "deep.png": (lambda path: _deep().save(path), "more than 8 bits"),
    "clear.png": (see_through, "transparent pixels"),
    "half.png": (truncated, "is broken"),
    "empty.jpg": (Path.touch, "or is broken"),
    "tiny.png": (lambda path: PHOTO.crop((0, 0, 1, 1)).save(path), "too few for x2"),
}
UNUSED = {
    "film.mp4": ".mp4, a format", "raw.heic": ".heic, a format", "Thumbs.db": "hidden",
    "._turned.jpg": "hidden", "@eaDir/plain.png": "hidden",
}  # fmt: skip
LINKS = {"link.png": "broken links"}


def _deep() -> PIL.Image.Image:
    return PIL.Image.fromarray(np.full((8, 8), 40000, np.uint16))


def surveyed(folder: Path) -> Survey:
    return survey(images_below(folder, "folder"), "mixed", "eval", 2, [folder])


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    PHOTO.save(tmp_path / "plain.png")
    (tmp_path / "@eaDir").mkdir()
    for name, (write, _) in (CONVERTED | REFUSED).items():
        write(tmp_path / name)
    for name in UNUSED:
        (tmp_path / name).touch()
    (tmp_path / "link.png").symlink_to("nowhere.png")
    return tmp_path


def test_every_file_of_a_folder_is_accounted_for(mixed: Path) -> None:
    found = surveyed(mixed)
    assert len(found.images.images) == 1 + len(CONVERTED)
    assert sum(found.converted.values()) == len(CONVERTED)
    refused = {Path(file).name: why for why, files in found.refused for file in files}
    assert set(refused) == set(REFUSED)
    assert all(says in refused[name] for name, (_, says) in REFUSED.items())
    assert sum(found.unused.values()) == len(UNUSED | LINKS)
    for says in (UNUSED | LINKS).values():
        assert any(says in kind for kind in found.unused)


@pytest.mark.parametrize("name", CONVERTED)
def test_each_conversion_is_said(tmp_path: Path, name: str) -> None:
    write, says = CONVERTED[name]
    write(tmp_path / name)
    [(way, count)] = surveyed(tmp_path).converted.items()
    assert (says in way, count) == (True, 1)


def test_a_large_set_keeps_no_pixels_and_has_the_same_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PHOTO.save(tmp_path / "a.png"), PHOTO.resize((8, 6)).save(tmp_path / "ax2.png")
    monkeypatch.setattr(module, "KEPT_MEGAPIXELS", 0)
    files = images_below(tmp_path, "folder")
    found = survey(files, "set", "eval", 2, [])
    assert not found.pixels
    assert not any(image.hr.any() for image in found.images.images)
    assert found.images.manifest == decode(files, "set", "eval", 2).manifest
