"""The reference, generated from the code: study file, parts, commands, database, Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer
from database import table, tables
from typer.cli import get_docs_for_click

import srbench
from srbench.cli import main
from srbench.study.criteria import CLAIM, MATCH
from srbench.study.designs import DESIGN
from srbench.study.keys import Key
from srbench.study.schema import study_schema
from srbench.study.search import TUNE
from srbench.study.seeds import DECIDED
from srbench.study.sources import SOURCE
from srbench.study.study_keys import KEYS
from srbench.study.variants import CONTROLS
from srbench.study.vocabulary import Words, read_parts
from srbench.study.written import as_written

ROOT = Path(__file__).parents[1]
INSIDE: dict[str, Mapping[str, Key]] = {
    "seeds": DECIDED, "tune": TUNE, "design": DESIGN, "match": MATCH, "controls": CONTROLS,
    "claims": CLAIM, "published": SOURCE,
}  # fmt: skip
"""A key of a study file, and the keys inside it."""
HELP = "* `--help`: Show this message and exit.\n"
Schema = Mapping[str, Any]
vocabulary = cache(read_parts)


def study_page() -> str:
    """Each key of a study file: meaning, type, default, an example."""
    example = (ROOT / "ablations" / "quickstart.yaml").read_text("utf-8")
    lines = [
        "# Study file",
        "A study file is YAML: a question, a base network, and the variants of it to be trained.",
        f"```yaml\n{example}```",
        "Every key may be left out. An unknown one is reported with file, line, column and the "
        "nearest name. By the JSON Schema of `srbench schema` editors complete and check.",
    ]
    known = study_schema()["properties"]
    for name, key in KEYS.items():
        lines += described(name, key, known[name])
        for inner, one in INSIDE.get(name, {}).items():
            schema = one.schema() if callable(one.schema) else one.schema
            lines += described(f"{name}.{inner}", one, schema)
        if name in ("train", "data"):
            lines.append(settings_table(vocabulary()[name]["parts"][name], "parts/"))
    return "\n\n".join(lines) + "\n"


def described(name: str, key: Key, schema: Schema) -> list[str]:
    """A heading and what is known of a key, deeper for a key inside another."""
    default = "" if key.default in (None, "") else f", by default `{as_written(key.default)}`"
    return [
        f"{'###' if '.' in name else '##'} `{name}` {{ #{name.replace('.', '-')} }}",
        f"{key.about[0].upper()}{key.about[1:]}.",
        f"*{kind(schema)}{default}*",
        f"```yaml\n{name.rpartition('.')[2]}: {key.example}\n```",
    ]


def kind(schema: Schema) -> str:
    """The type of a value, in words."""
    if "$ref" in schema:
        slot = schema["$ref"].rpartition("/")[2]
        return slot if slot == "changes" else f"[{slot}](parts/{slot}.md)"
    if "anyOf" in schema:
        kinds = dict.fromkeys(kind(one) for one in schema["anyOf"] if one.get("type") != "null")
        return " or ".join(kinds)
    if "enum" in schema or "const" in schema:
        *most, last = (f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
        return f"{', '.join(most)} or {last}" if most else last
    low, high = schema.get("minimum"), schema.get("maximum")
    match schema.get("type"):
        case "integer":
            limits = f" from {low} to {high}" if high and high <= 1000 else ""
            return f"whole number{limits}"
        case "array":
            of = kind(schema.get("items", {"type": "mapping"}))
            return f"list of {re.sub('text$|number|mapping$', lambda word: f'{word[0]}s', of)}"
        case "string":
            return "text"
        case "boolean":
            return "`true` or `false`"
    return "mapping"


def parts_page() -> str:
    """Every slot with its parts."""
    rows = (
        (f"[{slot}]({slot}.md)", about["about"], ", ".join(f"`{name}`" for name in about["parts"]))
        for slot, about in slots()
    )
    return (
        "# Parts\n\nWhat a study may name, as `srbench blocks` lists it. A part is written as its "
        "name, or with settings: `attention: {scse: {reduction: 8}}`.\n\n"
        + table(("slot", "is", "parts"), rows)
    )


def slot_page(slot: str) -> str:
    """The parts of one slot: what each does, its settings, its source."""
    about = vocabulary()[slot]
    given = f" It is given {', '.join(about['gives'])}." if about["gives"] else ""
    lines = [f"# {slot}", f"{about['about'][0].upper()}{about['about'][1:]}.{given}"]
    for name, part in about["parts"].items():
        lines += [f"## `{name}` {{ #{name} }}", prose(part), settings_table(part, "")]
        if part["source"] != part["text"]:
            lines.append(f"Source: {part['source']}")
    return "\n\n".join(lines) + "\n"


def prose(part: Words) -> str:
    """A part's description without its source."""
    return "\n\n".join(part["text"].split("\n\n")[:-1]) or part["text"]


