"""Files of weights as nobody should get them: built to run code, to fill memory, to mislead.

Each builder returns bytes. Those of PICKLES would create a file named by `sentinel` if anything
in them ran.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from zlib import crc32

import safetensors.torch
import torch

LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def state() -> dict[str, torch.Tensor]:
    """A small network's weights."""
    numbers = torch.arange(24.0)
    return OrderedDict(
        {"body.weight": numbers.reshape(2, 3, 4), "body.bias": torch.ones(3), "n": torch.tensor(7)}
    )


def zipped(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def legacy(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def tensors(value: dict[str, torch.Tensor]) -> bytes:
    return safetensors.torch.save(value)


class Reduced:
    """Pickled, it is a call; unpickled, that call is made."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call = (call, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def repacked(content: bytes, change: Callable[[dict[str, bytes]], None], **how: Any) -> bytes:
    """A zip file with its entries changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    change(entries)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **how) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def with_pickle(payload: bytes) -> bytes:
    """A zip file of torch's with another pickle in it."""
    return repacked(zipped(state()), lambda entries: entries.update({"archive/data.pkl": payload}))


def calls(sentinel: str) -> dict[str, bytes]:
    """Pickles that would run something, protocol 2 as torch writes them."""
    touch = f"touch '{sentinel}'"
    made = {
        "os.system": Reduced(os.system, touch),
        "eval": Reduced(eval, f"open({sentinel!r}, 'w')"),
        "torch.load": Reduced(torch.load, sentinel),
        "inside a tensor's place": {"weight": Reduced(os.system, touch)},
        "below params": {"params": {"weight": Reduced(os.system, touch)}},
    }
    written = {name: pickle.dumps(value, 2) for name, value in made.items()}
    hand = f"cposix\nsystem\n(V{touch}\ntR.".encode()
    written["protocol 0 by hand"] = hand
    written["stack global"] = pickle.dumps(Reduced(os.system, touch), 4)
    written["a builtin by another name"] = (
        b"\x80\x02c__builtin__\neval\nq\x00X\x01\x00\x00\x001\x85R."
    )
    written["inst"] = f"(S'{touch}'\niposix\nsystem\n.".encode()
    written["obj"] = b"(cposix\nsystem\nS'" + touch.encode() + b"'\no."
    written["extension registry"] = b"\x80\x02\x82\x01."
    written["torch._utils by dots"] = b"\x80\x02ctorch\n_utils.os.system\nX\x01\x00\x00\x00x\x85R."
    return written


def running(sentinel: str) -> dict[str, bytes]:
    """The same pickles as whole files, of both of torch's formats."""
    files: dict[str, bytes] = {}
    for name, payload in calls(sentinel).items():
        files[f"zip: {name}"] = with_pickle(payload)
        plain = pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)
        files[f"older: {name}"] = LEGACY_START + b"".join(plain) + payload + pickle.dumps([], 2)
        files[f"bare: {name}"] = payload
    return files


def header(value: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file of a header as written here."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape: list[int], ends: list[int]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": ends}


def wide() -> bytes:
    """One number, said to be 2**40 of them: each step is 0 long."""
    return zipped({"weight": torch.zeros(1).expand(2**40)})


def claimed(numbers: int = 2**31 - 1) -> bytes:
    """A storage declared with other numbers than the 300 in it."""

    def swell(entries: dict[str, bytes]) -> None:
        entries["archive/data.pkl"] = swollen(entries["archive/data.pkl"], numbers)

    return repacked(zipped({"weight": torch.zeros(300)}), swell)


def swollen(content: bytes, numbers: int) -> bytes:
    return content.replace(
        pickle.BININT2 + struct.pack("<H", 300), pickle.BININT + struct.pack("<i", numbers)
    )


def grown() -> bytes:
    """A tensor that takes a new storage, and then another size."""
    size = pickle.BININT + struct.pack("<i", 2**29)
    more = b"q\x0d)b(h\x0dK\x00" + size + b"\x85K\x01\x85tbs."
    return legacy({"weight": torch.zeros(300)}).replace(b"q\x0ds.", more)


def hidden(content: bytes) -> bytes:
    """The same pickle, its storages described before another number."""
    old, new = b"q\x07Q", b"q\x07K\x01h\x07Q"
    assert old in content
    return content.replace(old, new)


