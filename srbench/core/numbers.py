"""How numbers are written: fixed formats, a sign on differences, as many digits as the interval
justifies. The page uses a true minus sign; CSV and LaTeX use their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median

MINUS = "\N{MINUS SIGN}"
UNITS = {"dB": 1.0, "ms": 1.0, "s": 1.0, "%": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
"""The units that people may write after a number, and their factors; k, M and G leave no unit."""


def fixed(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with a fixed count of decimals and thousands separators, in plain ASCII."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    out = f"{value:{'+' if signed else ''},.{decimals}f}"
    is_zero = not any(c in "123456789" for c in out)
    return out.lstrip("+-") if is_zero else out


def without_infinite(values: Iterable[float]) -> list[float]:
    """The values that a mean counts: not inf, the PSNR of an image that is reproduced exactly.

    All of them if every one is inf.
    """
    numbers = list(values)
    return [x for x in numbers if x != math.inf] or numbers


def shown(value: float, decimals: int, *, signed: bool = False) -> str:
    """The same for reading: with a true minus sign."""
    return fixed(value, decimals, signed=signed).replace("-", MINUS)


def with_unit(number: str, unit: str) -> str:
    """A number and its unit; the unit may be empty."""
    return f"{number} {unit}" if unit else number


def p_value(p: float) -> str:
    """A p-value in a sentence: "p = 0.0003", "p < 0.0001"; "" for NaN."""
    if p != p:
        return ""
    return "p < 0.0001" if p < 0.0001 else f"p = {p_exact(p)}"


def p_plain(p: float) -> str:
    """The same in a sentence, without powers of ten: 0.000033, or "less than 0.000001"."""
    if p < 1e-6:
        return "less than 0.000001"
    return f"{p:.{max(0, 1 - math.floor(math.log10(p)))}f}".rstrip("0").rstrip(".")


def p_exact(p: float) -> str:
    """A p-value with two digits, however small: 0.0003, 1.2e-06."""
    return f"{p:.2g}"


def justified_decimals(halves: Iterable[float], unit: str) -> int:
    """Decimals that intervals of these half-widths justify: one significant digit of the middle
    half-width, two where it starts with 1 or 2; never fewer than two, as the field writes.
    Without an interval: 2 for dB, 4 for the rest.
    """
    known = [h for h in halves if math.isfinite(h) and h > 0]
    if not known:
        return 2 if unit == "dB" else 4
    half = median(known)
    exponent = math.floor(math.log10(half))
    lead = half / 10**exponent
    decimals = -exponent + (1 if lead < 2.95 else 0)
    low, high = (2, 4) if unit == "dB" else (2, 6)
    return min(max(decimals, low), high)


def plural(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(items: Iterable[str]) -> str:
    """a, b and c."""
    words = list(items)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def duration(seconds: float | None) -> str:
    """A duration in words: 45 s, 3 min 20 s, 2 h 05 min, 3 d 4 h."""
    if seconds is None:
        return "unknown"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
