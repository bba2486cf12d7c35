"""What a variant starts from: weights of a file, known by their content."""

from __future__ import annotations

from typing import Any

from srbench.core.errors import StudyError, UserError
from srbench.core.numbers import plural
from srbench.study.tree import Tree
from srbench.train.from_weights import digest, fill

SHOWN = 3  # names of tensors


def with_start(tree: Tree, scale: int) -> tuple[Tree, str]:
    """The tree with the SHA-256 of the file that it starts from, and which tensors that lacks.

    The text is empty where a network draws all its weights, or the file has all of them.

    Raises:
        StudyError: the file is not there, cannot be read, or fits nowhere.
    """
    initial = tree.train["initial"]
    if initial.name != "from_weights":
        return tree, ""
    file = initial["file"]
    try:
        net = tree.model.build()(scale)
        drawn = fill(net, file=file, sha256=initial["sha256"])
    except UserError as error:
        raise StudyError(str(error), ("train", "initial")) from None
    if not drawn:
        return tree.set("train.initial.sha256", digest(file)), ""
    names = ", ".join(drawn[:SHOWN]) + (f" and {len(drawn) - SHOWN} more" * (len(drawn) > SHOWN))
    text = (
        f"{plural(len(drawn), 'tensor')} of {len(net.state_dict())} not in {file}, drawn: {names}"
    )
    return tree.set("train.initial.sha256", digest(file)), text


def without_path(tree: Tree) -> Any:
    """The settings of training as a fingerprint has them: the same file elsewhere is the same."""
    if tree.train["initial"].name != "from_weights":
        return tree.train.to_json()
    return tree.set("train.initial.file", "").train.to_json()
