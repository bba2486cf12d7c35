"""Parts of a user's own without a package: files and sessions that register parts, as source text.

Every process that needs such parts executes the same text: the one that plans a run, and each of
its workers, on other machines too. The files in use are those of one study at a time.
"""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from srbench.core.document import decoded
from srbench.core.errors import InputError, StudyError, UserError, first_line
from srbench.core.part_source import canonical, sliced
from srbench.core.registry import OWN, Part

SESSION = "session_parts"
"""The module that a worker makes of parts that a script or a notebook registers."""


class MissingParts(StudyError):
    """A file of parts is not there, or cannot be read."""


@dataclass(frozen=True)
class PartFile:
    """A module that registers parts: its name, its source, and the file where that was read.

    Without text it is a module of a package, which is imported.
    """

    name: str
    text: str
    file: str = ""

    @property
    def code(self) -> str:
        """The source without comments and layout."""
        return canonical(self.text)


_in_use: dict[str, PartFile] = {}


def read(file: Path) -> PartFile:
    """A file of parts as it is now, not executed.

    Raises:
        StudyError: it is missing, no Python, or its name is another module's.
    """
    if file.suffix in (".yaml", ".yml"):
        raise StudyError("is a study; `srbench plan` checks it", place=str(file))
    try:
        text = decoded(file.read_bytes())
        ast.parse(text)
    except OSError as problem:
        raise MissingParts(f"cannot be read: {problem.strerror}", place=str(file)) from None
    except SyntaxError as problem:
        place = f"{file}:{problem.lineno}"
        raise StudyError(f"is not Python: {problem.msg}", place=place) from None
    except ValueError as problem:  # an encoding, or a null byte
        raise StudyError(f"is not Python: {problem}", place=str(file)) from None
    name = file.stem
    if file.suffix != ".py" or not name.isidentifier():
        says = "a file of parts is a module: letters, digits and _, then .py"
        raise StudyError(says, place=str(file))
    if _is_other_module(name, file):
        raise StudyError(f"{name} is the name of an installed module; rename it", place=str(file))
    return PartFile(name, text, str(file))


def _is_other_module(name: str, file: Path) -> bool:
    loaded = sys.modules.get(name)
    if loaded is not None:
        origin = getattr(loaded, "__file__", None)
    else:
        spec = find_spec(name)
        origin = spec.origin if spec else str(file)
    return origin is None or not Path(origin).exists() or not Path(origin).samefile(file)


def use(files: Sequence[PartFile]) -> None:
    """Register the parts of these files, and no longer those of the files in use before.

    Raises:
        StudyError: a file fails; the message has its name and line.
    """
    if list(files) == list(_in_use.values()):
        return
    from srbench.core import slots

    slots.load()  # so that a name that is taken is reported here
    for name in list(_in_use):
        _forget(name)
    for one in files:
        if one.text:
            _execute(one)
        else:
            _import(one)
        _in_use[one.name] = one


