"""The same numbers from independent implementations: statsmodels, scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srbench.analysis.agreement import rank_agreement
from srbench.analysis.power import power
from srbench.analysis.significance import sign_flip
from srbench.analysis.spending import boundaries
from srbench.analysis.verdicts import verdicts

STUDY = np.random.default_rng(1).normal(np.linspace(-0.1, 0.1, 7)[:, None], 0.05, (7, 8))


def test_t_and_tost_and_holm_are_statsmodels() -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats", reason="no statsmodels")
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="no statsmodels")
    rows = verdicts(STUDY, 0.04)
    described = [weightstats.DescrStatsW(x) for x in STUDY]
    p = [d.ttest_mean(0)[1] for d in described]
    within = [d.ttost_mean(-0.04, 0.04)[0] for d in described]
    assert [row.p for row in rows] == pytest.approx(p, rel=1e-10)
    assert [row.p_within for row in rows] == pytest.approx(within, rel=1e-10)
    for found, raw in (("p_holm", p), ("p_within_holm", within)):
        expected = multitest.multipletests(raw, method="holm")[1]
        assert [getattr(row, found) for row in rows] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5, 12])
@pytest.mark.parametrize("contrasts", [1, 31])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.7, 1.5])
def test_power_is_statsmodels(n: int, contrasts: int, effect: float) -> None:
    module = pytest.importorskip("statsmodels.stats.power", reason="no statsmodels")
    expected = module.TTestPower().power(effect, n, 0.05 / contrasts, alternative="two-sided")
    assert power(effect, 1.0, n, contrasts) == pytest.approx(expected, abs=1e-6)


def test_cohens_sample_size() -> None:
    """34 pairs for a medium effect, d = 0.5, 5 % two-sided, 80 % (G*Power's paired t example)."""
    assert power(0.5, 1.0, 33) < 0.8 <= power(0.5, 1.0, 34)


@pytest.mark.parametrize("n", [6, 9, 12])
def test_the_sign_flip_is_scipys_exact_permutation_test(n: int) -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(0.5, 1.0, n).round(1)  # ties among the sums
    expected = stats.permutation_test(
        (x,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flip(x) == pytest.approx(expected.pvalue, abs=1e-12)


@pytest.mark.parametrize("n", [4, 6, 7])
def test_the_exact_p_of_kendall_is_scipys(n: int) -> None:
    rng = np.random.default_rng(11)
    x, y = rng.permutation(n), rng.permutation(n)
    expected = stats.kendalltau(x, y, method="exact").pvalue
    assert rank_agreement(x, y).p == pytest.approx(expected)


@pytest.mark.parametrize("looks", [(1, 2, 3, 4, 5), (3, 5, 8, 12, 20), (19, 20)])
def test_the_boundaries_spend_5_percent_by_scipys_multivariate_normal(
    looks: tuple[int, ...],
) -> None:
    share = np.array(looks) / looks[-1]
    z = np.array(boundaries(looks, 0.05))
    correlation = np.sqrt(np.minimum.outer(share, share) / np.maximum.outer(share, share))
    inside = stats.multivariate_normal(
        np.zeros(len(z)), correlation, maxpts=1_000_000, abseps=1e-6, releps=1e-6, seed=1
    ).cdf(z, lower_limit=-z)
    assert 1 - inside == pytest.approx(0.05, abs=1e-5)