def settings_table(part: Words, to_parts: str) -> str:
    """The settings of a part; a setting that is itself a part links to its slot."""
    of_slot = {slot: f"[{slot}]({to_parts}{slot}.md)" for slot, _ in slots()}
    rows = [
        (
            f"`{name}`",
            one["about"],
            re.sub(r"\w+$", lambda word: of_slot.get(word[0], word[0]), one["type"]),
            f"`{one['default']}`" if one["default"] else "",
        )
        for name, one in part["settings"].items()
    ]
    return table(("setting", "meaning", "type", "default"), rows) if rows else ""


def slots() -> list[tuple[str, Words]]:
    """The slots that have a page; train and data are keys of the study file."""
    return [(slot, about) for slot, about in vocabulary().items() if slot not in ("train", "data")]


def commands_page() -> str:
    """Every command with its arguments and options."""
    codes = inspect.cleandoc(main.__doc__ or "").partition("\n\n")[2]
    lines = ["# Commands", f"Exit codes: {codes}"]
    root = typer.main.get_command(main.app)
    above = typer.Context(root, info_name="srbench")
    for commands in main.COMMANDS.values():
        for command in commands:
            name = command.__name__.rstrip("_")
            text = get_docs_for_click(
                obj=root.commands[name], ctx=above, name=name, indent=1, call_prefix="srbench"
            )
            text = re.sub(r"\[/?dim\]", "*", text).replace(HELP, "")
            lines.append(re.sub(r"^# ", "\n    # ", text, flags=re.M))  # a line of a file
    return "\n\n".join(lines)


def database_page() -> str:
    """What db/README.md says, then every view and table."""
    return (ROOT / "db" / "README.md").read_text("utf-8") + "\n" + tables()


def python_page() -> str:
    """Every public name; slots are on the pages of parts."""
    slot_names = dict(slots()).keys() & set(srbench.__all__)
    names = [name for name in srbench.__all__ if name not in slot_names]
    functions = [name for name in names if inspect.isfunction(getattr(srbench, name))]
    classes = [name for name in names if inspect.isclass(getattr(srbench, name))]
    alone = "\n    options: {members: false}"
    links = ", ".join(f"[`{slot}`](parts/{slot}.md)" for slot in sorted(slot_names))
    return "\n\n".join(
        (
            "# Python",
            "What `import srbench` gives; [From Python](../python.md) shows its use.",
            "## Functions",
            *(f"::: srbench.{name}" for name in functions),
            "## Values",
            *(f"::: srbench.{name}" for name in classes),
            *(f"::: srbench.{name}{alone}" for name in names if name not in functions + classes),
            "## Slots",
            f'Each registers parts, `@srbench.attention.register("name")`: {links}.\n',
        )
    )


PAGES: dict[str, Callable[[], str]] = {
    "reference/study.md": study_page,
    "reference/parts/index.md": parts_page,
    **{f"reference/parts/{slot}.md": partial(slot_page, slot) for slot, _ in slots()},
    "reference/commands.md": commands_page,
    "reference/database.md": database_page,
    "reference/python.md": python_page,
}
"""Page of the site -> what makes it."""