def claimed_legacy(numbers: int = 2**31 - 1) -> bytes:
    return swollen(legacy({"weight": torch.zeros(300)}), numbers)


def by_hand(count: int, name: bytes, data: bytes = b"", *, bodies: int) -> bytes:
    """A zip file of so many entries, written by hand, for zipfile would take minutes or refuse.

    The entries stand for the first `bodies` local files in turn.
    """
    local, directory, places = bytearray(), bytearray(), []
    for n in range(count):
        own = name % n
        facts = struct.pack("<5H3LH", 20, 0, 0, 0, 33, crc32(data), len(data), len(data), len(own))
        if n < bodies:
            places.append(len(local))
            local += b"PK\3\4" + facts + bytes(2) + own + data
        place = struct.pack("<L", places[n % bodies])
        directory += b"PK\1\2\x14\0" + facts + bytes(12) + place + own
    wide_end = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), len(local)
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(local) + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), len(local), 0)
    return bytes(local + directory + wide_end + locator + end)


def crowded(count: int) -> bytes:
    """Very many empty entries."""
    return by_hand(count, b"%06x", bodies=count)


def doubled() -> bytes:
    """Two entries of one name: which of them is read?"""
    file = io.BytesIO(zipped(state()))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    return file.getvalue()


def overlapping() -> bytes:
    """Many entries that all stand for the same bytes."""
    return by_hand(500, b"archive/data/%d", bytes(4096), bodies=1)


NAMES = (b"_metadata", b"items")


def shadowed() -> bytes:
    """An OrderedDict whose attribute `items` hides its method."""
    found = state()
    found.__dict__["_metadata"] = 3
    attribute, other = (pickle.BINUNICODE + struct.pack("<I", len(n)) + n for n in NAMES)
    return repacked(
        zipped(found),
        lambda entries: entries.update(
            {"archive/data.pkl": entries["archive/data.pkl"].replace(attribute, other)}
        ),
    )


def many_steps() -> bytes:
    return with_pickle(b"\x80\x02" + b"N" * 600_000 + b"}.")


def memo() -> bytes:
    """Asks the reader for a table of four thousand million rows."""
    return with_pickle(b"\x80\x02}r\xff\xff\xff\xff.")


def copied() -> bytes:
    """A dictionary of 20,000 values, given 5,000 times to a class that copies it."""
    large = b"}q\x01(" + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(20_000)) + b"u"
    many = b"ccollections\nOrderedDict\nq\x02]q\x03(" + b"h\x02h\x01\x85R" * 5_000 + b"e."
    return with_pickle(b"\x80\x02" + large + many)


def attributes() -> bytes:
    """The same dictionary as the attributes of many objects."""
    large = b"}q\x01(" + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(20_000)) + b"u"
    one = b"ccollections\nOrderedDict\n)Rh\x01NNsb"
    return with_pickle(b"\x80\x02]q\x03(" + large + one * 5_000 + b"e.")


def laughs() -> bytes:
    """Nine lists, each ten times the one before."""
    lists = b"".join(b"]q%c(" % n + b"h%c" % (n - 1) * 10 + b"e" for n in range(2, 11))
    return with_pickle(b"\x80\x02]q\x01(NNNe" + lists + b".")


def large_array() -> bytes:
    return with_pickle(b"\x80\x05\x96" + struct.pack("<Q", 2**36) + b"x.")


