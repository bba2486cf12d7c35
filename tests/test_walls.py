"""Which room may import which: the table of the structure, executed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "srbench"

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "blocks": {"core"},
    "models": {"core", "blocks"},
    "data": {"core"},
    "train": {"core", "blocks"},
    "analysis": {"core"},
    "measure": {"core", "blocks", "train", "analysis"},
    "study": {"core", "data", "train", "measure", "analysis"},
    "store": {"core", "analysis"},
    "report": {"core", "analysis"},
    "run": {"core", "data", "train", "measure", "study", "store", "analysis", "report"},
    "apply": {"core", "data", "measure", "store"},
    "cli": {"core", "data", "measure", "study", "store", "analysis", "report", "run", "apply"},
    "__main__": {"cli"},
}
FLOORS = 7
ONLY = {  # outside package -> the only rooms, or modules, that know it
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "optuna": {"run.proposals", "run.optuna_file"},
    "optuna_dashboard": {"run.optuna_file"},
    "typer": {"cli"},
    "yaml": {"core.document"},
    "lark": {"analysis.claims_parser"},
    "open_clip": {"blocks.clip"},
}
WORKERS = {
    "run.awake", "run.messages", "run.worker", "run.worker_images",
    "run.worker_scores",
}  # fmt: skip
NEVER_TORCH = {
    "store", "report", "analysis", "run.mirror", "run.mirror_runs",
    "run.optuna_file", "run.proposals", "core.provenance", "study.factors", "study.designs",
}  # fmt: skip
LATE_TORCH = NEVER_TORCH | {
    "cli.main", "run.api", "run.session", "run.shortcut", "study.files", "study.vocabulary",
    "core.devices", "core.resample", "core.streams",
}  # fmt: skip
"""Rooms, and modules by name, imported without torch, as is what they import in turn."""
TORCH = {"torch", "torchvision", "piq", "safetensors"}


def name_of(file: Path) -> str:
    parts = file.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(HOUSE.rglob("*.py"))}


def room(module: str) -> str:
    """srbench.train.fit -> train; the package itself is no room."""
    return module.split(".")[1] if "." in module else ""


def among(names: set[str]) -> list[str]:
    """The modules of these rooms, or of these names."""
    return [m for m in FILES if belongs(m, names)]


def belongs(module: str, names: set[str]) -> bool:
    return room(module) in names or module.removeprefix("srbench.") in names


def statements(node: ast.AST, *, late: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements below a node; without `late` those that importing the file executes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif late or not is_late(child):
            yield from statements(child, late=late)


def is_late(node: ast.AST) -> bool:
    """Whether importing the file leaves this out: a function's body, or a guard for types."""
    guard = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return guard or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


@cache
def imports(module: str, *, late: bool = True) -> set[str]:
    """The modules that a file imports, in full: ours to the file, others by package."""
    found: set[str] = set()
    for node in statements(ast.parse(FILES[module].read_text(encoding="utf-8")), late=late):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            assert node.level == 0, f"{module}: a relative import hides where it goes"
            base = node.module or ""
            inner = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in FILES else base for name in inner]
        found |= {n if n.split(".")[0] == "srbench" else n.split(".")[0] for n in names}
    return found


def reached(module: str, *, late: bool) -> set[str]:
    """Everything that a module imports, through other modules of ours and their packages."""
    found: set[str] = set()
    todo = {module}
    while todo:
        name = todo.pop()
        found.add(name)
        if name in FILES:
            parents = {".".join(name.split(".")[:k]) for k in range(1, name.count(".") + 1)}
            todo |= (imports(name, late=late) | parents) - found
    return found


def test_the_table_names_every_room_and_no_other() -> None:
    assert {room(module) for module in FILES} - {""} == set(ALLOWED)


def test_arrows_point_one_way_over_few_floors() -> None:
    floors: dict[str, int] = {}
    for name in TopologicalSorter(ALLOWED).static_order():  # raises CycleError
        floors[name] = 1 + max((floors[below] for below in ALLOWED[name]), default=0)
    assert floors["cli"] <= FLOORS


@pytest.mark.parametrize("module", FILES)
def test_a_file_imports_only_what_its_room_may(module: str) -> None:
    ours = {room(name) for name in imports(module) if name.split(".")[0] == "srbench"}
    assert ours - {room(module), ""} <= ALLOWED.get(room(module), set())


@pytest.mark.parametrize("module", FILES)
def test_a_package_is_known_only_in_its_room(module: str) -> None:
    known = {package for package in imports(module) if package in ONLY}
    assert [package for package in known if not belongs(module, ONLY[package])] == []


@cache
def declared() -> tuple[set[str], set[str]]:
    """The distributions that every installation has, and those of extras for users."""
    project = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [
        one for name, of in project["optional-dependencies"].items() if name != "test" for one in of
    ]
    return (
        {re.split(r"[^\w-]", one)[0].lower() for one in project["dependencies"]},
        {re.split(r"[^\w-]", one)[0].lower() for one in extras},
    )


@pytest.mark.parametrize("late", [False, True])
def test_what_is_imported_is_declared(late: bool) -> None:
    """Packages of extras are imported where they are used, so that srbench works without them."""
    always, extras = declared()
    known = always | extras if late else always
    sources = packages_distributions()  # without a package of extras that is not installed
    others = {name for module in FILES for name in imports(module, late=late)}
    others -= {*FILES, *sys.stdlib_module_names}
    names = {o: {d.lower().replace("_", "-") for d in sources.get(o, [o])} for o in others}
    assert [other for other in sorted(others) if known.isdisjoint(names[other])] == []


def test_no_file_imports_itself_by_a_detour() -> None:
    """Imports inside functions and under TYPE_CHECKING count: none may hide a cycle."""
    graph = {module: imports(module) & FILES.keys() - {module} for module in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("module", among({"train", "data", "measure", *WORKERS}))
def test_what_trains_and_measures_never_reaches_the_store(module: str) -> None:
    assert {room(m) for m in reached(module, late=True)}.isdisjoint({"store", "report"})


@pytest.mark.parametrize("module", among(NEVER_TORCH))
def test_these_rooms_never_meet_torch(module: str) -> None:
    assert reached(module, late=True).isdisjoint(TORCH)


@pytest.mark.parametrize("module", among(LATE_TORCH))
def test_these_rooms_are_imported_without_torch(module: str) -> None:
    assert reached(module, late=False).isdisjoint(TORCH)


def test_torch_is_late_in_a_real_process() -> None:
    """Also through packages of others, which the table cannot see."""
    late = [m for m in among(LATE_TORCH) if ".migrations" not in m]
    code = f"import sys, {', '.join(late)}; print(sorted({TORCH!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
