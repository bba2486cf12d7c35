"""What makes two runs the same run: a digest over everything that decides a weight's bits.

srbench's own parts count by their version, a number that rises where their output changes and that
golden numbers hold [tests/test_golden.py]; so a refactoring, a rename or a moved file makes no run
another one. Parts of others count by their source.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srbench.core import part_files
from srbench.core.registry import Choice

if TYPE_CHECKING:  # torch comes with it
    from srbench.study.tree import Tree


def digest(value: Any) -> str:
    """SHA-256 of a plain value, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def versions(choices: Iterable[Choice]) -> dict[str, int | str]:
    """The version of each part that is chosen: `{"attention scse": 1}`."""
    return {
        f"{one.slot.name} {one.name}": one.slot.versions[one.name] or _source_digest(one)
        for one in choices
    }


def versions_of_tree(tree: Tree, *, trained: bool = True) -> str:
    """The digest of the versions of the parts that decide a run's weights."""
    return digest(versions(deciding(tree, trained=trained)))


def deciding(tree: Tree, *, trained: bool = True) -> list[Choice]:
    """The parts that decide a run's weights."""
    choices = list(tree.model.choices())
    if trained:
        choices += [c for c in tree.train.choices() if c is not tree.train]
        for key in ("degradation", "augment"):
            value = tree.data[key]
            for choice in value if isinstance(value, tuple) else (value,):
                choices += choice.choices()
    return choices


def code_digest() -> str:
    """A digest of the sources of srbench, of plug-ins, and of the files of parts in use.

    For caches between commands, and to detect that code has changed since a study ran.
    """
    shipped = part_files.shipped()
    more = [[one.name, one.text] for one in shipped]
    return digest([installed_digest(), more]) if shipped else installed_digest()


@cache
def installed_digest() -> str:
    """A digest of the source files of srbench and of plug-ins, as this process began with them."""
    folder = Path(__file__).parents[1]
    own = [[str(p.relative_to(folder)), _file_digest(p)] for p in _sources(folder)]
    return digest([own, sorted(_plugins())])


def _plugins() -> Iterator[str]:
    for plugin in entry_points(group="srbench.parts"):
        spec = find_spec(plugin.module.split(".")[0])
        file = Path(spec.origin) if spec and spec.origin else None
        package = file is not None and file.name == "__init__.py"
        files = _sources(file.parent) if file and package else [file] if file else []
        yield f"{plugin.value} {[_file_digest(f) for f in files]}"


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _file_digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _source_digest(choice: Choice) -> str:
    """Of the file that defines a part of others, and of what it imports of its package.

    Comments and layout make no difference.
    """
    part = choice.slot.parts[choice.name]
    if (source := part_files.source(part)) is not None:
        return digest(source)
    names = [part.__module__]
    for name in names:  # which grows
        names += [one for one in _imports(name) if one not in names]
    return digest({name: _code(file) for name in names if (file := _file(name))})


def _code(file: Path) -> str:
    return ast.unparse(ast.parse(file.read_bytes())) if file.suffix == ".py" else _file_digest(file)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of its own package that a module imports."""
    return tuple(_imported(module))


def _imported(module: str) -> Iterator[str]:
    file, root = _file(module), module.split(".")[0]
    if file is None or file.suffix != ".py":
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (n for n in names if n.split(".")[0] == root and _file(n) is not None)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = (_file(module) or Path()).name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    if loaded is not None:
        name = getattr(loaded, "__file__", None)
        return Path(name) if name else None
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None
