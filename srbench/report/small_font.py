"""A font with the characters of the figures alone, so that each PDF embeds it quickly.

Matplotlib cuts the font of a PDF down to the characters used, which takes 0.15 s for each PDF if
it starts from the whole font, 0.03 s from one with the characters of all figures, and 0.005 s if
that one spaces its letters by the short `kern` table instead of OpenType's.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from fontTools import subset
from matplotlib.font_manager import findfont, fontManager

FONT = "DejaVu Sans"  # comes with Matplotlib
SHAPED = ("Lo", "Mn", "Mc")  # letters without case and marks: scripts that need OpenType's tables


@contextmanager
def small_font(text: str) -> Iterator[None]:
    """Within, Matplotlib draws the characters of `text` in a cut copy of FONT, others in FONT."""
    whole = next(entry for entry in fontManager.ttflist if entry.fname == findfont(FONT))
    options = subset.Options(glyph_names=True, recommended_glyphs=True, legacy_kern=True)
    options.drop_tables += ["FFTM"]  # a time stamp, which fontTools would warn about
    characters = "".join(sorted({*text, *string.printable}))
    if not any(unicodedata.category(c) in SHAPED for c in characters):
        options.drop_tables += ["GDEF", "GPOS", "GSUB", "MATH"]
    with TemporaryDirectory() as folder, subset.load_font(whole.fname, options) as font:
        cut = subset.Subsetter(options)
        cut.populate(text=characters)
        cut.subset(font)
        path = str(Path(folder, "small.ttf"))
        font.save(path)
        entry = replace(whole, fname=path, name=path)  # no other family has this name
        fontManager.ttflist.append(entry)
        try:
            with matplotlib.rc_context({"font.sans-serif": [path, FONT]}):
                yield
        finally:
            fontManager.ttflist.remove(entry)
