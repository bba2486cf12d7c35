"""CARN against counts that stand in sources or follow from them by hand; every 2019 switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from srbench.core import document, slots
from srbench.core.streams import Streams
from srbench.measure.cost import Cost, cost, count_macs, dead_parameters
from srbench.train.initialise import initialise

slots.load()
Change = dict[str, Any]
SE: Change = {"attention": "scse"}
PARTIAL: Change = {"convolution": "partial"}
BILINEAR: Change = {"skip": "bilinear"}
ROOT = Path(__file__).parents[2]
STUDY = document.read(ROOT / "ablations" / "carn_2019.yaml")[1].value
BASE: Change = STUDY["base"]["carn"]
VARIANTS: dict[str, Change] = {name: BASE | change for name, change in STUDY["variants"].items()}
COLUMNS = {n: c for n, c in VARIANTS.items() if not n.endswith("_intended")}  # the source's
COUNTED = {  # (parameters, of which unreachable) in the source, or rebuilt from its code
    "standard": (964_163, 0),
    "full_v2_se": (969_959, 225_432),
    "full_v2_se_res_bilinear": (969_959, 225_432),
    "full_v2_se_res_bilinear_V2_group4": (1_154_279, 225_432),
    "full_v2_se_V2_group4": (1_154_279, 225_432),
    "full_v2_se_res_bilinear_V2_group2": (1_486_055, 225_432),
    "full_v2_se_res_bilinear_V2_group1": (2_149_607, 225_432),
    "full_v2_se_double": (971_891, 412_132),
    "full_v2_se_global_only": (966_095, 259_912),
    "full_v2_se_global_atros_12421": (1_529_815, 519_180),
    "full_v2_se_5_blocks": (1_536_255, 375_720),
}
PINNED = {  # what follows from the description; a change here is a change of the networks
    name: counts
    for counts, names in {
        (1_526_595, 0): ["standard_5"],
        (245_383, 57_432): ["full_v2_se_32_channels"],
        (3_866_059, 899_376): ["full_v2_se_128_channels"],
        (1_117_479, 225_432): ["full_v2_se_concat"],
        (1_039_619, 271_872): ["full_v2_se_fullsize"],
        (964_739, 221_952): [
            "full_v2_spatial", "full_v2_spatial_atros_121", "full_v2_spatial_atros_121_diff_res",
            "full_v2_spatial_atros_241_diff_res", "full_v2_spatial_up_features_atros_421",
            "full_v2_spatial_up_features_atros_421_res",
        ],
        (969_959, 225_432): [
            "full_v2_se_atros_121", "full_v2_se_atros_241", "full_v2_se_atros_421",
            "full_v2_se_atros_121_single", "full_v2_se_atros_222_single",
            "full_v2_se_partial_atros_121", "full_v2_se_partial_atros_421",
            "full_v2_upscale_single_atros_131",
        ],
        (1_536_255, 375_720): ["full_v2_se_atros_12421", "full_v2_se_partial_atros_12421"],
        (969_959, 0): [
            "full_v2_se_intended", "full_v2_se_atros_121_intended",
            "full_v2_se_res_bilinear_intended",
        ],
        (964_739, 0): ["full_v2_spatial_intended"],
        (971_891, 0): ["full_v2_se_double_intended"],
        (966_095, 0): ["full_v2_se_global_only_intended"],
        (1_536_255, 0): ["full_v2_se_5_blocks_intended"],
        (1_154_279, 0): ["full_v2_se_res_bilinear_V2_group4_intended"],
    }.items()
    for name in names
}  # fmt: skip
COUNTS = COUNTED | PINNED
LIVE_UNITS = {
    "full_v2_se": 6, "full_v2_se_double": 4, "full_v2_se_global_only": 6,
    "full_v2_se_global_atros_12421": 9, "full_v2_se_5_blocks": 10, "standard": 9,
}  # fmt: skip


def carn(change: Change, scale: int = 2) -> nn.Module:
    net: nn.Module = slots.model.parse({"carn": change}).build()(scale)
    return net


def costed(change: Change, scale: int = 2) -> Cost:
    return cost(slots.model.parse({"carn": change}).build(), scale)


def test_the_study_has_the_32_columns_of_the_source() -> None:
    heading = (ROOT / "db/published/carn_2019.csv").read_text(encoding="utf-8").split("\n")[0]
    assert {name.removeprefix("loss_") for name in heading.split(",")} == COLUMNS.keys()
    assert len(COLUMNS) == 32
    assert VARIANTS.keys() == COUNTS.keys()


@pytest.mark.parametrize("column", COLUMNS)
def test_both_wirings_have_equal_counts_and_only_the_published_one_has_dead_units(
    column: str,
) -> None:
    change = COLUMNS[column] | {"channels": 8}
    nets = [carn(change | {"wiring": wiring}) for wiring in ("intended", "published")]
    for net in nets:
        assert net(torch.rand(2, 3, 7, 6)).shape == (2, 3, 14, 12)
    assert len({sum(p.numel() for p in net.parameters()) for net in nets}) == 1
    attends = change["attention"] != "none"
    assert [bool(dead_parameters(net)) for net in nets] == [False, attends]


@pytest.mark.parametrize("variant", COUNTS)
def test_counts_are_the_authors(variant: str) -> None:
    net = carn(VARIANTS[variant])
    sizes = {name: p.numel() for name, p in net.named_parameters()}
    dead = sum(sizes[name] for name in dead_parameters(net))
    assert (sum(sizes.values()), dead) == COUNTS[variant]


@pytest.mark.parametrize("column", LIVE_UNITS)
def test_the_authors_code_reaches_so_many_units(column: str) -> None:
    net = carn(COLUMNS[column])
    assert len(live_units(net)) == LIVE_UNITS[column]


def live_units(net: nn.Module) -> dict[str, nn.Module]:
    dead = dead_parameters(net)
    units = {n: m for n, m in net.named_modules() if type(m).__name__ == "ResidualUnit"}
    return {n: m for n, m in units.items() if not any(d.startswith(n + ".") for d in dead)}


def test_of_the_rates_12421_only_the_first_three_are_reached() -> None:
    net = carn(COLUMNS["full_v2_se_global_atros_12421"])
    layers = [m for unit in live_units(net).values() for m in unit.modules()]
    assert {m.dilation for m in layers if isinstance(m, nn.Conv2d)} == {(1, 1), (2, 2), (4, 4)}


def test_dead_modules_are_named_whole() -> None:
    found = costed(SE | {"wiring": "published", "channels": 8})
    assert found.dead_modules == tuple(
        f"body.stages.block_{b}.stages.{name}"
        for b in (1, 2, 3)
        for name in ("attention_2", "unit_3", "attention_3")
    )


@pytest.mark.parametrize(
    ("scale", "parameters", "macs_per_lr_pixel", "giga_macs_720p"),
    [
        (2, 964_163, 967_104, 222.82),
        (3, 1_148_803, 1_160_064, 118.79),
        (4, 1_111_875, 1_577_664, 90.87),
    ],
)
def test_cost_is_what_a_hand_count_gives(
    scale: int, parameters: int, macs_per_lr_pixel: int, giga_macs_720p: float
) -> None:
    found = costed({}, scale)
    assert found.parameters == parameters
    assert found.macs_256 == macs_per_lr_pixel * 256**2
    assert round(found.macs_720p / 1e9, 2) == giga_macs_720p
    assert found.dead == found.frozen == 0


def test_dilation_and_padding_cost_no_multiplication() -> None:
    with torch.device("meta"):
        nets = [carn(SE | change) for change in ({}, {"rates": [1, 2, 1]}, PARTIAL)]
    assert len({count_macs(net, 64)[:2] for net in nets}) == 1


@pytest.mark.parametrize(
    "column", ["full_v2_se", "standard_5", "full_v2_se_res_bilinear_V2_group1"]
)
def test_what_two_variants_share_starts_equal(column: str) -> None:
    one, other = carn({"channels": 8}), carn(COLUMNS[column] | {"channels": 8})
    for net in (one, other):
        initialise(net, Streams(5))
    weights = {n: p for n, p in other.named_parameters() if n.endswith(".weight")}
    shared = [
        (p, weights[n])
        for n, p in one.named_parameters()
        if n in weights and p.shape == weights[n].shape
    ]
    assert len(shared) >= 18 + 3
    assert all(torch.equal(p, q) for p, q in shared)


def test_without_attention_both_wirings_are_one_network() -> None:
    nets = [carn({"channels": 8, "wiring": wiring}) for wiring in ("intended", "published")]
    for net in nets:
        initialise(net, Streams(0))
    x = torch.rand(1, 3, 6, 6)
    assert torch.equal(nets[0](x), nets[1](x))


def test_with_zero_exit_the_residual_is_what_remains() -> None:
    net = carn({"channels": 8} | BILINEAR)
    nn.init.zeros_(net.get_parameter("exit.weight"))
    nn.init.zeros_(net.get_parameter("exit.bias"))
    x = torch.rand(1, 3, 5, 6)
    expected = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.equal(net(x), expected)


def test_rates_are_given_for_each_block_or_for_none() -> None:
    with pytest.raises(ValueError, match="2 rates for 3 blocks; give one for each block"):
        carn({"rates": [1, 2]})
