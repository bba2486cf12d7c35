"""What read_image accepts, and what it says about the rest."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import noise

from srbench.core.errors import UserError
from srbench.data.images import read_image


def test_png_comes_back_bit_for_bit(tmp_path: Path) -> None:
    PIL.Image.fromarray(noise(5, 7)).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), noise(5, 7))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tiff"])
def test_every_allowed_format_gives_rgb(tmp_path: Path, suffix: str) -> None:
    PIL.Image.fromarray(noise(5, 7)).save(tmp_path / f"a.{suffix}")
    image = read_image(tmp_path / f"a.{suffix}")
    assert (image.shape, image.dtype) == ((5, 7, 3), np.uint8)


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA"])
def test_grey_palette_and_opaque_alpha_become_rgb(tmp_path: Path, mode: str) -> None:
    grey = PIL.Image.fromarray(noise(6, 6)[..., 0])
    grey.convert(mode).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    expected = grey.convert("1") if mode == "1" else grey
    assert np.array_equal(image, np.stack([np.array(expected.convert("L"))] * 3, -1))


def test_exif_turns_the_photo_upright(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn to the left
    PIL.Image.fromarray(noise(4, 9)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.rot90(noise(4, 9), -1))


def test_16_bits_are_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "grey.png")
    PIL.Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "grey.tif")
    (tmp_path / "rgb.png").write_bytes(_rgb_16_bit_png())
    for path in tmp_path.iterdir():
        with pytest.raises(UserError, match=rf"{path.name}: has more than 8 bits"):
            read_image(path)


def test_transparency_is_refused(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(noise(4, 4)).convert("RGBA")
    image.putpixel((1, 2), (0, 0, 0, 254))
    image.save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: has transparent pixels"):
        read_image(tmp_path / "a.png")


def test_transparency_in_a_palette_is_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(noise(4, 4)).convert("P").save(
        tmp_path / "a.png", transparency=bytes(range(256))
    )
    with pytest.raises(UserError, match="transparent"):
        read_image(tmp_path / "a.png")


def test_animations_are_refused(tmp_path: Path) -> None:
    frames = [PIL.Image.fromarray(noise(4, 4, seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match=r"a\.webp: has several frames"):
        read_image(tmp_path / "a.webp")


def test_cmyk_is_refused(tmp_path: Path) -> None:
    PIL.Image.new("CMYK", (4, 4)).save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="CMYK; save it as RGB"):
        read_image(tmp_path / "a.jpg")


def test_a_format_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(noise(4, 4)).save(tmp_path / "a.png", "GIF")
    with pytest.raises(UserError, match=r"a\.png: is not a PNG, JPEG"):
        read_image(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8200, 9600, 40000])
def test_a_bomb_is_refused_from_its_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(_png_header(side, side))
    with pytest.raises(UserError, match="64 megapixels are allowed"):
        read_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    PIL.Image.fromarray(noise(40, 40)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"a\.{suffix}: is .*(broken|image)"):
        read_image(path)


def test_a_missing_file_a_folder_a_pipe_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("missing.png", "empty.png", "pipe.png", ""):
        with pytest.raises(UserError, match=str(tmp_path / name)):
            read_image(tmp_path / name)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some of the damage that it reads past
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "BMP"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    keep=st.floats(0.2, 1),
)
def test_a_damaged_file_gives_pixels_or_a_study_error(
    tmp_path: Path, kind: str, changes: list[tuple[float, int]], keep: float
) -> None:
    file = io.BytesIO()
    PIL.Image.fromarray(noise(12, 12)).save(file, kind)
    data = bytearray(file.getvalue())
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    (tmp_path / "a.img").write_bytes(data[: int(len(data) * keep) + 1])
    try:
        image, said = read_image(tmp_path / "a.img"), ""
    except UserError as error:
        image, said = np.zeros((1, 1, 3), np.uint8), str(error)
    assert (image.dtype, image.shape[2]) == (np.uint8, 3)
    assert not said or "a.img" in said


def _png_header(width: int, height: int, bits: int = 8) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes([bits, 2, 0, 0, 0])),
            _chunk(b"IDAT", b""),
        )
    )


def _rgb_16_bit_png() -> bytes:
    import zlib

    header = _png_header(2, 2, bits=16)[: 8 + 25]
    rows = zlib.compress(bytes(2 * (1 + 2 * 6)))
    return header + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    from zlib import crc32

    return len(data).to_bytes(4) + name + data + crc32(name + data).to_bytes(4)