def deflated() -> bytes:
    """1,000 times as large once it is unpacked."""
    plain = zipped({"weight": torch.zeros(16 * 2**20 // 4)})
    return repacked(plain, lambda entries: None, compression=zipfile.ZIP_DEFLATED)


EVIL: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "one byte": (lambda: b"\x80", "a pickle that torch.save did not write"),
    "text": (lambda: b"weights of mine\n" * 9, "is neither a .safetensors file nor"),
    "a web page": (lambda: b"<!DOCTYPE html><title>404</title>", "is a web page"),
    "a pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid 1", "git lfs pull"),
    "gzip": (lambda: b"\x1f\x8b\x08\x00" + bytes(40), "unpack it first"),
    "an image": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), "is an image"),
    "tar": (lambda: b"sys_info" + bytes(92) + b"0000644\0" + bytes(9000), ""),
    "numpy archive": (
        lambda: repacked(zipped({}), lambda e: (e.clear(), e.update({"a.npy": b"x"}))[0]),
        "is an archive of NumPy arrays",
    ),
    "TorchScript": (
        lambda: repacked(zipped({}), lambda e: e.update({"archive/constants.pkl": b"x"})),
        "is a TorchScript program without named tensors",
    ),
    "deflated": (deflated, "is compressed or encrypted"),
    "200,000 entries": (lambda: crowded(200_000), "an archive of 200,000 entries"),
    "10,001 entries": (lambda: crowded(10_001), "an archive of 10,001 entries"),
    "a name twice": (doubled, "'archive/data.pkl' twice"),
    "entries that overlap": (overlapping, "claims to unpack to more than it holds"),
    "a cut zip": (lambda: zipped(state())[:-40], "is damaged"),
    "a cut older file": (lambda: legacy(state())[:-40], "numbers that are not in it"),
    "a flipped bit": (lambda: _flipped(zipped({"w": torch.zeros(999)})), "Bad CRC-32"),
    "a wide tensor": (wide, "claims 1,099,511,627,776 numbers that are not in the file"),
    "a storage too large": (claimed, "is damaged"),
    "an older storage too large": (claimed_legacy, "claims numbers that are not in it"),
    "a hidden storage": (lambda: hidden(claimed_legacy()), "claims numbers that are not in it"),
    "a storage larger than its entry": (lambda: claimed(310), "is damaged"),
    "an older storage too small": (lambda: claimed_legacy(290), "is damaged"),
    "a byte array": (
        lambda: with_pickle(b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R."),
        "contains no named tensors",
    ),
    "a copied dictionary": (copied, "contains no named tensors"),
    "copied attributes": (attributes, "copies attributes"),
    "a tensor that grows": (grown, "numbers that are not in the file"),
    "lists of lists": (laughs, "contains more than 200,000 values"),
    "big-endian": (
        lambda: repacked(zipped(state()), lambda e: e.update({"archive/byteorder": b"big"})),
        "another byte order",
    ),
    "protocol 4": (
        lambda: with_pickle(pickle.dumps({"a": 1}, 4)), "was saved with pickle protocol 4",
    ),
    "many steps": (many_steps, "a pickle of more than 500,000 steps"),
    "a large memo": (memo, "contains no named tensors"),
    "a large array": (large_array, "pickle protocol 5"),
    "one tensor": (lambda: zipped(torch.zeros(2)), "contains no named tensors"),
    "nothing": (lambda: zipped({}), "contains no named tensors"),
    "numbers": (
        lambda: zipped({"epoch": 3, "lr": 0.1}), "contains no named tensors (its keys: epoch, lr)",
    ),
    "sparse": (lambda: zipped({"w": torch.eye(3).to_sparse()}), "contains no named tensors"),
    "a name of two": (
        lambda: zipped({"a": {"b.c": torch.ones(1)}, "a.b": {"c": torch.ones(1)}}),
        "two tensors of the name 'a.b.c'",
    ),
    "ONNX": (lambda: b"\x08\x08\x12\x07pytorch" + bytes(9), "an ONNX program"),
    "header of 20 MB": (
        lambda: header(b"{" + b" " * 20_000_000 + b"}"), "header of 20,000,002 bytes",
    ),
    "header beyond": (lambda: header({}, length=3_000_000), "is damaged"),
    "header of no JSON": (lambda: header(b"{'a': 1}"), "is damaged"),
    "header of brackets": (lambda: header(b'{"a":' + b"[" * 300_000), "is damaged"),
    "header of 10,001": (
        lambda: header({str(n): entry([0], [0, 0]) for n in range(10_001)}), "names 10,001 tensors",
    ),
    "header with a name twice": (
        lambda: header(b'{"a": {"dtype":"F32","shape":[0],"data_offsets":[0,0]}, "a": 1}'),
        "'a' twice",
    ),
    "offsets beyond": (lambda: header({"a": entry([99], [0, 396])}, bytes(8)), "is damaged"),
    "2**40 numbers": (lambda: header({"a": entry([2**40], [0, 8])}, bytes(8)), "is damaged"),
    "a hole": (lambda: header({"a": entry([1], [4, 8])}, bytes(8)), "is damaged"),
}  # fmt: skip


def _flipped(content: bytes) -> bytes:
    """One bit of the numbers is another."""
    at = content.index(bytes(2000)) + 999
    return content[:at] + b"\x01" + content[at + 1 :]
