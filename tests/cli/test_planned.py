"""What `srbench plan` says of power and memory: the right numbers, in the unit of the metric."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

from srbench.analysis.power import detectable
from srbench.cli import planned
from srbench.run.estimate import Forecast, Spread
from srbench.study.plan import Numerics, make_plan
from srbench.study.read import read


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    return tmp_path


def forecast(
    change: tuple[str, str] = ("", ""), *, spread: Spread | None = None, workers: int = 1
) -> Forecast:
    file = Path("tiny.yaml")
    file.write_text(file.read_text().replace("seeds: 2", "seeds: 3").replace(*change))
    plan = make_plan(read(file), Numerics("cpu", 1))
    return Forecast(plan, workers, "cpu", None, spread)


def power(found: Forecast) -> str:
    [line] = planned._power(found)
    return line


def least(sd: float, seeds: int) -> str:
    """For one contrast, in the unit of the standard deviation."""
    return f"{detectable(seeds) * sd:.2g}"


@pytest.mark.usefixtures("here")
def test_effects_are_in_db_by_the_spread_of_stored_runs() -> None:
    said = power(forecast(spread=Spread(0.3, "runs of x have a standard deviation of 0.3")))
    assert said == (
        f"With 3 seeds and 1 contrast, effects above about {least(0.3, 3)} dB are found in 4 of 5 "
        f"studies, with one seed more above about {least(0.3, 4)} dB; "
        "runs of x have a standard deviation of 0.3."
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("change", "size", "basis"),
    [
        ("seeds: 5\n", f"{least(0.15, 5)} dB", "assumed: a standard deviation of 0.15 dB"),
        (
            "seeds: 5\nmetric: ssim_y\nmin_effect: 0.002\n",
            least(0.002, 5),
            "of min_effect over seeds, 0.002",
        ),
    ],
)
def test_an_assumed_spread_is_called_so(change: str, size: str, basis: str) -> None:
    text = Path("tiny.yaml").read_text().replace("min_effect: 0.3 dB\n", "")
    Path("tiny.yaml").write_text(text)
    said = power(forecast(("seeds: 3\n", change)))
    assert f"effects above about {size} are found" in said
    assert basis in said


@pytest.mark.usefixtures("here")
def test_where_nothing_can_be_assumed_effects_are_in_standard_deviations() -> None:
    said = power(forecast(("min_effect: 0.3 dB", "metric: ssim_y")))
    assert f"effects above {least(1, 3)} standard deviations of a run" in said


@pytest.mark.usefixtures("here")
def test_memory_is_that_of_all_decoded_pixels() -> None:
    """The folder's three photos of 48x48, trained, validated and evaluated on; LR made at x2."""
    pixels = 1.25 * 3 * 3 * 48 * 48 * 3 / 1e6
    said = f"Memory for decoded images: {pixels:,.1f} MB, which workers share."
    assert planned._memory(forecast(workers=2)) == said
