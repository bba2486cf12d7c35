"""Verdicts written a second time, from docs/verdicts.md alone and without a look at srbench's code.

Only numpy and scipy; plain loops over contrasts. It is the oracle of test_verdicts_oracle.py.
"""

import math

import numpy as np
from scipy import stats

ROUNDING = 1e-6
NAN = float("nan")


def holm(ps):
    """Holm (1979), textbook form: sort, multiply by what is left, running maximum, at most 1."""
    ps = [float(p) for p in ps]
    order = sorted(range(len(ps)), key=lambda k: ps[k])
    adjusted = [NAN] * len(ps)
    highest = 0.0
    for step, k in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - step) * ps[k]))
        adjusted[k] = highest
    return adjusted


def finite(row):
    return row[np.isfinite(row)]


def own_variance(values, size):
    """Sample variance; 0 where its root is rounding beside `size`; NaN below two values."""
    if len(values) < 2:
        return NAN
    variance = float(np.var(values, ddof=1))
    return 0.0 if math.sqrt(variance) <= ROUNDING * size else variance


def row_variances(scores):
    """Step 1: (v, d) of every row, the baseline first."""
    own, f = [], []
    for row in scores:
        y = finite(row)
        own.append(own_variance(y, np.max(np.abs(y)) if len(y) else 0.0))
        f.append(max(len(y) - 1, 0))
    pooled_over = [k for k in range(1, len(scores)) if f[k] >= 1]
    total = sum(f[k] for k in pooled_over)
    v, d = list(own), list(f)
    if total > 0:
        pooled = sum(f[k] * own[k] for k in pooled_over) / total
        for k in pooled_over:
            if total > f[k]:  # another variant has two seeds
                v[k] = max(own[k], (own[k] + pooled) / 2)
                d[k] = f[k] + min(2, (total - f[k]) / 4)
    return v, d


def one_contrast(scores, i, j, v, d, min_effect, paired):
    """Row i minus row j: steps 2 to 4 and 6, before any adjustment; `state` is its kind."""
    a, b = scores[i], scores[j]
    both = np.isfinite(a) & np.isfinite(b)
    differences = a[both] - b[both]
    everything = finite(np.concatenate([a, b]))
    tolerance = ROUNDING * np.max(np.abs(everything)) if len(everything) else 0.0

    effect = error = freedom = NAN
    if paired:
        fewest = len(differences)
        if fewest >= 1:
            effect = float(np.mean(differences))
        if fewest >= 2:
            error = math.sqrt(np.var(differences, ddof=1) / fewest)
            freedom = fewest - 1.0 if error > 0 else NAN
    else:
        na, nb = len(finite(a)), len(finite(b))
        fewest = min(na, nb)
        if fewest >= 1:
            effect = float(np.mean(finite(a)) - np.mean(finite(b)))
        if fewest >= 2:
            va, vb = v[i] / na, v[j] / nb
            error = math.sqrt(va + vb)
            if error > 0:
                freedom = (va + vb) ** 2 / (va**2 / d[i] + vb**2 / d[j])

    out = {"effect": effect, "error": error, "freedom": freedom, "p": NAN, "p_within": NAN}
    same = len(differences) >= 2 and np.max(np.abs(differences)) <= tolerance
    if same:
        out["effect"] = 0.0
    if fewest < 3:
        out["state"] = "few"
    elif same:
        out.update(state="same", error=0.0, freedom=NAN, p=1.0)
        out["p_within"] = NAN if min_effect is None else 0.0
    elif len(differences) >= 2 and np.max(differences) - np.min(differences) <= tolerance:
        out["state"] = "shift"
    elif not error > 0:
        out["state"] = "no error"
    else:
        out["state"] = "test"
        out["p"] = float(2 * stats.t.sf(abs(effect) / error, freedom))
        if min_effect is not None:
            out["p_within"] = float(stats.t.cdf((abs(effect) - min_effect) / error, freedom))
    return out


def interval(contrast, outside):
    """effect ± t e that leaves `outside` in both tails together."""
    effect, error, freedom = contrast["effect"], contrast["error"], contrast["freedom"]
    if contrast["state"] == "same":
        return 0.0, 0.0
    if not (error > 0 and freedom > 0):
        return NAN, NAN
    half = float(stats.t.isf(outside / 2, freedom)) * error
    return effect - half, effect + half


def _judge(scores, min_effect, higher_is_better, pairs, paired, alpha, decided):
    """One round at level alpha. decided: index of a contrast -> the word it has already."""
    scores = np.asarray(scores, dtype=float)
    v, d = row_variances(scores)
    planned = [(k, 0) for k in range(1, len(scores))] + [tuple(pair) for pair in pairs]
    m = len(planned)
    contrasts = [one_contrast(scores, i, j, v, d, min_effect, paired) for i, j in planned]

    family, within = [], []  # the p that each contrast counts with; untestable: 1
    for k, c in enumerate(contrasts):
        if k in decided:
            family.append(1.0 if decided[k] == "equivalent" else 0.0)
            within.append(0.0 if decided[k] == "equivalent" else 1.0)
        else:
            family.append(1.0 if math.isnan(c["p"]) else c["p"])
            within.append(1.0 if math.isnan(c["p_within"]) else c["p_within"])
    family_holm, within_holm = holm(family), holm(within)

    for k, c in enumerate(contrasts):
        testable = c["state"] in ("same", "test")
        c["p_holm"] = family_holm[k] if testable else NAN
        c["p_within_holm"] = within_holm[k] if testable and min_effect is not None else NAN
        c["low"], c["high"] = interval(c, alpha)
        c["all_low"], c["all_high"] = interval(c, alpha / m)
        if k in decided:
            c["word"] = decided[k]
        elif not testable:
            c["word"] = None
        elif min_effect is not None and (c["state"] == "same" or c["p_within_holm"] <= alpha):
            c["word"] = "equivalent"
        elif c["p_holm"] <= alpha:
            c["word"] = "helps" if (c["effect"] > 0) == bool(higher_is_better) else "hurts"
        else:
            c["word"] = "unresolved"
    return contrasts


def judge(scores, min_effect, higher_is_better=True, pairs=(), paired=False):
    """One dict a contrast: the variants against row 0, then the pairs (row i minus row j)."""
    return _judge(scores, min_effect, higher_is_better, pairs, paired, 0.05, {})


def judge_looks(scores, min_effect, looks, higher_is_better=True):
    """(word, seeds at which it was decided) by variant; ("unresolved", last look) where never."""
    scores = np.asarray(scores, dtype=float)
    m = len(scores) - 1
    words, columns = {}, {}  # by index of contrast = row - 1
    for n in looks:
        seen = np.full(scores.shape, np.nan)
        width = max(n, round(n * math.sqrt(m)))
        seen[0, :width] = scores[0, :width]
        for k in range(m):
            have = columns.get(k, n)
            seen[k + 1, :have] = scores[k + 1, :have]
        verdicts = _judge(
            seen, min_effect, higher_is_better, (), False, 0.05 / len(looks), dict(words)
        )
        for k, verdict in enumerate(verdicts):
            if k not in words and verdict["word"] in ("helps", "hurts", "equivalent"):
                words[k], columns[k] = verdict["word"], n
    return [(words[k], columns[k]) if k in words else ("unresolved", looks[-1]) for k in range(m)]
