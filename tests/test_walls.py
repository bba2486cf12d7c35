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
    "scales",
}  # what parts are made with
ALLOWED: dict[str, set[str]] = {
    # values and vocabulary
    "registry": set(),
    "layers": set(),
    "outputs": {"resample"},
    "streams": set(),
    "scales": set(),
    "resample": set(),
    "csv_text": set(),
    "space": set(),
    "history": set(),
    "results": {"csv_text", "files", "history", "registry"},
    "files": {"registry"},
    "cache": set(),
    "places": set(),
    "provenance": set(),
    "document": {"registry"},
    "identity": {"registry"},
    "slots": {"registry", "layers"},
    "designs": {"registry"},
    # parts, and what is done with them
    "blocks": PARTS | {"clip", "extractors"},
    "extractors": {"registry", "weights"},
    "clip": {"registry", "weights", "extractors"},
    "models": PARTS | {"blocks", "extractors"},
    "data": PARTS,
    "measure": PARTS | {"clip", "document", "extractors", "weights"},
    "train": PARTS | {"files", "extractors"},
    "weights": {"registry"},
    "conformance": PARTS | {"document", "measure", "train"},
    "study": PARTS | {
        "document", "designs", "data", "history", "measure", "published", "space", "stats",
        "train",
    },
    "twins": {"registry", "study", "measure", "stats"},
    "batches": PARTS | {"study", "data", "train"},
    "decoding": {"cache", "data", "identity", "registry", "study"},
    "plan": PARTS | {
        "weights", "batches", "decoding", "cache", "identity", "threads", "study", "twins",
        "data", "measure", "train",
    },
    "messages": PARTS | {"study", "data", "train"},
    "worker": PARTS | {
        "signals",
        "files", "places", "messages", "study", "batches", "data", "measure", "train", "stats",
    },
    "devices": {"registry", "provenance"},
    "threads": set(),
    "occupancy": {"registry"},
    "latency": PARTS | {"occupancy", "data", "measure", "stats", "study", "train"},
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
    "records": {
        "designs", "measure", "results", "study", "plan", "train", "store",
    },
    "seats": {"signals", "worker", "store"},
    "assignments": {"places", "provenance", "plan", "devices", "messages", "worker", "store"},
    "bench": {"registry", "plan", "messages", "seats", "assignments", "store"},
    "search": {
        "decoding", "history", "latency", "occupancy", "plan", "records", "registry", "space",
        "store", "study", "timed", "tune",
    },
    "estimate": {"outputs", "stale", "streams", "study", "threads", "plan", "train", "store"},
    "timed": {
        "registry", "provenance", "devices", "latency", "study", "plan", "stats", "store",
    },
    "reproduce": PARTS | {
        "decoding", "study", "plan", "data", "train", "devices", "messages", "seats", "store",
    },
    "shortcut": {"provenance"},
    "signals": set(),
    "keepers": set(),
    "vocabulary": {"cache", "registry", "slots", "shortcut", "data", "train"},
    "terminal": {
        "signals", "stale",
        "stats", "study", "registry", "csv_text", "slots", "data", "provenance", "store",
        "estimate", "scored", "verify",
    },
    "stale": PARTS | {
        "cache", "identity", "results", "shortcut", "plan", "study", "data", "train", "store",
    },
    "looks": {"store", "report"},
    "session": {
        "stale",
        "registry", "report", "looks", "keepers", "signals", "shortcut", "study", "plan", "store",
        "devices", "records", "bench", "mirror", "search", "terminal", "estimate", "occupancy",
    },
    "scored": PARTS | {"document", "data", "measure", "weights"},
    "verify": PARTS | {"data", "measure", "scored"},
    "networks": PARTS | {"document", "weights", "measure"},
    "schema": PARTS | {"data", "designs", "measure", "study", "train"},
    "starter": {"registry", "document", "slots", "study"},
    "exported": {"registry", "files", "networks"},
    "upscale": PARTS | {"outputs", "networks", "data", "measure"},
    "commands": {
        "stale",
        "importance",
        "registry", "document", "slots", "files", "data", "devices", "vocabulary", "session",
        "terminal", "mirror", "tune", "store", "report", "reproduce", "published", "scored",
        "verify", "networks", "upscale", "exported", "results", "cache", "shortcut", "schema",
        "starter",
        "latency", "measure", "timed",
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
    "open_clip": {"clip"},
}
TRAINING = {"train", "worker", "messages"}
CROSSING = {
    "bench",
    "seats",
    "assignments",
    "records",
    "estimate",
    "reproduce",
    "stale",
}  # the only ones to know both
NEVER_TORCH = {"store", "report", "stats", "designs", "results", "mirror", "tune", "provenance"}
LATE_TORCH = NEVER_TORCH | {
    "cli", "commands", "session", "shortcut", "vocabulary", "registry", "document", "identity",
    "streams", "resample",
}  # fmt: skip
"""Rooms that are imported without torch: help and a finished study do not wait for it."""
TORCH = {"torch", "torchvision", "piq", "safetensors"}


def name_of(file: Path) -> str:
    parts = file.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(HOUSE.rglob("*.py"))}


def room(module: str) -> str:
    """srbench.train.fit -> train; the package itself is no room."""
    return module.split(".")[1] if "." in module else ""


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
    assert {room(m) for m in reached(module, late=True)}.isdisjoint({"store", "report", "bench"})


@pytest.mark.parametrize("module", [m for m in FILES if room(m) in NEVER_TORCH])
def test_these_rooms_never_meet_torch(module: str) -> None:
    assert reached(module, late=True).isdisjoint(TORCH)


@pytest.mark.parametrize("module", [m for m in FILES if room(m) in LATE_TORCH])
def test_these_rooms_are_imported_without_torch(module: str) -> None:
    assert reached(module, late=False).isdisjoint(TORCH)


def test_torch_is_late_in_a_real_process() -> None:
    """Also through packages of others, which the table cannot see."""
    late = [m for m in FILES if room(m) in LATE_TORCH and ".migrations" not in m]
    code = f"import sys, {', '.join(late)}; print(sorted({TORCH!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
