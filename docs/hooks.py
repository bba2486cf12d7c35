"""What mkdocs builds besides the pages in docs/: the reference, and pages of the repository.

Pages link as on the repository's own site: `../CONTRIBUTING.md`, `docs/verdicts.md`. Here such a
link leads to the site's page if there is one, else to the repository.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import PAGES

log = logging.getLogger("mkdocs.hooks.docs")
ROOT = Path(__file__).parents[1]
WRITTEN = {
    "index.md": "README.md",
    "changes.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "architecture.md": "ARCHITECTURE.md",
}
"""Page of the site -> the file of the repository that it shows."""
PLACE_OF = {source: page for page, source in WRITTEN.items()} | {
    "db/README.md": "reference/database.md"
}
LINK = re.compile(r"""(\]\(|src(?:set)?=")([^)\s#:"]+)(#[^)\s"]*)?(?=[)"])""")


def on_config(config: MkDocsConfig) -> None:
    """Write the generated pages of a folder into the navigation where it names the folder."""
    config.nav = _filled(config.nav)


def _filled(nav: list[Any]) -> list[Any]:
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and entry.endswith("/"):
            found += [page for page in PAGES if page.startswith(entry)]
        elif isinstance(entry, dict):
            found.append({k: _filled(v) if isinstance(v, list) else v for k, v in entry.items()})
        else:
            found.append(entry)
    return found


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are no file of docs/."""
    for page, make in PAGES.items():
        files.append(File.generated(config, page, content=make()))
    for page, source in WRITTEN.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let each link lead to the page of the site, or to the repository."""
    here = page.file.src_uri
    of_page = {place: source for source, place in PLACE_OF.items()}
    folder = os.path.dirname(of_page.get(here, f"docs/{here}"))

    def mended(link: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(folder, link[2]))
        if target in PLACE_OF:
            place = PLACE_OF[target]
        elif target.startswith("docs/"):
            place = target.removeprefix("docs/")
        else:
            if not (ROOT / target).exists():
                log.warning("%s: there is no %s", here, target)
            return f"{link[1]}{config.extra['repository']}/blob/main/{target}{link[3] or ''}"
        return f"{link[1]}{os.path.relpath(place, os.path.dirname(here) or '.')}{link[3] or ''}"

    return LINK.sub(mended, markdown)
