"""What a file's path says of it in the field's ways of naming files: HR or LR, and which scale.

img_001_SRF_4_LR.png (SelfExSR), baby_bicLRx4.png (KAIR), baby_LRBI_x2.png (RCAN), 0801x4w1.png
(DIV2K), Canon_001_LR4.png (RealSR), LR_bicubic/X2/babyx2.png (EDSR), GTmod12/baby.png (BasicSR),
panasonic_79_x4_25.png (DRealSR), sharp/000047.png and blur/000047.png (GoPro).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

Kind = Literal["", "hr", "lr"]

_RES = r"(?:[_\- ]?res(?:olution)?)?"
_CLEAN, _DEGRADED = r"target|sharp|clean|ground[_\- ]?truth", "input|blur(?:red|ry)?|noisy"
_HR = rf"(?P<hr>(?:HR|GT|HQ)(?:_?mod\d+)?|original|{_CLEAN}|high{_RES})"
_LR = (
    r"(?P<lr>(?:(?:matlab|bic)?(?:LR|LQ)|BI|BD|DN|bicubic|bic)"
    r"(?:[_\- ]?(?:BI|BD|DN|bicubic|bic|blur|unknown|mild|difficult|wild))?"
    rf"|{_DEGRADED}|low{_RES})"
)
_WORD = re.compile(rf"(?:^|[_\-. ])(?:{_HR}|{_LR}(?P<scale>\d{{1,2}})?)$", re.IGNORECASE)
_FIRST = re.compile(
    rf"^(?:(?P<hr>HR|GT|HQ|{_CLEAN})|(?P<lr>LR|LQ|{_DEGRADED}))[_\-. ](?=.)", re.IGNORECASE
)
_SHARP = re.compile(rf"(?:^|[_\-. ])(?:{_CLEAN}|{_DEGRADED})$", re.IGNORECASE)
_SCALE = re.compile(
    r"(?:[_\-. ]?(?:SRF[_\-]?|x)(?P<scale>\d{1,2})(?:m|d|u|w\d)?|[_\-. ](?P<before>\d{1,2})x)$",
    re.IGNORECASE,
)
_AROUND = re.compile(r"^image_(?=SRF)|_sub$")  # of folders: image_SRF_4, X4_sub
_INNER = re.compile(r"[_\-]x(?P<scale>\d{1,2})(?=[_\-]\d+$)", re.IGNORECASE)


@dataclass(frozen=True)
class Marks:
    """A path within a folder, without suffix, taken apart."""

    folder: str  # its folders without what says kind and scale: HR and LR trees have the same
    stem: str
    bare: str  # the stem without what says kind and scale
    kind: Kind
    scale: int | None
    shelf: int | None  # the scale that a folder says

    @property
    def name(self) -> str:
        """What HR and LR of one image have in common."""
        return f"{self.folder}/{self.bare}".lstrip("/")


@cache
def marks(name: str) -> Marks:
    """What a path within a folder says; `name` is the path without suffix, with slashes.

    Letters with accents count alike however they are composed: file systems of a Mac take them
    apart.
    """
    *folders, stem = unicodedata.normalize("NFC", name).split("/")
    above = [_stripped(_AROUND.sub("", folder), 0) for folder in folders]
    bare, kind, scale = _stripped(stem, 1)
    shelf = next((one[2] for one in reversed(above) if one[2] is not None), None)
    kind = kind or next((one[1] for one in reversed(above) if one[1]), "")
    if not kind and 1 in (scale, shelf):
        kind = "hr"
    folder = "/".join(one[0] for one in above if one[0])
    return Marks(folder, stem, bare, kind, scale if scale is not None else shelf, shelf)


def _stripped(text: str, least: int) -> tuple[str, Kind, int | None]:
    """The text without its marks, of which at least `least` characters stay; kind and scale."""
    kind: Kind = ""
    scale: int | None = None
    while True:
        patterns = [] if kind else [_WORD, _FIRST]
        patterns += [_SCALE, _INNER] if scale is None else []
        patterns += [_SHARP] if kind == "lr" else []  # train_sharp_bicubic is of train_sharp
        tried = (pattern.search(text) for pattern in patterns)
        found = next((m for m in tried if m and len(text) - len(m[0]) >= least), None)
        if found is None:
            return text, kind, scale
        given = {key: value for key, value in found.groupdict().items() if value}
        if "hr" in given or "lr" in given:
            kind = "hr" if "hr" in given else "lr"
        number = given.get("scale") or given.get("before")
        scale = int(number) if number else scale
        text = text[: found.start()] + text[found.end() :]
