"""Weights and checkpoints gone wrong: each format with bytes changed, cut, doubled or swapped."""

from __future__ import annotations

import pickle
import random
import struct
from functools import cache
from pathlib import Path
from typing import Any

import evil_weights as evil
import torch

from srbench.core.errors import UserError
from srbench.core.weights import load_weights
from srbench.train import checkpoint

SENTINEL = "ran"
SPLICES = [
    b"\xff" * 4, bytes(8), b"\x7f\xff\xff\xff", struct.pack("<Q", 2**40),
    struct.pack("<Q", 2**63), b"cposix\nsystem\n", b"(V" + b"touch ran" + b"\ntR", b"PK\x05\x06",
    b"PK\x01\x02", b"}", b"[" * 99, pickle.LONG_BINPUT + b"\xff" * 4,
    pickle.BININT + b"\xff\xff\xff\x7f", pickle.LONG1 + b"\xff" * 256,
    pickle.BYTEARRAY8 + b"\xff" * 8, pickle.BINUNICODE8 + b"\xff\xff\xff\x7f" + bytes(4),
    b'"shape":[1099511627776]', b'"data_offsets":[0,-1]', b"..../", b"\x80\x05", pickle.STOP,
]  # fmt: skip


def prepare(folder: Path) -> Any:
    blobs()
    return check


def check(number: int, folder: Path) -> str:
    """Load the case as weights, and every third one as a checkpoint of ours, too."""
    rng = random.Random(f"weights {number}")
    content = made(rng)
    if number % 3 == 0:
        check_checkpoint(rng, folder)
    file = folder / f"weights {number}.pth"
    file.write_bytes(content)
    try:
        found = load_weights(file)
    except UserError as error:
        return ours(error, file)
    finally:
        file.unlink()
        assert not (folder / SENTINEL).exists(), "something in the file ran"
    assert found
    assert sum(t.numel() * t.element_size() for t in found.values()) <= 4 * len(content)
    assert all(t.double().sum().dim() == 0 for t in found.values() if not t.is_complex())
    return ""


def ours(error: UserError, file: Path) -> str:
    """The refusal, once it names its file and our own code is not what stumbled."""
    assert str(error).startswith(f"{file}: "), error
    cause = error.__cause__
    if cause is not None and cause.__traceback__ is not None:
        last = cause.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        where = last.tb_frame.f_code.co_filename
        assert "srbench" not in Path(where).parts, f"{type(cause).__name__} in {where}: {cause}"
    return str(error)


def check_checkpoint(rng: random.Random, folder: Path) -> None:
    """A damaged checkpoint is left out with a word; the older one serves."""
    place, said = folder / "run", list[str]()
    for step in (1, 2):
        checkpoint.save(place, step, {"step": step, "w": torch.ones(9)})
    newest = max(place.iterdir())
    whole = newest.read_bytes()
    newest.write_bytes(damaged(rng, whole))
    found = checkpoint.load_newest(place, torch.device("cpu"), said.append)
    assert found is not None
    same = newest.read_bytes() == whole
    assert (found["step"], len(said)) == ((2, 0) if same else (1, 1)), (found["step"], said)
    assert all(str(newest) in line and line.isprintable() for line in said)
    checkpoint.discard(place)


def made(rng: random.Random) -> bytes:
    return damaged(rng, rng.choice(blobs()))


def damaged(rng: random.Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 5])):
        kind, at = rng.randrange(7), rng.randrange(len(data) + 1)
        if kind == 0:
            data[at:] = b""
        elif kind == 1:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 2 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 3:
            data[at:at] = rng.choice(SPLICES)
        elif kind == 4:
            splice = rng.choice(SPLICES)
            data[at : at + len(splice)] = splice
        elif kind == 5:
            end = at + rng.randrange(1, 60)
            data[at:end] = b"" if rng.random() < 0.5 else data[at:end] * 2
        else:
            other = rng.choice(blobs())
            data[at:] = other[rng.randrange(len(other) + 1) :]
    return bytes(data)


@cache
def blobs() -> list[bytes]:
    """Whole files of each format, and the evil ones that are small."""
    good = [write(evil.state()) for write in (evil.zipped, evil.legacy, evil.tensors)]
    good += [write({"params": evil.state(), "n": 1}) for write in (evil.zipped, evil.legacy)]
    large = ("header of 20 MB", "200,000 entries", "deflated", "10,001 entries")
    bad = [build() for name, (build, _) in evil.EVIL.items() if name not in large]
    runs = list(evil.running(SENTINEL).values())
    return [*good * 12, *(b for b in [*bad, *runs] if len(b) < 100_000)]
