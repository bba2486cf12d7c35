"""A scan of the opcodes in a pickle of weights, before torch reads it; nothing is built.

torch's `weights_only` reading runs no code of the file, but it lets a file ask for arrays of any
size, and copy dictionaries without end. The scan accepts what torch.save writes of a state_dict.
"""

from __future__ import annotations

import pickletools
from collections import deque
from typing import BinaryIO

from srbench.core.errors import InputError

MAX_OPCODES, MAX_BUILDS = 500_000, 32
NAMES = {
    "collections OrderedDict", "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_tensor_v2", "torch BFloat16Storage", "torch BoolStorage",
    "torch ByteStorage", "torch CharStorage", "torch ComplexDoubleStorage",
    "torch ComplexFloatStorage", "torch DoubleStorage", "torch FloatStorage", "torch HalfStorage",
    "torch IntStorage", "torch LongStorage", "torch ShortStorage",
}  # fmt: skip
UNUSED = {"EXT1", "EXT2", "EXT4", "INST", "NEWOBJ", "NEWOBJ_EX", "OBJ", "STACK_GLOBAL"}
MEMO = {"BINPUT", "LONG_BINPUT"}
INTEGERS = {"BININT", "BININT1", "BININT2", "LONG1"}
BEFORE = {
    "REDUCE": (  # OrderedDict, _rebuild_parameter, _rebuild_tensor_v2 with hooks or (0.4) None
        ["EMPTY_TUPLE"], ["TUPLE3"], ["EMPTY_TUPLE", "REDUCE", "TUPLE"], ["NONE", "TUPLE"],
    ),
    "BINPERSID": (["INTEGER", "TUPLE"], ["INTEGER", "NONE", "TUPLE"]),  # storages end in a length
    "BUILD": (["SETITEM"], ["SETITEMS"]),  # attributes of a dictionary, never a tensor's new size
}  # fmt: skip
"""What torch.save writes before these opcodes, memo left out."""


def check_pickle(stream: BinaryIO, size: int) -> None:
    """Read past the stream's next pickle; `size` is that of the whole file in bytes.

    Raises:
        InputError: it names, calls or declares what weights do not need.
        ValueError: it is no pickle.
    """
    before: deque[str] = deque(maxlen=3)
    length = builds = 0
    for count, (opcode, value, _) in enumerate(pickletools.genops(stream)):
        name = "INTEGER" if opcode.name in INTEGERS else opcode.name
        if count > MAX_OPCODES:
            raise InputError(f"has a pickle of more than {MAX_OPCODES:,} steps")
        if name == "GLOBAL" and value not in NAMES:
            raise _unneeded(
                f"asks for {str(value).replace(' ', '.'):.80}, which weights do not need"
            )
        if name in UNUSED or not _usual(name, list(before)):
            raise _unneeded(f"has the pickle step {name} where weights do not need it")
        if name == "BINPERSID" and length > size:
            raise InputError(
                f"claims a storage of {length:,} numbers in a file of {size:,} bytes; do not use it"
            )
        builds += name == "BUILD"
        if builds > MAX_BUILDS:
            raise _unneeded(f"sets attributes more than {MAX_BUILDS} times, as weights do not need")
        if name not in MEMO:
            before.append(name)
        if isinstance(value, int) and name == "INTEGER":
            length = value


def _usual(name: str, before: list[str]) -> bool:
    """Whether torch.save writes this opcode after those."""
    return name not in BEFORE or any(before[-len(usual) :] == usual for usual in BEFORE[name])


def _unneeded(what: str) -> InputError:
    return InputError(
        f"{what}; it may be built to harm. Where you trust it, load it there and save the "
        "network's state_dict() again"
    )
