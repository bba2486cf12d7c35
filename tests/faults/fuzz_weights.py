"""Weights gone wrong: each format with bytes changed, cut, doubled or swapped."""

from __future__ import annotations

import pickle
import struct
from functools import cache
from pathlib import Path

import evil_weights as evil
from fuzz import damaged, of_file
from hypothesis import strategies as st

from srbench.core.errors import UserError
from srbench.core.weights import load_weights

SENTINEL = "ran"
SPLICES = [
    b"\xff" * 4, bytes(8), b"\x7f\xff\xff\xff", struct.pack("<Q", 2**40),
    struct.pack("<Q", 2**63), b"cposix\nsystem\n", b"(V" + b"touch ran" + b"\ntR", b"PK\x05\x06",
    b"PK\x01\x02", b"}", b"[" * 99, pickle.LONG_BINPUT + b"\xff" * 4,
    pickle.BININT + b"\xff\xff\xff\x7f", pickle.LONG1 + b"\xff" * 256,
    pickle.BYTEARRAY8 + b"\xff" * 8, pickle.BINUNICODE8 + b"\xff\xff\xff\x7f" + bytes(4),
    b'"shape":[1099511627776]', b'"data_offsets":[0,-1]', b"..../", b"\x80\x05", pickle.STOP,
]  # fmt: skip


def check(content: bytes, folder: Path) -> str:
    """Load the case as weights; the refusal, or nothing."""
    file = folder / "weights.pth"
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
    cause = error.__cause__
    if cause is not None and cause.__traceback__ is not None:
        last = cause.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        where = last.tb_frame.f_code.co_filename
        assert "srbench" not in Path(where).parts, f"{type(cause).__name__} in {where}: {cause}"
    return of_file(error, file)


@cache
def blobs() -> list[bytes]:
    """Whole files of each format, and the evil ones that are small."""
    good = [write(evil.state()) for write in (evil.zipped, evil.legacy, evil.tensors)]
    good += [write({"params": evil.state(), "n": 1}) for write in (evil.zipped, evil.legacy)]
    large = ("header of 20 MB", "200,000 entries", "deflated", "10,001 entries")
    bad = [build() for name, (build, _) in evil.EVIL.items() if name not in large]
    runs = list(evil.running(SENTINEL).values())
    return [*good * 12, *(b for b in [*bad, *runs] if len(b) < 100_000)]


CASES = st.deferred(lambda: damaged(blobs(), SPLICES))
