"""Parts by name: what a study may write, and what that builds.

A *slot* is a kind of part that a study chooses: "activation", "attention", "model", "loss".
A *part* is a class or function registered for one slot. Its signature is its schema:

    positional parameters     given by the network           (channels, scale)
    keyword-only parameters   chosen by a study              (typed, with a default)

A *choice* is a part with all its settings: `scse`, or `scse: {reduction: 8}` in YAML.
`setting_types.py` has the types that a setting may have; parts import Range and Positive here.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, TypeVar, get_args, get_type_hints

from srbench.core.errors import Path, StudyError, brief, did_you_mean, unknown
from srbench.core.setting_types import File as File
from srbench.core.setting_types import Folder as Folder
from srbench.core.setting_types import Positive as Positive
from srbench.core.setting_types import Range as Range
from srbench.core.setting_types import checked as checked
from srbench.core.setting_types import known as known
from srbench.core.setting_types import type_name as type_name

OWN = __name__.split(".")[0]  # the package whose parts have versions
Part = Callable[..., Any]
P = TypeVar("P", bound=Part)


@dataclass
class InStudy:
    """What the study that was read last adds to a slot: names, and where its paths count from."""

    names: dict[str, Choice] = field(default_factory=dict)
    folder: Callable[[Path], str] = lambda at: ""  # of the file that has the value at a path

    def found(self, written: str, at: Path) -> str:
        """A path as it is from here; unchanged where it leads somewhere from here alone.

        Without a place in the study it counts from here: an option of the command line has none.
        """
        folder = self.folder(at) if at else ""
        if folder in ("", ".") or os.path.isabs(os.path.expanduser(written)):
            return written
        there = os.path.join(folder, written)
        return written if os.path.exists(written) and not os.path.exists(there) else there


@dataclass(frozen=True)
class Slot:
    """A kind of part, the arguments that a network gives it, and the registered parts."""

    name: str
    about: str = ""
    gives: tuple[str, ...] = ()
    of_path: str = ""  # how a path is written where a part is expected
    parts: dict[str, Part] = field(default_factory=dict, repr=False, compare=False, hash=False)
    versions: dict[str, int] = field(default_factory=dict, repr=False, compare=False, hash=False)
    facts: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, hash=False)
    study: InStudy = field(default_factory=InStudy, repr=False, compare=False, hash=False)

    def register(self, name: str, *, version: int = 1, facts: object = None) -> Callable[[P], P]:
        """Register the decorated class or function under `name`.

        `version` counts changes of what the part computes, of srbench's own parts; a part of
        another package is known by its source, and has version 0. `facts` are what it states of
        itself (`srbench.core.part_facts`), or a function of a choice where settings decide them.

        Raises:
            TypeError: the signature is not a schema, or the name is taken.
        """

        def add(part: P) -> P:
            if name in self.parts and not _redefines(part, self.parts[name]):
                raise TypeError(f"{self.name} {name!r} is registered twice; take another name")
            positional = tuple(p.name for p in _parameters(part) if p.kind is not p.KEYWORD_ONLY)
            if positional != self.gives:
                raise TypeError(
                    f"{self.name} {name}: it is given ({', '.join(self.gives)}), found "
                    f"({', '.join(positional)}); settings stand after a *"
                )
            for p in _parameters(part):  # types are resolved later: a slot may hold itself
                if p.kind is p.KEYWORD_ONLY and (p.default is p.empty or p.annotation is p.empty):
                    raise TypeError(
                        f"{name}: setting {p.name} needs a type and a default ({p.name}: int = 4)"
                    )
            self.parts[name] = part
            self.versions[name] = version if part.__module__.split(".")[0] == OWN else 0
            self.facts.pop(name, None)
            if facts is not None:
                self.facts[name] = facts
            return part

        return add

    def parse(self, written: object, path: Path = ()) -> Choice:
        """Read a choice as written in a study, defaults filled in.

        Raises:
            StudyError: unknown name, unknown setting or a value of the wrong type.
        """
        if isinstance(written, Choice) and written.slot is self:
            return written
        if isinstance(written, str) and written in self.study.names:
            return self.study.names[written]
        name, given = self._named(written, path)
        schema = settings(self.parts[name])
        for key in given:
            known(key, schema, f"{name}: setting", (*path, name, key))
        values = tuple(
            (key, checked(given.get(key, default), hint, (*path, name, key)))
            for key, (hint, default) in schema.items()
        )
        return self._from_here(Choice(self, name, values), given, path)

    def _from_here(self, choice: Choice, given: Iterable[str], path: Path) -> Choice:
        """The choice with its paths as they are from here, labelled as it is written."""
        schema = settings(self.parts[choice.name])
        moved = {
            key: self.study.found(choice[key], path)
            for key in given
            if schema[key][0] in (Folder, File) and choice[key]
        }
        if all(choice[key] == there for key, there in moved.items()):
            return choice
        values = tuple((key, moved.get(key, value)) for key, value in choice.settings)
        return replace(choice, settings=values, label=str(choice))

    def _named(self, written: object, path: Path) -> tuple[str, Mapping[str, Any]]:
        if callable(written):  # a default in a signature: the part itself, or a partial of it
            part = written.func if isinstance(written, partial) else written
            own = [name for name, p in self.parts.items() if p is part]
            if not own:
                raise TypeError(f"{part!r} is a default, and is not registered as {self.name}")
            return own[0], written.keywords if isinstance(written, partial) else {}
        # YAML's null and the part called none mean the same
        name: Any = "none" if written is None else written
        given: Any = {}
        if isinstance(written, Mapping):
            if len(written) != 1:
                keys = ", ".join(map(str, written)) or "nothing"
                raise StudyError(f"one {self.name} is expected here, found {keys}", path)
            [(name, given)] = written.items()
        if isinstance(name, list):
            raise StudyError(f"one {self.name} is expected here, found {brief(name)}", path)
        if self.of_path and self._is_path(name, path):
            plain = re.fullmatch(r"[\w./~+-]+", str(name))
            quoted = name if plain else "'" + str(name).replace("'", "''") + "'"
            raise StudyError(f"{brief(name)} is a path: write {self.of_path.format(quoted)}", path)
        names = {**self.parts, **self.study.names}
        if not isinstance(name, str) or name not in names:
            raise StudyError(unknown(self.name, name, sorted(names)) + self._hint(name), path)
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise StudyError(
                f"settings are written as {{name: value}}, found {brief(given)}", (*path, str(name))
            )
        return str(name), given

    def _hint(self, name: object) -> str:
        """Where else a part of an unknown name may be, unless it looks misspelt."""
        slots = sys.modules.get("srbench.core.slots")
        own = slots is not None and slots.SLOTS.get(self.name) is self
        if not own or did_you_mean(name, [*self.parts, *self.study.names]):
            return ""
        return (
            "; is it in a file of yours? A study names it under parts: [FILE.py], a command by "
            "--parts FILE.py; or is its plug-in not installed?"
        )

    def _is_path(self, name: object, at: Path) -> bool:
        unknown = isinstance(name, str) and name not in self.parts
        return unknown and (os.sep in str(name) or os.path.exists(self.study.found(str(name), at)))


Law = Callable[[Slot, str], None]
Laws = Mapping[str, tuple[Law, ...]]
"""Slot -> what holds for each part of it; a law raises AssertionError with what is wrong."""


@dataclass(frozen=True)
class Choice:
    """A part with every setting filled in: comparable, hashable, and plain data as JSON."""

    slot: Slot
    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    label: str = field(default="", compare=False)  # what the study calls it

    def __getitem__(self, key: str) -> Any:
        return dict(self.settings)[key]

    def build(self) -> Part:
        """The part as a factory, its settings filled in; it takes what the network gives."""
        kwargs = {key: _built(value) for key, value in self.settings}
        part = self.slot.parts[self.name]
        return partial(part, **kwargs) if kwargs else part

    def set(self, path: str, written: object, at: Path = ()) -> Choice:
        """A copy with one setting changed: `choice.set("unit.attention", "scse")`.

        Raises:
            StudyError: the path leads nowhere, or the value does not fit.
        """
        head, _, rest = path.partition(".")
        values, schema = dict(self.settings), settings(self.slot.parts[self.name])
        if head == self.name and head not in schema:
            raise StudyError(f"{head} is the {self.slot.name} itself: leave it out of the path", at)
        if not schema:
            raise StudyError(f"the {self.slot.name} is {self.name}, which has no settings", at)
        known(head, schema, f"{self.name}: setting", at)
        if not rest:
            values[head] = checked(written, schema[head][0], at)
        else:
            values[head] = _set_inside(values[head], schema[head][0], rest, written, at)
        return replace(self, settings=tuple(values.items()), label="")

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, str | int | float | bool | None]]:
        """Every path in the tree with its plain value: ("unit.attention", "scse"), ..."""
        yield prefix or self.slot.name, self.name
        for key, value in self.settings:
            yield from _leaves(value, f"{prefix}.{key}" if prefix else key)

    def choices(self) -> Iterator[Choice]:
        """This choice and every choice inside it."""
        yield self
        for _, value in self.settings:
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, Choice):
                    yield from inner.choices()

    def files(self) -> Iterator[str]:
        """The files that this choice and those inside it name."""
        for choice in self.choices():
            for key, (hint, _) in settings(choice.slot.parts[choice.name]).items():
                if hint == File and choice[key]:
                    yield choice[key]

    def to_json(self) -> Any:
        """The choice as it may be written in a study, every setting named."""
        inner = {key: as_json(value) for key, value in self.settings}
        return {self.name: inner} if inner else self.name

    def __str__(self) -> str:
        """The choice as the study writes it, else with all settings but the default ones."""
        if self.label:
            return self.label
        schema = settings(self.slot.parts[self.name])
        changed = []
        for key, value in self.settings:
            hint, default = schema[key]
            if value != checked(default, hint, ()):
                changed.append(f"{key}: {in_words(value)}")
        return f"{self.name}: {{{', '.join(changed)}}}" if changed else self.name


@cache
def settings(part: Part) -> dict[str, tuple[Any, Any]]:
    """The settings of a part: name -> (type, default), from its keyword-only parameters."""
    hints = get_type_hints(part.__init__ if inspect.isclass(part) else part, include_extras=True)
    return {
        p.name: (hints[p.name], p.default) for p in _parameters(part) if p.kind is p.KEYWORD_ONLY
    }


def in_words(value: object) -> str:
    """A setting's value as a study would write it."""
    if isinstance(value, Choice):
        text = str(value)
        return f"{{{text}}}" if ": {" in text else text
    if isinstance(value, tuple):
        return f"[{', '.join(map(in_words, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _parameters(part: Part) -> list[inspect.Parameter]:
    found = list(inspect.signature(part).parameters.values())
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
        name = getattr(part, "__qualname__", part)
        raise TypeError(f"{name}: *args and **kwargs would hide misspelt settings")
    return found


