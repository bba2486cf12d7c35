"""What `import srbench` gives."""

from __future__ import annotations

import pytest

import srbench


def test_a_network_is_built_from_the_words_of_a_study() -> None:
    from srbench import document, slots

    slots.load()
    written = document.parse("{carn: {channels: 8, blocks: 1}}", "notebook").value
    net = slots.model.parse(written).build()(2)
    assert sum(p.numel() for p in net.parameters()) > 0


def test_what_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = srbench.nothing
