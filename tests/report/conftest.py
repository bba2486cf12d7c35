"""Every state of a study, for tests that hold in all of them."""

from __future__ import annotations

import pytest
from states import STATES

from srbench.analysis.results import Results


@pytest.fixture(params=STATES)
def any_state(request: pytest.FixtureRequest) -> Results:
    return STATES[request.param]()
