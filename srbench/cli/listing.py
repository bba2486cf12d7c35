"""Lists for the terminal: parts with their settings, and one run key by key."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from srbench.core.errors import InputError, did_you_mean
from srbench.core.numbers import duration, plural
from srbench.core.rich_table import table_of
from srbench.study.written import as_written

if TYPE_CHECKING:  # torch comes with it
    from srbench.study.conformance import Checked

Words = dict[str, Any]


def parts_listed(found: Words, name: str | None) -> RenderableType:
    """All slots, one slot's parts, or everything about the parts of a name, as `parts_found`."""
    if name is None:
        return _slots(found)
    if name in found:
        return _slot(name, found[name])
    return Group(*(_part(slot, name, about["parts"][name]) for slot, about in found.items()))


def parts_found(words: Words, name: str) -> Words:
    """The slot of that name, or each slot with a part of that name and that part alone.

    Raises:
        InputError: there is no slot or part of that name.
    """
    if name in words:
        return {name: words[name]}
    found = {
        slot: {**about, "parts": {name: about["parts"][name]}}
        for slot, about in words.items()
        if name in about["parts"]
    }
    if not found:
        known = [*words, *(p for w in words.values() for p in w["parts"])]
        hint = did_you_mean(name, known)
        raise InputError(f"there is no slot or part {name!r}{hint} (srbench blocks lists them)")
    return found


def _slots(words: Words) -> RenderableType:
    rows = ((slot, about["about"], ", ".join(about["parts"])) for slot, about in words.items())
    table = table_of(("slot", "is", "parts"), rows)
    return Group(table, Text("srbench blocks NAME describes a slot or a part.", style="dim"))


def _slot(slot: str, about: Words) -> RenderableType:
    if list(about["parts"]) == [slot]:  # train, data
        return _part(slot, about["about"], about["parts"][slot])
    rows = (
        (
            name,
            part["summary"],
            ", ".join(f"{k}: {v['default']}" for k, v in part["settings"].items()),
        )
        for name, part in about["parts"].items()
    )
    given = f" It is given ({', '.join(about['gives'])})." if about["gives"] else ""
    heading = Text(f"{slot}: {about['about']}.{given}")
    return Group(heading, table_of((slot, "does", "settings"), rows))


def _part(slot: str, name: str, part: Words) -> RenderableType:
    lines: list[RenderableType] = [
        Text(f"{slot}: {name}", style="bold"),
        Padding(Text("\n\n".join(map(_unwrapped, part["text"].split("\n\n")))), (0, 0, 1, 2)),
    ]
    rows = [
        (key, f"{one['about']} ({one['type']})", one["default"])
        for key, one in part["settings"].items()
    ]
    if rows:
        lines.append(Padding(table_of(("setting", "meaning", "default"), rows), (0, 0, 0, 2)))
    return Group(*lines, Text(f"defined in {part['module']}", style="dim"))


def _unwrapped(paragraph: str) -> str:
    """A paragraph on one line, unless some of its lines are indented."""
    return paragraph if "\n " in paragraph else " ".join(paragraph.split())


def checked_listed(found: Sequence[Checked]) -> RenderableType:
    """Every part that was checked, and of each broken law what must hold and what was found."""
    lines: list[RenderableType] = []
    for part in found:
        result = plural(len(part.broken), "law") + " broken" if part.broken else "every law holds"
        style = "yellow" if part.broken else ""
        lines.append(Text(f"{part.slot} {part.name}: {result}", style=style))
        for one in part.broken:
            text = f"{one.must} Found: {one.found}. [{one.law}]"
            lines.append(Padding(Text(text), (0, 0, 0, 2)))
        if part.unexplained:
            text = (
                f"Hint: no line of the docstring explains {', '.join(part.unexplained)}; write "
                f'"{part.unexplained[0]}  what it sets", with two spaces after the name.'
            )
            lines.append(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    return Group(*lines)


def run_shown(run: Words) -> RenderableType:
    """What one run is and what it scored, on one screen."""
    training, uses = run["training"], run["variants"]
    used = uses[0] if uses else {"variant": "", "study": "no study", "change": ""}
    ended = run["message"] or run["reason"] or ""
    facts = {
        "run": f"{run['id']}: {used['variant']} of {used['study']}, seed {run['seed']}",
        "change": used["change"],
        "state": f"{run['state']}, step {run['steps']} of {training['steps']}  {ended}".strip(),
        "training": f"{duration(run['train_seconds'])} on {run['device']}"
        if run["train_seconds"] is not None
        else None,
        "finished": (run["finished_at"] or "")[:16],
        "weights": run["weights"],
    }
    lines: list[RenderableType] = [
        table_of(("", ""), ((key, _shown(value)) for key, value in facts.items() if value))
    ]
    means = list(_means(run))
    if means:
        headings = ("mean score", "on", "value", "images")
        lines += [Text(), table_of(headings, means, right=("value",)), Text()]
    return Group(*lines)


def _means(run: Words) -> Iterator[tuple[str, str, str, int]]:
    """Metric, dataset, mean of the finite scores, and how many."""
    names = {one["manifest"]: one["name"] for one in run["datasets"]}
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in run["scores"]:
        if math.isfinite(score["value"]):
            found[score["metric"], score["dataset"]].append(score["value"])
    for (metric, manifest), values in found.items():
        yield metric, names.get(manifest, manifest[:12]), f"{fmean(values):.4f}", len(values)


def run_whole(run: Words) -> str:
    """One run, key by key; a line for each score.

    Plain text: a table of thousands of lines takes minutes to be laid out.
    """
    width = max(map(len, run)) + 2
    return "\n".join(
        f"{key.replace('_', ' '):<{width}}" + _shown(value).replace("\n", "\n" + " " * width)
        for key, value in run.items()
    )


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "\n".join(
            f"{k}: {as_written(v) if isinstance(v, dict) else _shown(v)}" for k, v in value.items()
        )
    if isinstance(value, list | tuple):
        return "\n".join(_shown(v).replace("\n", ", ") for v in value)
    return "" if value is None else str(value)
