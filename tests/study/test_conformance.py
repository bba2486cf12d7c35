"""Every registered part keeps the laws of its slot. A new part is tested by being registered."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from srbench.cli import checkup
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.registry import Slot
from srbench.data.data_settings import data_settings
from srbench.study import conformance
from srbench.study.conformance import Law, laws
from srbench.study.read import read
from srbench.study.vocabulary import read_parts
from srbench.train.settings import training

slots.load()
ALL = [*slots.SLOTS.values(), training, data_settings]
HEAVY = {"rrdbnet", "swinir_light"}  # seconds a law
CASES = [
    pytest.param(
        law, slot, name,
        id=f"{slot.name}-{name}-{law.__name__}",
        marks=pytest.mark.slow if name in HEAVY else (),
    )
    for slot in ALL for name in slot.parts for law in laws(slot)
]  # fmt: skip


@pytest.mark.parametrize(("law", "slot", "name"), CASES)
def test_every_part_keeps(law: Law, slot: Slot, name: str) -> None:
    law(slot, name)


@pytest.mark.parametrize("slot", slots.SLOTS.values(), ids=lambda slot: slot.name)
def test_every_slot_has_parts_and_laws_of_its_own(slot: Slot) -> None:
    assert slot.parts
    assert slot.about
    assert len(laws(slot)) > len(laws(training))


class NoReset(nn.Module):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class Unreached(nn.Module):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.used, self.unused = (nn.Conv2d(channels, channels, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.used(x)
        return y


class Numbered(nn.Sequential):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels, 1))


class Shrinks(nn.Conv2d):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3)


class Mixes(nn.Module):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean()


class Asks(nn.Identity):
    """Nobody. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x if x.isfinite().all() else x.nan_to_num()


class Brings(Asks):
    """Nobody. Ours."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.tensor([2.0]).to(x.device)


class Silent(nn.Identity):
    def __init__(self, channels: int) -> None:
        super().__init__()


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        (NoReset, "without a reset_parameters"),
        (Unreached, r"no \(finite\) gradient reaches unused"),
        (Numbered, "numbers instead of names: 0.weight"),
        (Shrinks, r"gives \(2, 8, 5, 4\)"),
        (Mixes, "neighbours change it"),
        (Asks, "cannot be computed without values"),
        (Brings, "works on the host as well: .*_to_copy"),
        (Silent, "cites nothing"),
    ],
)
def test_a_part_that_breaks_a_law_is_found(part: Callable[..., nn.Module], broken: str) -> None:
    slot = Slot("attention", gives=("channels",))
    slot.register("mine")(part)
    with pytest.raises((AssertionError, TypeError), match=broken):
        conformance.check(slot, "mine")


PLUGIN = '''"""One file, written by a stranger."""

from torch import Tensor, nn

from srbench.core.registry import (Positive)
from srbench.core.slots import attention


@attention.register("brightness")
class Brightness(nn.Module):
    """Weigh pixels by a convolution of their mean. Ours."""

    def __init__(self, channels: int, *, kernel: Positive = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(x.mean(1, keepdim=True)).sigmoid()
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a package of one file that names itself under the entry point `srbench.parts`."""
    before = dict(slots.attention.parts)

    def write(text: str) -> None:
        (tmp_path / "stranger.py").write_text(text)
        info = tmp_path / "stranger-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[srbench.parts]\nstranger = stranger\n")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

    yield write
    slots.attention.parts.clear()
    slots.attention.parts.update(before)
    sys.modules.pop("stranger", None)


def test_a_new_block_is_one_file(install: Callable[[str], None], tmp_path: Path) -> None:
    install(PLUGIN)
    file = tmp_path / "stranger.yaml"
    file.write_text("variants: {plain: {}, new: {attention: {brightness: {kernel: 5}}}}\n")
    new = read(file).variants[1].tree
    assert new.model["attention"]["kernel"] == 5
    assert read_parts()["attention"]["parts"]["brightness"]["source"].endswith("Ours.")
    conformance.check(slots.attention, "brightness")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("x = (\n", 1, "SyntaxError"),
        ("import nothing_of_that_name", 1, "ModuleNotFoundError"),
        (PLUGIN.replace(", *, kernel: Positive = 3", ", kernel = 3"), 9, "TypeError"),
    ],
)
def test_a_broken_plug_in_is_named_by_its_own_line(
    install: Callable[[str], None], text: str, line: int, says: str, tmp_path: Path
) -> None:
    install(text)
    (tmp_path / "study.yaml").write_text("scale: 2\n")
    place = rf"^\S*stranger.py:{line}: plug-in stranger \(stranger\) cannot be imported: {says}"
    with pytest.raises(UserError, match=place):
        read(tmp_path / "study.yaml")
    found = [probe for probe in checkup.checkup("none.sqlite") if probe.what == "plug-in"]
    assert [probe.ok for probe in found] == [False]
    assert found[0].found.startswith("stranger 1.0: ")


def test_an_unknown_part_may_be_in_a_file_or_a_plug_in(install: Callable[[str], None]) -> None:
    with pytest.raises(UserError, match=r"under parts: \[FILE.py\], .* or is its plug-in not inst"):
        slots.attention.parse("brightness")
    install(PLUGIN)
    slots.load()
    assert "stranger 1.0, module stranger" in [p.found for p in checkup.checkup("none.sqlite")]
