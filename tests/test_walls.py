"""Who may import whom: this table is the plan of the house, and it is executed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "srbench"

PARTS = {
    "registry",
    "slots",
    "layers",
    "outputs",
    "streams",
    "resample",
    "resized",
    "scales",
}  # what parts are made with
ALLOWED: dict[str, set[str]] = {
    # values and vocabulary
    "registry": set(),
    "layers": set(),
    "outputs": {"resized"},
    "streams": set(),
    "scales": set(),
    "resample": set(),
    "resized": {"resample"},
    "csv_text": set(),
    "space": set(),
    "history": set(),
    "results": {"csv_text", "files", "history", "registry"},
    "files": {"registry"},
    "cache": set(),
    "places": set(),
    "document": {"registry"},
    "slots": {"registry", "layers"},
    "designs": {"registry"},
    "machine": {"registry"},
    "signals": set(),
    "keepers": set(),
    # parts, and what is done with them
    "blocks": PARTS | {"frozen"},
    "frozen": {"registry", "weights"},
    "models": PARTS | {"blocks", "frozen"},
    "data": PARTS,
    "measure": PARTS | {"document", "frozen", "machine", "weights"},
    "train": PARTS | {"files", "frozen", "machine"},
    "weights": {"registry"},
    "conformance": PARTS | {"document", "measure", "train"},
    "study": PARTS | {
        "document", "designs", "data", "history", "measure", "published", "space", "stats",
        "train",
    },
    "planning": PARTS | {"cache", "data", "machine", "measure", "stats", "study", "train",
                         "weights"},
    "workers": PARTS | {
        "data", "files", "machine", "measure", "places", "planning", "signals", "stats", "study",
        "train", "weights",
    },
    "latency": PARTS | {"data", "machine", "measure", "stats", "study", "train"},
    "networks": PARTS | {"data", "document", "files", "machine", "measure", "weights"},
    "verify": PARTS | {"data", "measure", "networks"},
    "published": {"registry", "document"},
    # what was measured, and what is said about it
    "store": {"history", "published", "registry", "csv_text", "files", "places", "results"},
    "stats": set(),
    "report": {"history", "registry", "csv_text", "files", "results", "space", "stats"},
    "tune": {"history", "registry", "space"},
    "mirror": {
        "history", "keepers", "registry", "places", "results", "space", "store", "tune", "report",
    },
    "importance": {"history", "results", "space", "store", "tune"},
    # where training meets the store, and the commands
    "stale": PARTS | {
        "cache", "results", "shortcut", "planning", "study", "data", "train", "store",
    },
    "estimate": PARTS | {"machine", "planning", "stale", "store", "study", "train"},
    "running": PARTS | {
        "data", "designs", "estimate", "keepers", "latency", "machine", "measure", "mirror",
        "places", "planning", "report", "results", "shortcut", "signals", "space", "history",
        "stale", "stats", "store", "study", "terminal", "train", "tune", "workers",
    },
    "shortcut": {"machine", "planning"},
    "vocabulary": {"cache", "planning", "registry", "slots", "data", "study", "train"},
    "terminal": {
        "csv_text", "data", "estimate", "machine", "networks", "registry", "signals", "slots",
        "stale", "stats", "store", "study", "verify",
    },
    "commands": {
        "cache", "data", "document", "files", "importance", "latency", "machine", "measure",
        "mirror", "networks", "planning", "published", "registry", "report", "results", "running",
        "shortcut", "slots", "stale", "store", "study", "terminal", "tune", "verify", "vocabulary",
    },
    "cli": {"commands", "signals", "registry"},
    "__main__": {"cli"},
}  # fmt: skip
ONLY = {  # outside package -> the only rooms that know it
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "optuna": {"tune"},
    "optuna_dashboard": {"tune"},
    "typer": {"cli", "commands"},
    "yaml": {"document"},
    "open_clip": {"frozen"},
}
TRAINING = {"train", "workers"}
CROSSING = {"running", "estimate", "stale"}  # the only ones to know both
NEVER_TORCH = {
    "store", "report", "stats", "designs", "results", "mirror", "tune", "machine.provenance",
}  # fmt: skip
LATE_TORCH = NEVER_TORCH | {
    "cli", "commands", "running.session", "shortcut", "vocabulary", "registry", "document",
    "machine.devices", "planning.identity", "streams", "resample",
}  # fmt: skip
"""Rooms, and modules by name, that are imported without torch: help does not wait for it."""
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
    return [m for m in FILES if room(m) in names or m.removeprefix("srbench.") in names]


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


def test_arrows_point_one_way() -> None:
    TopologicalSorter(ALLOWED).prepare()  # raises CycleError


@pytest.mark.parametrize("module", FILES)
def test_a_file_imports_only_what_its_room_may(module: str) -> None:
    ours = {room(name) for name in imports(module) if name.split(".")[0] == "srbench"}
    assert ours - {room(module), ""} <= ALLOWED.get(room(module), set())


@pytest.mark.parametrize("module", FILES)
def test_a_package_is_known_only_in_its_room(module: str) -> None:
    known = {package for package in imports(module) if package in ONLY}
    assert [package for package in known if room(module) not in ONLY[package]] == []


def test_no_file_imports_itself_by_a_detour() -> None:
    """Imports inside functions and under TYPE_CHECKING count: none may hide a cycle."""
    graph = {module: imports(module) & FILES.keys() - {module} for module in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_training_meets_the_store_in_one_place() -> None:
    crossing = {room for room, known in ALLOWED.items() if "store" in known and known & TRAINING}
    assert crossing == CROSSING


@pytest.mark.parametrize("module", [m for m in FILES if room(m) in ("train", "data", "measure")])
def test_training_data_and_measuring_never_reach_the_store(module: str) -> None:
    assert {room(m) for m in reached(module, late=True)}.isdisjoint({"store", "report", "running"})


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
