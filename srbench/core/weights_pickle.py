"""The pickle in a file of weights, rewritten so that reading it builds only plain values.

torch's `weights_only` reading runs no code of the file, but it refuses the settings, optimizers
and whole modules that people save with weights, and it lets a file ask for arrays of any size.
Here every name in the pickle that is no tensor's becomes `Unread`, `Items` or `Entries`.
"""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

from srbench.core.errors import InputError

MAX_OPCODES = 500_000
Refused = pickle.UnpicklingError  # what torch's `weights_only` reading raises
RESAVE = "load it where you trust it, and save the network's state_dict() as .safetensors"
TENSORS = {
    *(f"torch._utils _rebuild_{what}" for what in ("parameter", "tensor", "tensor_v2")),
    *(
        f"torch {kind}Storage"
        for kind in (
            "BFloat16", "Bool", "Byte", "Char", "ComplexDouble", "ComplexFloat", "Double",
            "Float", "Half", "Int", "Long", "Short",
        )
    ),
}  # fmt: skip
HARMFUL = {"os", "posix", "nt", "sys", "subprocess", "pty", "runpy", "shutil", "socket", "ctypes"}
CALLS = {"eval", "exec", "compile", "open", "getattr", "__import__"}  # of builtins
UNREADABLE = {
    "torch._utils _rebuild_qtensor": "quantized tensors",
    "torch._utils _rebuild_tensor_v3": "tensors of a type such as float8 or uint16",
}
FILLED = {"APPEND", "APPENDS", "BUILD", "SETITEM", "SETITEMS"}
RECALLS = {"BINGET", "LONG_BINGET"}
STORES = {"BINPUT", "LONG_BINPUT"}
NAMES = {"GLOBAL", "BINPERSID", "APPEND", "APPENDS", "SETITEM", "SETITEMS"}


class Unread:
    """An object of a class that is not read. Its state may contain tensors."""

    state: object = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


class Items:
    """Creates the dictionary for any class whose objects are filled by key."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict[Any, Any]()


class Entries:
    """Creates the list for any class whose objects are filled in order."""

    def __new__(cls, *_: object) -> Any:
        return list[Any]()


class Module:
    """Stands for the class of a module whose program an older file contains."""

    def __new__(cls, *_: object) -> Any:
        return Unread


PLAIN: list[Any] = [(kind, f"srbench.{kind.__name__}") for kind in (Unread, Items, Entries, Module)]
"""For `torch.serialization.safe_globals`."""


class Step(NamedTuple):
    """An opcode of a pickle, its argument and place, and the name and place of what it fills."""

    opcode: str
    value: Any
    at: int
    target: str
    target_at: int


def plain_pickle(stream: BytesIO) -> bytes:
    """The next pickle of a stream, which names nothing but tensors and the classes of `PLAIN`.

    Raises:
        InputError: it names what runs programs, or would take much time or memory.
        ValueError: it is not a pickle.
    """
    start = stream.tell()
    steps = list(_steps(stream))
    content = stream.getvalue()[start : stream.tell()]
    items = {step.target for step in steps if step.opcode in ("SETITEM", "SETITEMS")}
    entries = {step.target for step in steps if step.opcode in ("APPEND", "APPENDS")}
    edits: list[tuple[int, int, bytes]] = []  # from, to, replacement
    for step in steps:
        at = step.at - start
        if step.opcode == "GLOBAL" and step.value not in TENSORS:
            _check_name(step.value)
            kind = Items if step.value in items else Entries if step.value in entries else Unread
            end = content.index(b"\n", content.index(b"\n", at) + 1) + 1
            edits.append((at, end, _named(kind)))
        elif step.opcode == "BINPERSID" and step.target == "module":  # with its class and program
            edits.append((step.target_at - start, step.target_at - start, _named(Module)))
            edits.append((at, at + 1, pickle.REDUCE))
    done, out = 0, list[bytes]()
    for at, end, new in sorted(edits):
        out += [content[done:at], new]
        done = end
    return b"".join([*out, content[done:]])


def _named(kind: type) -> bytes:
    return pickle.GLOBAL + f"srbench\n{kind.__name__}\n".encode()


def _steps(stream: BytesIO) -> Iterator[Step]:
    """The opcodes of a pickle that name, fill or fetch something.

    A value's name is that of the class or function that creates it, a text's the text, a tuple's
    that of its first value. The stack of names follows pickletools' description of each opcode.
    """
    stack, marks, memo = list[_Value](), list[tuple[int, int]](), dict[Any, str]()
    for count, (opcode, value, place) in enumerate(pickletools.genops(stream)):
        kind, at = opcode.name, place or 0
        if count > MAX_OPCODES:
            raise InputError(f"has a pickle of more than {MAX_OPCODES:,} steps")
        if kind == "PROTO" and value != 2:
            raise InputError(f"was saved with pickle protocol {value}; {RESAVE}")
        first: _Value = (value if isinstance(value, str) else "", at, False)
        if kind == "MARK":
            marks.append((len(stack), at))
        elif kind in STORES:
            memo[value] = stack[-1][0] if stack else ""
        elif kind in RECALLS:
            stack.append((memo.get(value, ""), at, True))
        elif opcode.stack_before:
            first, last = _popped(stack, marks, opcode.stack_before) or (first, first)
            if kind == "BUILD" and last[2]:
                raise InputError("copies attributes from one object to another; do not use it")
            stack.append((first[0], first[1], kind in FILLED and first[2]))
        elif opcode.stack_after:
            stack.append(first)
        if kind in NAMES:
            yield Step(kind, value, at, first[0], first[1])


_Value = tuple[str, int, bool]
"""Name of a value, where its opcodes begin, whether it was created earlier."""


def _popped(
    stack: list[_Value], marks: list[tuple[int, int]], kinds: list[Any]
) -> tuple[_Value, _Value] | None:
    """Takes what an opcode needs off the stack: the first and the last value; a tuple's place."""
    taken: list[_Value] = []
    if pickletools.markobject in kinds:
        length, at = marks.pop() if marks else (0, 0)
        taken = [(name, at, old) for name, _, old in stack[length : length + 1]]
        del stack[length:]
        kinds = kinds[: kinds.index(pickletools.markobject)]
    if kinds:
        taken = stack[-len(kinds) :]
        del stack[-len(kinds) :]
    return (taken[0], taken[-1]) if taken else None


def _check_name(name: str) -> None:
    if name in UNREADABLE:
        raise InputError(f"has {UNREADABLE[name]}; save them as float32")
    module, _, called = name.partition(" ")
    builtin = module in ("builtins", "__builtin__") and called in CALLS
    if builtin or module.partition(".")[0] in HARMFUL:
        raise InputError(
            f"asks for {module}.{called}, which can run programs and which weights do not need; "
            "do not use it"[:200]
        )