def _execute(one: PartFile) -> None:
    module, place = ModuleType(one.name), one.file or f"<{one.name}>"
    module.__file__ = place
    lines = one.text.splitlines(keepends=True)
    linecache.cache[place] = (len(one.text), None, lines, place)  # tracebacks show its lines
    sys.modules[one.name] = module
    try:
        exec(compile(one.text, place, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as problem:
        _forget(one.name)
        raise _located(problem, place) from problem


def _import(one: PartFile) -> None:
    try:
        import_module(one.name)
    except ImportError as problem:
        message = f"parts of the module {one.name} are registered, and it cannot be imported here"
        raise InputError(f"{message}: {first_line(problem)}") from problem


def line_of(problem: BaseException, part: Part) -> str:
    """`my_blocks.py:7: `, the last line of a part's file that led to a problem; or nothing."""
    place = getattr(sys.modules.get(part.__module__), "__file__", None) or ""
    line = _last_line(problem, place)
    return f"{place}:{line}: " if line else ""


def _last_line(problem: BaseException, place: str) -> int | None:
    frames = traceback.extract_tb(problem.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == place), None)


def _located(problem: BaseException, place: str) -> StudyError:
    """What went wrong in a file of parts, with its line."""
    line = _last_line(problem, place)
    message = str(problem) if isinstance(problem, UserError) else first_line(problem)
    kind = "" if isinstance(problem, UserError) else f"{type(problem).__name__}: "
    return StudyError(f"{kind}{message}", place=f"{place}:{line}" if line else place)


def _forget(name: str) -> None:
    from srbench.core import slots

    for slot in slots.SLOTS.values():
        for part in [one for one, made in slot.parts.items() if made.__module__ == name]:
            for known in (slot.parts, slot.versions, slot.facts):
                known.pop(part, None)
    sys.modules.pop(name, None)
    _in_use.pop(name, None)


def shipped() -> tuple[PartFile, ...]:
    """What a worker executes before it knows the parts of this process: files, then the session's.

    Raises:
        InputError: the source of a part cannot be read.
    """
    found = [one for one in _in_use.values() if one.name not in _session_modules()]
    return (*found, *(_of_session(name, parts) for name, parts in _session_modules().items()))


def is_shipped(part: Part) -> bool:
    """Whether no package brings a part: a file of parts does, or the session."""
    return part.__module__ in _in_use or part.__module__ in _session_modules()


def source(part: Part) -> dict[str, str] | None:
    """Module -> source that decides what a part computes; None for a part of a package."""
    module = part.__module__
    if module == "__main__":
        return {SESSION: sliced(_cells(part.__qualname__), (part.__qualname__,))}
    if module not in _in_use or not _in_use[module].text:
        return None
    names = [module]
    for name in names:  # which grows
        names += [one for one in _imports(_in_use[name].code) if one not in names]
    return {name: _in_use[name].code for name in names}


def _imports(code: str) -> Iterator[str]:
    """The other files in use that a file imports."""
    for node in ast.walk(ast.parse(code)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name in _in_use)


def _session_modules() -> dict[str, list[Part]]:
    """Parts that a script, a notebook or a module that it imports has registered, by module."""
    slots = sys.modules.get("srbench.core.slots")
    found: dict[str, list[Part]] = {}
    for slot in slots.SLOTS.values() if slots else ():
        for name, part in slot.parts.items():
            module = part.__module__
            package = module.split(".")[0]
            own = slot.versions.get(name) or package == OWN or package in _installed()
            if not own and module not in _in_use:
                found.setdefault(module, []).append(part)
    return found


def _of_session(module: str, parts: Sequence[Part]) -> PartFile:
    if module == "__main__":
        names = tuple(dict.fromkeys(part.__qualname__ for part in parts))
        return PartFile(SESSION, sliced(_cells(names[0]), names))
    if "." in module:
        return PartFile(module, "")
    file = getattr(sys.modules.get(module), "__file__", None) or getattr(
        find_spec(module), "origin", None
    )
    if file is None:
        raise InputError(f"the source of {parts[0].__qualname__} cannot be read; {REMEDY}")
    return PartFile(module, _text_of(file, frozenset(parts)), file)


REMEDY = "write it to a file and name that: parts: [my_blocks.py]"


def _cells(name: str) -> tuple[str, ...]:
    """The source of `__main__`: a script's text, or the cells of a notebook so far."""
    main = sys.modules["__main__"]
    cells = getattr(main, "In", None)
    if isinstance(cells, list):
        return tuple(map(str, cells))
    file = getattr(main, "__file__", None)
    if file is None:
        raise InputError(f"the source of {name} cannot be read in this session; {REMEDY}")
    return (_text_of(file, frozenset()),)


@cache
def _text_of(file: str, parts: frozenset[Part]) -> str:
    """A file as this process has executed it: read again if it has registered other objects."""
    return decoded(Path(file).read_bytes())


@cache
def _installed() -> frozenset[str]:
    """The packages that register parts by an entry point: workers load them by themselves."""
    return frozenset(p.module.split(".")[0] for p in entry_points(group="srbench.parts"))
