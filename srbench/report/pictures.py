"""Pictures beside the page, and small crops inside it.

The full pictures are copied next to the page. The page itself carries crops where the variants
differ most, so that it also shows something alone, on paper and without scripts.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from srbench.analysis.results import Results
from srbench.analysis.run_matrix import image_scores, interpolations, trained
from srbench.core.files import write_derived
from srbench.core.numbers import plural, shown, with_unit
from srbench.report.colours import coloured
from srbench.report.section import Section

CROP = 64  # HR pixels, square
MOST_CROPPED = 4  # images with crops inside the page


@dataclass(frozen=True)
class Panel:
    """One picture of a scene: LR, an interpolation, a variant, or HR."""

    name: str
    kind: str  # lr | sr | hr
    source: Path
    path: str  # relative to the page
    says: str  # "33.57 dB"


@dataclass(frozen=True)
class Scene:
    """One dataset image with all its panels, LR first and HR last."""

    image: str
    width: int
    height: int
    seed: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Crop:
    """A window of a scene, each panel cut out as PNG data."""

    image: str
    left: int
    top: int
    size: int
    cuts: tuple[tuple[str, str, str], ...]  # name, what it scores, data URI


@lru_cache(maxsize=2)
def scenes(results: Results) -> tuple[Scene, ...]:
    """The images that have HR and at least one SR picture on disk, by name."""
    frame = results.pictures
    frame = frame[frame["dataset"] == results.facts.dataset]
    out = []
    for number, image in enumerate(sorted({str(i) for i in frame["image"]})):
        scene = _scene(results, frame[frame["image"] == image], image, number)
        if scene is not None:
            out.append(scene)
    return tuple(out)


def copy_pictures(found: tuple[Scene, ...], folder: Path) -> None:
    """Copy every panel's file to its place beside the page."""
    for scene in found:
        for panel in scene.panels:
            target = folder / panel.path
            if not target.exists() or not target.samefile(panel.source):
                write_derived(target, panel.source.read_bytes())


def crops(results: Results, found: tuple[Scene, ...]) -> tuple[Crop, ...]:
    """Crops of the first scenes: the baseline, the coloured variants and the interpolations."""
    wanted = {results.facts.baseline, *coloured(results), "bicubic"}
    return tuple(_crop(scene, wanted) for scene in found[:MOST_CROPPED])


def _scene(results: Results, frame: pd.DataFrame, image: str, number: int) -> Scene | None:
    seed = _common_seed(results, frame)
    files = _files(results, frame, seed)
    low, high = files.get(("lr", "")), files.get(("hr", ""))
    folder = f"pictures/{number:03d}-{_slug(image)}"
    panels: list[Panel] = []
    if low is not None:
        panels.append(Panel("LR (nearest)", "lr", low, f"{folder}/lr{low.suffix}", ""))
    scores = image_scores(results)
    of_seed = (scores["seed"] == seed) | ~scores["variant"].isin(trained(results))
    means = scores[(scores["image"] == image) & of_seed].groupby("variant")["value"].mean()
    unit, metric = results.facts.unit, results.facts.heading()
    kinds = sorted({kind for kind, _ in files} - {"lr", "hr"})  # sr, and sr/x2 of an output
    names = [(name, k) for name in (*interpolations(results), *trained(results)) for k in kinds]
    for order, (name, kind) in enumerate(names):
        source = files.get((kind, name))
        if source is None:
            continue
        smaller = kind.removeprefix("sr").replace("/", " at ")
        says = ""
        if name in means.index and not smaller:
            says = f"{metric} {with_unit(shown(float(means[name]), 2), unit)}"
        path = f"{folder}/{order:02d}-{_slug(name + smaller)}{source.suffix}"
        panels.append(Panel(name + smaller, "sr", source, path, says))
    if high is None or not any(p.kind == "sr" for p in panels):
        return None
    panels.append(Panel("HR", "hr", high, f"{folder}/hr{high.suffix}", ""))
    with Image.open(high) as picture:
        width, height = picture.size
    return Scene(image, width, height, seed, tuple(panels))


def _files(results: Results, frame: pd.DataFrame, seed: int) -> dict[tuple[str, str], Path]:
    """(kind, variant) -> the first file there is, of this seed where a variant has seeds.

    LR and HR are of no variant.
    """
    found: dict[tuple[str, str], Path] = {}
    for row in frame.sort_values("path").to_dict("records"):
        kind, name = str(row["kind"]), str(row["variant"])
        if kind in ("lr", "hr"):
            name = ""
        elif name in trained(results) and row["seed"] != seed:
            continue
        file = results.root / str(row["path"])
        if (kind, name) not in found and file.is_file():
            found[kind, name] = file
    return found


def _common_seed(results: Results, frame: pd.DataFrame) -> int:
    """The smallest seed that most variants have a picture of."""
    made = frame["kind"].str.startswith("sr")
    own = frame[made & frame["variant"].isin(trained(results))]
    counts = own.groupby("seed")["variant"].nunique()
    return int(counts[counts == counts.max()].index.min()) if len(counts) else 0


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:40] or "x"


def _crop(scene: Scene, wanted: set[str]) -> Crop:
    size = (scene.width, scene.height)
    shots = {
        panel.name: _pixels(panel.source, size)
        for panel in scene.panels
        if panel.kind != "sr" or panel.name in wanted
    }
    differ = [shots[p.name] for p in scene.panels if p.kind == "sr" and p.name in shots]
    left, top, side = _window(differ, size)
    cuts = tuple(
        (p.name, p.says, _data_uri(shots[p.name][top : top + side, left : left + side]))
        for p in scene.panels
        if p.name in shots
    )
    return Crop(scene.image, left, top, side, cuts)


def _pixels(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        colour = picture.convert("RGB")
        if colour.size != size:
            colour = colour.resize(size, Image.Resampling.NEAREST)
        return np.asarray(colour)


def _window(shots: list[NDArray[np.uint8]], size: tuple[int, int]) -> tuple[int, int, int]:
    """(left, top, side) of the square in which the shots differ most; ties go to the top left."""
    width, height = size
    side = min(CROP, width, height)
    stack = np.stack(shots).astype(np.float64)
    spread = stack.var(axis=0).mean(axis=-1)  # (height, width)
    total = np.pad(spread.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(left), int(top), side


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def section(results: Results) -> Section:
    """Crops in the page, whole pictures beside it."""
    found = scenes(results)
    count = f"{plural(len(found), 'picture')} to compare by eye"
    return Section(
        "pictures",
        "Pictures",
        count if found else "No pictures were stored with these results",
        template="section_pictures.html",
        shows={"crops": crops(results, found), "scenes": found},
        data={"scenes-data": [_plain(scene) for scene in found]},
    )


def _plain(scene: Scene) -> dict[str, Any]:
    panels = [{k: getattr(p, k) for k in ("name", "kind", "path", "says")} for p in scene.panels]
    return {k: getattr(scene, k) for k in ("image", "width", "height", "seed")} | {"panels": panels}
