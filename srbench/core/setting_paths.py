"""Settings in JSON as dotted paths and values: `attention: scse`, `train.optimizer.lr: 0.001`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def setting_paths(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of settings as a study writes them: `attention`, `optimizer.lr`.

    A choice is a name, or {name: settings}; both give the name at the choice's own path.
    """
    for key, value in settings.items():
        match [*value.items()] if isinstance(value, Mapping) else None:
            case [(str(name), Mapping() as inner)]:
                yield above + key, name
                yield from setting_paths(inner, f"{above}{key}.")
            case _:
                yield above + key, value


def variant_paths(trees: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The paths of a variant's trees as `--set` takes them: `model`, `skip`, `train.loss`."""
    for name, tree in trees.items():
        if name == "model":
            found = setting_paths({name: tree})
            yield from ((path.removeprefix("model."), value) for path, value in found)
        else:
            yield from setting_paths(tree, f"{name}.")
