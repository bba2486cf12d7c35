"""Files that would become large, slow or code are refused by name, at once, in little memory."""

from __future__ import annotations

import json
import os
import resource
import struct
import time
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import evil_weights as evil
import pytest

from srbench.core.document import read as read_document
from srbench.core.errors import UserError
from srbench.core.weights import load_weights
from srbench.data.decoded import decode
from srbench.data.folders import ImageFile

LONGEST_S, MOST_MB = 1.0, 200.0


def yaml(text: str) -> Callable[[], bytes]:
    return text.encode


def laughs() -> bytes:
    """Nine lists, each ten times the one before."""
    names = "abcdefghi"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for old, new in pairwise(names):
        lines.append(f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]")
    return "\n".join(lines).encode()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))


def png(side: int, *, extra: bytes = b"") -> bytes:
    """A white square that decodes to side * side pixels, true to its header."""
    rows = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * ((side + 7) // 8)
    body = b"".join(rows.compress(row * 100) for _ in range(side // 100)) + rows.flush()
    header = struct.pack(">LLBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + END


END = chunk(b"IEND", b"")


def profile() -> bytes:
    """A colour profile of 256 MB."""
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(2**20)) for _ in range(256)) + packer.flush()
    return png(100, extra=chunk(b"iCCP", b"x\x00\x00" + body))


def frames() -> bytes:
    """A TIFF of 100,000 frames, all of them one."""
    tags = ((256, 3, 1, 9), (257, 3, 1, 9), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 8), (278, 3, 1, 9), (279, 4, 1, 81))  # fmt: skip
    size = 2 + 12 * len(tags) + 4
    out = bytearray(struct.pack("<2sHL", b"II", 42, 8))
    for n in range(100_000):
        out += struct.pack("<H", len(tags))
        out += b"".join(struct.pack("<HHLL", *tag) for tag in tags)
        out += struct.pack("<L", 8 + size * (n + 1) if n < 99_999 else 0)
    return bytes(out)


YAML = {
    "aliases": (laughs, "more than 10,000 values"),
    "aliases of a long text": (
        yaml(f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 9000)}]"),
        "more than 1,000,000 characters, aliases included",
    ),
    "an alias of itself": (yaml("a: &a [*a]"), "nested more than 32 deep"),
    "brackets": (yaml("[" * 900_000), "nested more than 32 deep"),
    "braces": (yaml("{a: " * 200_000), "nested more than 32 deep"),
    "dashes": (yaml("- " * 400_000), "nested more than 32 deep"),
    "many values": (yaml("- a\n" * 200_000), "more than 10,000 values"),
    "a large file": (yaml("#" * 10**8), "more than 1,000,000 bytes"),
}
IMAGES = {
    "179 megapixels": (lambda: png(13_400), "179,560,000 pixels; 64 megapixels are allowed"),
    "65 megapixels": (lambda: png(8_100), "8100x8100 pixels; 64 megapixels are allowed"),
    "a gigapixel": (lambda: png(33_000), "pixels; 64 megapixels are allowed"),
    "a large profile": (profile, ""),
    "many frames": (frames, "has several frames"),
}


def images(path: Path) -> None:
    decode([ImageFile("a", path)], "bombs", "eval", 2)


BOMBS = [
    *((f"{name}.yaml", *bomb, read_document) for name, bomb in YAML.items()),
    *((f"{name}.png", *bomb, images) for name, bomb in IMAGES.items()),
    *((f"{name}.pth", *bomb, load_weights) for name, bomb in evil.EVIL.items()),
]


@pytest.mark.parametrize(("name", "build", "says", "reader"), BOMBS, ids=[b[0] for b in BOMBS])
def test_a_bomb_is_refused_at_once(
    tmp_path: Path,
    name: str,
    build: Callable[[], bytes],
    says: str,
    reader: Callable[[Path], object],
) -> None:
    file = tmp_path / name
    file.write_bytes(build())
    said, seconds, megabytes = measured(reader, file)
    assert says in said
    assert not said or (said.startswith(str(file)) and said.isprintable())
    assert seconds < LONGEST_S
    assert megabytes < MOST_MB


def measured(reader: Callable[[Path], object], file: Path) -> tuple[str, float, float]:
    """What a child refuses the file with, the seconds and the megabytes that it took for it."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(outlet, json.dumps(_in_child(reader, file)).encode())
        finally:
            os._exit(0)
    os.close(outlet)
    with open(inlet, "rb") as told:
        found = told.read()
    os.waitpid(child, 0)
    said, seconds, megabytes = json.loads(found)
    return said, seconds, megabytes


def _in_child(reader: Callable[[Path], object], file: Path) -> tuple[str, float, float]:
    limit = 4 * 2**30  # beyond what is there now: for the machine's sake where a bomb goes off
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + limit
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    before, begin = _peak_mb(), time.process_time()
    try:
        reader(file)
        said = ""
    except UserError as error:
        said = str(error)
    except BaseException as error:
        said = f"a fault: {error!r}"
    return said, time.process_time() - begin, _peak_mb() - before


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
