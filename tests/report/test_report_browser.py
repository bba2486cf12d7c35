"""The page in a real browser: silent, reachable, readable at any width, quick to open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from planted import everything, looking
from synthetic_study import study, with_pictures, with_runs

from srbench.analysis.results import Results
from srbench.report import write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    full = with_pictures(study(epochs=40), folder / "db")
    many = study({f"v{i:02d}": 0.1 * i for i in range(70)}, epochs=4)
    empty: Results = with_runs(study(), lambda row: None)
    return {
        "inline": write([full], folder / "inline"),
        "beside": write([full], folder / "beside", plotly="beside"),
        "empty": write([empty], folder / "empty", plotly="beside"),
        "judged": write([everything()], folder / "judged", plotly="beside"),
        "looks": write([looking()], folder / "looks", plotly="beside"),
        "many": write([many], folder / "many", plotly="beside"),
    }


@contextmanager
def opened(browser: Any, path: Path, **context: Any) -> Iterator[Any]:
    """The page in a browser; nothing on the console, no error, no request to anywhere."""
    said: list[str] = []
    page = browser.new_context(**context).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: said.append(r.url) if r.url.startswith("http") else None)
    page.goto(path.as_uri())
    yield page
    page.context.close()
    assert said == []


def scroll(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for _ in range(20):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(60)
    page.wait_for_timeout(400)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["inline", "beside", "empty", "judged", "looks", "many"])
def test_axe_finds_nothing(browser: Any, reports: dict[str, Path], kind: str, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    source = Path(axe.__file__).with_name("axe.min.js").read_text("utf-8")
    with opened(browser, reports[kind], color_scheme=scheme, bypass_csp=True) as page:
        page.wait_for_timeout(1500)
        scroll(page)
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found] == []


@pytest.mark.parametrize("kind", ["inline", "judged", "looks", "many"])
@pytest.mark.parametrize("width", [400, 800, 1280, 2000])
def test_no_width_scrolls_sideways(
    browser: Any, reports: dict[str, Path], width: int, kind: str
) -> None:
    with opened(browser, reports[kind], viewport={"width": width, "height": 900}) as page:
        page.wait_for_timeout(800)
        scroll(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_figures_are_drawn_when_seen_and_variants_toggle(
    browser: Any, reports: dict[str, Path]
) -> None:
    with opened(browser, reports["inline"], viewport={"width": 1400, "height": 900}) as page:
        page.locator("#curves").scroll_into_view_if_needed()
        page.wait_for_selector("#curves .js-plotly-plot")
        lines = (
            "document.querySelector('#curves .js-plotly-plot')"
            ".data.filter((t) => t.meta.kind === 'mean').length"
        )
        assert page.evaluate(lines) == 4
        page.get_by_role("button", name="only residual_se").click()
        assert page.evaluate(lines) == 1
        page.get_by_role("button", name="all", exact=True).click()
        assert page.evaluate(lines) == 4


def test_without_plotly_the_drawings_stay(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["beside"]) as page:
        assert page.locator("#curves .still svg").first.is_visible()
        page.get_by_role("button", name="make the figures interactive").click()
        page.locator("#curves").scroll_into_view_if_needed()
        page.wait_for_selector("#curves .js-plotly-plot")


def test_a_missing_plotly_is_reported(
    browser: Any, reports: dict[str, Path], tmp_path: Path
) -> None:
    alone = tmp_path / "index.html"
    alone.write_bytes(reports["beside"].read_bytes())
    page = browser.new_page()
    page.goto(alone.as_uri())
    page.get_by_role("button", name="make the figures interactive").click()
    page.get_by_text("plotly.min.js is not beside this page").wait_for()
    page.locator("#viewer").scroll_into_view_if_needed()
    page.get_by_text("Some pictures are not beside this page").wait_for()
    page.close()


def test_tables_sort_and_filter(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["beside"]) as page:
        box = page.locator('[data-table="effects"]')
        box.get_by_role("button", name="effect, dB").click()
        box.get_by_role("button", name="effect, dB").click()
        assert box.locator("tbody th").first.inner_text() == "residual_atrous"
        box.get_by_label("filter").fill("_se")
        assert box.locator("tbody tr:visible").count() == 1


def test_a_long_table_is_paged_sorted_and_searched(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["many"]) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        box = page.locator('[data-table="runs"]')
        rows, count = box.locator("tbody tr"), box.locator(".count")
        assert (rows.count(), count.inner_text()) == (50, "rows 1 to 50 of 210")
        box.get_by_role("button", name="rows after").click()
        assert count.inner_text() == "rows 51 to 100 of 210"
        box.get_by_role("button", name="PSNR-Y").click()
        assert count.inner_text() == "rows 1 to 50 of 210"
        assert box.locator("tbody th").first.inner_text() == "v69"
        box.get_by_label("filter").fill("v1")
        assert (rows.count(), count.inner_text()) == (30, "rows 1 to 30 of 30 found of 210")


def test_pictures_share_one_zoom(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["beside"]) as page:
        page.locator("#viewer").scroll_into_view_if_needed()
        page.wait_for_selector("#panels img")
        page.get_by_role("button", name="zoom in").click()
        places = (
            "new Set(Array.from(document.querySelectorAll('#panels img'),"
            " (i) => i.style.transform + i.style.width)).size"
        )
        assert page.evaluate(places) == 1
        page.get_by_label("show").select_option("error")
        assert page.locator("#panels .view.error").count() == 8


def test_reasons_are_shown_on_focus(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["empty"]) as page:
        page.locator("#answer .mark").first.focus()
        assert "planned, never started" in page.locator("#tip").inner_text()


def test_a_thousand_runs_are_one_page_of_a_size_that_opens(browser: Any, tmp_path: Path) -> None:
    gains = {"plain": 0.0} | {f"v{i:02d}": 0.1 * i for i in range(1, 32)}
    path = write([study(gains, seeds=31, epochs=20)], tmp_path)
    with opened(browser, path) as page:
        assert path.stat().st_size < 10e6
        assert page.locator("h1").is_visible()


def test_print_opens_every_section(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["inline"]) as page:
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate(
            "Array.from(document.querySelectorAll('details')).every((d) => d.open)"
        )
        assert page.locator("#curves .still svg").first.is_visible()
