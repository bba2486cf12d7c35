"""Which statements of a script or notebook define a part: it, and everything that it uses.

The rest of a script, such as the call that trains, is not executed in a worker, and does not count
in a part's fingerprint.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from symtable import SymbolTable, symtable

from srbench.core.errors import InputError


def canonical(text: str) -> str:
    """Python without comments and layout."""
    return ast.unparse(ast.parse(text))


@lru_cache(maxsize=64)
def sliced(cells: tuple[str, ...], names: tuple[str, ...]) -> str:
    """The top-level statements that define these names, and those that they need, in that order.

    Of a name that is defined twice the last definition counts. A cell that is not Python is left
    out.

    Raises:
        InputError: a name is not defined at the top level.
    """
    statements = [one for cell in cells for one in _statements(cell)]
    defined = {name: i for i, one in enumerate(statements) for name in _defined(one)}
    order: dict[int, None] = {}

    def add(i: int, above: frozenset[int]) -> None:
        if i in order or i in above:  # or in a circle, as of functions that call each other
            return
        for name in _used(statements[i]):
            if name in defined:
                add(defined[name], above | {i})
        order[i] = None

    for name in names:
        if name not in defined:
            raise InputError(
                f"{name} is not defined at the top level of the script or notebook, so workers "
                "cannot have its source; define it there, or in a file: parts: [my_blocks.py]"
            )
        add(defined[name], frozenset())
    for i, one in enumerate(statements):
        if _registers(one) and set(_used(one)) & set(names):
            add(i, frozenset())
    future = [one for one in statements if _is_future(one)]
    return "\n".join(map(ast.unparse, [*future[:1], *(statements[i] for i in order)]))


def _statements(cell: str) -> Sequence[ast.stmt]:
    try:
        return [one for one in ast.parse(cell).body if not _is_main_guard(one)]
    except SyntaxError:
        return []


def _is_main_guard(one: ast.stmt) -> bool:
    return isinstance(one, ast.If) and "__name__" in ast.unparse(one.test)


def _is_future(one: ast.stmt) -> bool:
    return isinstance(one, ast.ImportFrom) and one.module == "__future__"


def _defined(one: ast.stmt) -> Iterator[str]:
    """The names that a statement defines; of a compound one, those of all its branches."""
    if _is_future(one):
        return
    if isinstance(one, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in one.names)
    elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield one.name
    else:
        for node in ast.walk(one):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif node is not one and isinstance(node, ast.stmt):
                yield from _defined(node)


def _used(one: ast.stmt) -> list[str]:
    """The global names that a statement refers to, those in annotations too."""
    return list(dict.fromkeys(_globals(symtable(ast.unparse(one), "", "exec"))))


def _globals(table: SymbolTable) -> Iterator[str]:
    outer = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (outer or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _globals(inner)


def _registers(one: ast.stmt) -> bool:
    """Whether it is a call such as `attention.register("mine")(Mine)`."""
    if not isinstance(one, ast.Expr):
        return False
    return any(isinstance(n, ast.Attribute) and n.attr == "register" for n in ast.walk(one))
