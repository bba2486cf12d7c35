"""A pickle of weights, played through with empty hands: which names, which sizes it asks for.

torch's own weights_only reading comes after. This look finds what that one lets pass (tensors
larger than their numbers, storages larger than the file) and says by name what was asked for.
"""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

from srbench.core.errors import InputError, UserError

MAX_OPCODES, MAX_TENSORS = 500_000, 10_000
OPCODES = {  # those that torch's weights_only reader knows
    "PROTO", "STOP", "MARK", "GLOBAL", "NEWOBJ", "REDUCE", "BUILD", "NONE", "NEWFALSE", "NEWTRUE",
    "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "APPEND", "APPENDS", "SETITEM", "SETITEMS", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "BINPERSID", "BINGET", "LONG_BINGET", "BINPUT",
    "LONG_BINPUT",
}  # fmt: skip
ITEM_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1,
    "Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16,
}  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """What one storage of a file claims to hold."""

    key: Any
    count: int
    nbytes: int


@dataclass(frozen=True)
class _Kind:
    nbytes: int


def look_through(stream: BinaryIO) -> dict[Any, Storage]:
    """The storages that a pickle's tensors use; the stream stands after the pickle.

    Raises:
        InputError: a name that weights do not need, or a tensor larger than its storage.
    """
    reader = _Reader(_bounded(stream))
    reader.load()
    return reader.storages


def plain_value(stream: BinaryIO) -> Any:
    """The value of a pickle of numbers, texts, lists and dictionaries."""
    return _Plain(_bounded(stream)).load()


def _bounded(stream: BinaryIO) -> BinaryIO:
    """The same stream, once its next pickle is known to be short and of known steps."""
    start = stream.tell()
    for count, (opcode, _, _) in enumerate(pickletools.genops(stream)):
        if opcode.name not in OPCODES:
            raise InputError(f"has the pickle step {opcode.name}, which weights do not need")
        if count > MAX_OPCODES:
            raise InputError(f"has a pickle of more than {MAX_OPCODES:,} steps")
    stream.seek(start)
    return stream


class _Plain(pickle._Unpickler):  # the one in Python: the other makes room for any memo number
    """Reads no names at all."""

    def find_class(self, module: str, name: str) -> Any:
        raise _unneeded(module, name)


class _Reader(pickle._Unpickler):
    """Finds stand-ins for the few names that weights need."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.storages: dict[Any, Storage] = {}
        self.tensors = 0
        self.known: dict[tuple[str, str], Callable[..., Any] | _Kind] = {
            ("collections", "OrderedDict"): _ordered,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            ("torch._utils", "_rebuild_tensor_v2"): self.tensor,
            **{("torch", f"{name}Storage"): _Kind(size) for name, size in ITEM_BYTES.items()},
        }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.known:
            raise _unneeded(module, name)
        return self.known[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        match pid:
            case ("storage", _Kind() as kind, str(key), str(), int(count)) if count >= 0:
                pass
            case ("storage", _Kind() as kind, str(key), str(), int(count), None) if count >= 0:
                pass
            case _:
                raise InputError("describes its storages in a way that torch.save never does")
        found = Storage(key, count, count * kind.nbytes)
        if self.storages.setdefault(key, found) != found:
            raise InputError(f"describes its storage {key!r:.40} in two ways")
        return found

    def tensor(self, *given: Any) -> tuple[()]:
        """Stands for torch._utils._rebuild_tensor_v2: compares, and builds nothing."""
        self.tensors += 1
        if self.tensors > MAX_TENSORS:
            raise InputError(f"holds more than {MAX_TENSORS:,} tensors")
        match given:
            case (Storage() as storage, int(offset), tuple(size), tuple(stride), *_) if len(
                size
            ) == len(stride) and all(map(_is_size, (offset, *size, *stride))):
                pass
            case _:
                raise InputError("describes a tensor in a way that torch.save never does")
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if 0 not in size and max(prod(size), last + 1) > storage.count:
            shape = "x".join(map(str, size))
            raise InputError(
                f"claims a tensor of {shape:.80} numbers in a storage of {storage.count:,}; "
                "do not use it"
            )
        return ()


def _ordered(*given: Any) -> OrderedDict[Any, Any]:
    if given:
        raise InputError("copies dictionaries, as Python 2 did; load it there and save it anew")
    return OrderedDict()


def _parameter(*given: Any) -> tuple[()]:
    """Stands for a parameter; its tensor was looked at when it was made."""
    return ()


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


def _unneeded(module: str, name: str) -> UserError:
    return InputError(
        f"asks for {module}.{name:.80}, which weights do not need; it may be built to harm. Where "
        "you trust it, load it there and save the network's state_dict() anew"
    )
