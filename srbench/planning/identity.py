"""What makes two runs the same run: a digest over everything that decides a weight's bits.

Choice trees, training images, scale, numerics, salt, and the source code of the parts used. The
vocabulary itself (registry, slots) is left out: it decides what may be written, not what is done.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srbench.registry import Part

if TYPE_CHECKING:  # torch comes with it
    from srbench.study import Tree

VOCABULARY = ("srbench", "srbench.registry", "srbench.slots")


def digest(value: Any) -> str:
    """SHA-256 of a plain value, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def source_digest(parts: Iterable[Part]) -> str:
    """SHA-256 of the source of the parts' modules and of what they import of their package.

    Comments, docstrings and blank lines do not count: they change no weight.
    """
    modules: set[str] = set()
    for part in parts:
        modules |= _closure(part.__module__)
    return digest({name: _code_digest(name) for name in sorted(modules)})


def source_of_tree(tree: Tree, *, trained: bool = True) -> str:
    """The digest of the source that decides a run's weights."""
    choices = list(tree.model.choices())
    if trained:
        choices += [c for c in tree.train.choices() if c is not tree.train]
        for key in ("degradation", "augment"):
            value = tree.data[key]
            for choice in value if isinstance(value, tuple) else (value,):
                choices += choice.choices()
    return source_digest(choice.slot.parts[choice.name] for choice in choices)


@cache
def _closure(module: str) -> frozenset[str]:
    found: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in found and name not in VOCABULARY:
            found.add(name)
            todo += _imports(name)
    return frozenset(found)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of its own package (or of srbench) that a module imports."""
    return tuple(_imported(module))


def _imported(module: str) -> Iterator[str]:
    roots = {module.split(".")[0], "srbench"}
    for node in ast.walk(ast.parse(_source(module))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (n for n in names if n.split(".")[0] in roots and _file(n) is not None)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = (_file(module) or Path()).name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


@cache
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


@cache
def _source(module: str) -> str:
    file = _file(module)
    return file.read_text(encoding="utf-8") if file is not None and file.suffix == ".py" else ""


@cache
def _code_digest(module: str) -> str:
    return hashlib.sha256(code_only(_source(module)).encode()).hexdigest()


def _alone(lines: list[str], node: ast.stmt) -> bool:
    """Whether these lines hold nothing but the statement; columns are in bytes."""
    before = lines[0].encode()[: node.col_offset]
    after = lines[-1].encode()[node.end_col_offset :].decode().strip()
    return not before.strip() and (not after or after.startswith("#"))


def code_only(source: str) -> str:
    """Source text without comments, docstrings, blank lines and trailing space."""
    lines = source.splitlines()
    gone: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                rows = range(first.lineno, (first.end_lineno or first.lineno) + 1)
                if _alone(lines[rows[0] - 1 : rows[-1]], first):
                    gone |= set(rows)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    kept = (line.rstrip() for n, line in enumerate(lines, 1) if n not in gone)
    return "\n".join(line for line in kept if line)
