"""The same numbers from independent implementations: statsmodels, scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srbench.analysis.agreement import rank_agreement
from srbench.analysis.verdicts import Rules, verdicts

STUDY = np.random.default_rng(1).normal(np.linspace(-0.1, 0.1, 7)[:, None], 0.05, (7, 8))


def test_t_and_tost_and_holm_are_statsmodels() -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats", reason="no statsmodels")
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="no statsmodels")
    rows = verdicts(STUDY, Rules(0.04, paired=True))
    described = [weightstats.DescrStatsW(x - STUDY[0]) for x in STUDY[1:]]
    p = [d.ttest_mean(0)[1] for d in described]
    within = [d.ttost_mean(-0.04, 0.04)[0] for d in described]
    assert [row.p for row in rows] == pytest.approx(p, rel=1e-10)
    assert [row.p_within for row in rows] == pytest.approx(within, rel=1e-10)
    for found, raw in (("p_holm", p), ("p_within_holm", within)):
        expected = multitest.multipletests(raw, method="holm")[1]
        assert [getattr(row, found) for row in rows] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [4, 6, 7])
def test_the_exact_p_of_kendall_is_scipys(n: int) -> None:
    rng = np.random.default_rng(11)
    x, y = rng.permutation(n), rng.permutation(n)
    expected = stats.kendalltau(x, y, method="exact").pvalue
    assert rank_agreement(x, y).p == pytest.approx(expected)
