"""Draws are functions of seed, salt, name and position, and of nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from srbench.core.streams import Streams

PLACES = st.lists(st.integers(0, 99) | st.text("abc.", max_size=3), max_size=3).map(tuple)
STREAMS = st.builds(Streams, st.integers(0, 99), st.text("abc", max_size=2))
NAMES = st.sampled_from(["init", "order", "crop", "augment", "noise"])


def test_these_are_the_numbers_of_version_1() -> None:
    """Other numbers here make every stored run another run: raise FIT_VERSION with them."""
    streams = Streams(3)
    assert streams.key("init", "body.conv1") == 147489162011596445328855620984489947131
    assert streams.torch_seed("noise", 7) == 5477434821480678708
    assert streams.generator("crop", 0).integers(0, 1000, 4).tolist() == [451, 237, 727, 683]


@given(STREAMS, NAMES, PLACES, NAMES, PLACES)
def test_draws_do_not_depend_on_earlier_draws(
    streams: Streams,
    name: str,
    place: tuple[int | str, ...],
    other: str,
    there: tuple[int | str, ...],
) -> None:
    first = streams.generator(name, *place).random(3)
    streams.generator(other, *there).random(5)
    assert np.array_equal(streams.generator(name, *place).random(3), first)


@given(STREAMS, NAMES, PLACES, STREAMS, NAMES, PLACES)
def test_another_place_is_another_stream(
    a: Streams, name: str, place: tuple[int | str, ...],
    b: Streams, other: str, there: tuple[int | str, ...],
) -> None:  # fmt: skip
    same = (a, name, [*map(str, place)]) == (b, other, [*map(str, there)])
    assert (a.key(name, *place) == b.key(other, *there)) == same


@given(STREAMS, NAMES, PLACES)
def test_torch_seeds_are_what_torch_takes(
    streams: Streams, name: str, place: tuple[int | str, ...]
) -> None:
    assert 0 <= streams.torch_seed(name, *place) < 2**63
