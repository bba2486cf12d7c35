"""The documents name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tests" / "faults" / "README.md",
]  # fmt: skip
NAMED = re.compile(r"(?<![\w/.])((?:[a-z_]+/)+[A-Za-z_0-9]+\.(?:py|md|png))(?![\w/])")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_files_that_exist(document: Path) -> None:
    """From the top of the repository, of the package, or of the document's folder."""
    places = (ROOT, ROOT / "srbench", document.parent, ROOT / "tests")
    named = set(NAMED.findall(document.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not any((p / name).exists() for p in places)] == []
