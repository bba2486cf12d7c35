"""Studies that look at another's variants: `from:`, `only:`, `without_claims:` in a study file.

A view is the other study with some of its variants and claims. What its own file has takes
precedence: `data` and `train` setting by setting, `variants` and `datasets` in addition, any other
key as a whole. So a variant is defined once, and has one meaning in both studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path as File
from typing import Any

from srbench.analysis.claims_tree import ClaimError, names
from srbench.core import document
from srbench.core.document import Document
from srbench.core.errors import StudyError, UserError, brief
from srbench.study.keys import texts

MERGED = ("datasets", "data", "train", "variants")
PICKS = {
    "only": texts(
        "which variants of that study are taken; * and ? are wildcards",
        example="[standard, atrous_*]",
    ),
    "without_claims": texts(
        "claims of that study, by id, that this one leaves out", example="[A9, A10]"
    ),
}
MOST = 8  # views of views


def read(file: File) -> tuple[str, Document]:
    """The text and document of a study file, everything that it takes from others filled in.

    Raises:
        StudyError: a file cannot be read, or a view of nothing.
    """
    text, found = document.read(file)
    try:
        return _seen(text, found, file, (file.resolve(),))
    except UserError as error:
        raise found.located(error) from None


def _seen(text: str, found: Document, file: File, above: tuple[File, ...]) -> tuple[str, Document]:
    value = found.value
    if not isinstance(value, dict) or "from" not in value:
        for key in PICKS if isinstance(value, dict) else ():
            if key in value:
                raise StudyError(f"{key} picks from another study; name it: from", (key,))
        return text, found
    other = _file(value["from"], file)
    if other.resolve() in above or len(above) > MOST:
        raise StudyError(f"{brief(value['from'])} leads back here", ("from",))
    other_text, base = document.read(other)
    try:
        other_text, base = _seen(other_text, base, other, (*above, other.resolve()))
    except UserError as error:
        raise base.located(error) from None
    if not isinstance(base.value, dict):
        raise StudyError(f"{other} is no study", ("from",))
    merged = _merged(value, _claims_selected(_selected(base.value, value), value))
    return f"{text}\n# from {other.name}:\n{other_text}", replace(found, value=merged, above=base)


def _file(written: object, file: File) -> File:
    """The other study's file: in this one's folder, by name or path."""
    if not isinstance(written, str) or not written:
        raise StudyError(f"the name of a study is expected, found {brief(written)}", ("from",))
    beside = (file.parent / written, file.parent / f"{written}.yaml")
    found = next((path for path in beside if path.is_file()), None)
    if found is None:
        raise StudyError(
            f"there is no study {brief(written)} in the folder of {file.name}", ("from",)
        )
    return found


def _selected(base: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    """The other study with the variants that `only` names, and the claims about them."""
    if "only" not in view:
        return base
    patterns, variants = PICKS["only"].read(view["only"], ("only",)), base.get("variants")
    if not isinstance(variants, dict):
        raise StudyError("the other study has no variants to pick from", ("only",))
    for i, pattern in enumerate(patterns):
        if not fitting(variants, [pattern]):
            raise StudyError(
                f"no variant fits {pattern!r} (known: {', '.join(variants)})", ("only", i)
            )
    kept = {name: variants[name] for name in fitting(variants, patterns)}
    left_out = variants.keys() - kept
    claims = base.get("claims")
    if isinstance(claims, list):
        claims = [claim for claim in claims if not _speaks_of(claim, left_out)]
    return {**base, "variants": kept, "claims": claims}


def fitting(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """The names that fit one of the patterns."""
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _claims_selected(base: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    """The other study without the claims that `without_claims` names."""
    dropped = PICKS["without_claims"].read(view.get("without_claims"), ("without_claims",))
    claims = base.get("claims") or []
    known = [claim.get("id") for claim in claims if isinstance(claim, dict)]
    for i, name in enumerate(dropped):
        if name not in known:
            unknown = f"no claim is named {brief(name)} (known: {known})"
            raise StudyError(unknown, ("without_claims", i))
    kept = [c for c in claims if not (isinstance(c, dict) and c.get("id") in dropped)]
    return {**base, "claims": kept} if dropped else base


def _speaks_of(claim: Any, variants: set[str]) -> bool:
    from srbench.analysis.claims_parser import parse  # late: lark takes 0.1 s

    test = claim.get("test") if isinstance(claim, dict) else None
    try:
        return any(name.variant in variants for name in names(parse(str(test))))
    except ClaimError:
        return False  # a mistake, reported when the claims are read


def _merged(view: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in view.items() if key not in ("from", *PICKS)}
    for key in MERGED:
        if isinstance(own.get(key), dict) and isinstance(base.get(key), dict):
            own[key] = {**base[key], **own[key]}
    return {**base, **own}