def _redefines(new: Part, old: Part) -> bool:
    """Whether a part takes the place of its former definition: a cell or module executed again."""
    if new.__module__ != old.__module__ or new.__module__.split(".")[0] == OWN:
        return False
    interactive = new.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__")
    return interactive or new.__qualname__ == old.__qualname__


def _set_inside(old: Any, hint: Any, rest: str, written: object, at: Path) -> Any:
    if isinstance(old, Choice):
        return old.set(rest, written, at)
    if isinstance(old, tuple):
        head, _, deeper = rest.partition(".")
        if not head.isdecimal() or int(head) >= len(old):
            raise StudyError(f"{head!r} is not a place in a list of {len(old)}", at)
        inner = get_args(hint)[0]
        i = int(head)
        new = (
            _set_inside(old[i], inner, deeper, written, at)
            if deeper
            else checked(written, inner, at)
        )
        return (*old[:i], new, *old[i + 1 :])
    raise StudyError(f"{in_words(old)} has no setting {rest!r}", at)


def _built(value: Any) -> Any:
    if isinstance(value, Choice):
        return value.build()
    return tuple(map(_built, value)) if isinstance(value, tuple) else value


def as_json(value: Any) -> Any:
    """A setting's value as plain data."""
    if isinstance(value, Choice):
        return value.to_json()
    return [as_json(v) for v in value] if isinstance(value, tuple) else value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str | int | float | bool | None]]:
    if isinstance(value, Choice):
        yield from value.leaves(path)
    elif isinstance(value, tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{i}")
    else:
        yield path, value
