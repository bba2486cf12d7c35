"""The documentation as a site: built strictly, without a network, every link of it whole.

Slow: mkdocs takes ten seconds, half of it the parts and signatures that the reference lists.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


class Seen(HTMLParser):
    """The places that a page has, the links to others, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.places: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(found["href"])
        self.loaded += [found[name] for name in ("src", "srcset") if name in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Seen]:
    """Every page of the site as it is built, warnings being errors."""
    for package in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return {page: Seen(page) for page in sorted(folder.rglob("*.html")) if page.stem != "404"}


def test_every_link_leads_to_a_place(site: dict[Path, Seen]) -> None:
    lost = []
    for page, seen in site.items():
        for link in (*seen.links, *seen.loaded):
            to = urlsplit(link)
            if to.scheme:
                assert to.scheme in ("http", "https"), link
                assert to.netloc, link
                continue
            target = (page.parent / unquote(to.path)).resolve() if to.path else page
            there = target.is_file() and (target not in site or to.fragment in site[target].places)
            if not there:
                lost.append(f"{page.name}: {link}")
    assert lost == []


def test_lists_and_tables_are_made_of_what_is_written_as_such(site: dict[Path, Seen]) -> None:
    """Unlike GitHub, mkdocs wants an empty line before them."""
    left = re.compile(r"<p>(?:(?!</p>).)*\n *[-*|] ", re.S)
    assert [page.name for page in site if left.search(page.read_text(encoding="utf-8"))] == []


def test_no_page_needs_a_network(site: dict[Path, Seen]) -> None:
    far = {
        place for seen in site.values() for place in seen.loaded if urlsplit(place).netloc
    }  # fmt: skip
    assert far == set()


def test_pages_are_found_offline_at_any_width(browser: Any, site: dict[Path, Seen]) -> None:
    start = next(page for page in site if page.name == "index.html")
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(start.as_uri())
    page.get_by_role("textbox", name="Search").fill("min_effect")
    page.locator(".md-search-result__item").first.wait_for()
    assert page.locator(".md-search-result__item").count() >= 3
    page.set_viewport_size({"width": 390, "height": 844})
    for path in site:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
    context.close()
    assert asked == []
