"""SYNTHETIC results for the report's tests: made-up numbers with a realistic shape."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from known_metrics import METRICS
from PIL import Image

from srbench.analysis.results import LOOKS, PUBLISHED, Results, StudyFacts
from srbench.core.table import Table

IMAGES = ("astronaut", "chelsea", "coffee")
GAINS = {"plain": 0.0, "residual": 3.21, "residual_se": 3.28, "residual_atrous": 3.05}
LEVELS = {"nearest": 31.10, "bilinear": 32.01, "bicubic": 32.72, "lanczos": 32.80}


def facts(names: list[str], seeds: int, epochs: int) -> StudyFacts:
    return StudyFacts(
        name="quickstart",
        question="Which blocks help a small CARN at x2?",
        source="",
        scale=2,
        baseline=names[0],
        metric="psnr_y",
        dataset="photos",
        protocol="sr-y-v1",
        min_effect=0.3,
        seeds=tuple(range(seeds)),
        epochs=epochs,
        steps=epochs * 20,
        plan="0f" * 32,
        planned_at="2030-01-02T03:04:05+00:00",
        text="question: Which blocks help a small CARN at x2?\nscale: 2\n",
        overrides=(),
        train={"loss": "l1", "optimizer": {"adam": {"lr": 0.002}}, "schedule": "cosine"},
        data={"train": "photos", "eval": ["photos"], "patch": 48},
        references=(
            ("carn", "Ahn, Kang, Sohn: Fast, Accurate, and Lightweight Super-Resolution, 2018. "
             "https://arxiv.org/abs/1803.08664"),
            ("scse", "Roy, Navab, Wachinger, 2018. https://arxiv.org/abs/1803.02579"),
        ),
        notes=("made for the report's tests",),
        synthetic=True,
        metric_facts=METRICS,
    )  # fmt: skip


def study(
    gains: dict[str, float] = GAINS, *, seeds: int = 3, epochs: int = 12, images: int = 3
) -> Results:
    """A finished study of the given variants; the first one is the baseline."""
    rng = np.random.default_rng(7)
    names = list(gains)
    run_rows, curve_rows, score_rows, variants = [], [], [], []
    shared = rng.normal(0, 0.05, seeds)
    pictures_of = [*IMAGES, *(f"image{i:03d}" for i in range(3, images))][:images]
    level = {image: 1.5 * np.sin(i) for i, image in enumerate(pictures_of)}
    for number, name in enumerate(names):
        parameters = 70_000 + 1_400 * number + (60_000 if "5_blocks" in name else 0)
        variants.append(
            {
                "variant": name, "role": "baseline" if number == 0 else "variant",
                "change": "" if number == 0 else f"global_residual: {name}",
                "fingerprint": f"{number:064x}", "parameters": parameters, "frozen": 0,
                "dead": 1_284 if "se" in name else 0,
                "dead_modules": json.dumps(["blocks.0.attention.2"] if "se" in name else []),
                "macs_720p": parameters * 230_400.0, "macs_256": parameters * 65_536.0,
                "activations": parameters * 1_200.0, "receptive_field": 43 + 2 * number,
                "uncounted": json.dumps(["aten.sigmoid"] if "se" in name else []),
            }
        )  # fmt: skip
        for seed in range(seeds):
            run = 1 + number * seeds + seed
            end = 30.36 + gains[name] + shared[seed] + rng.normal(0, 0.02)
            run_rows.append(run_row(run, name, seed, epochs, 9.0 + number + rng.normal(0, 0.3)))
            x = np.arange(1, epochs + 1)
            loss = 0.02 + 0.2 * np.exp(-x / 4) - 0.001 * gains[name] + rng.normal(0, 3e-4, epochs)
            psnr = end - 1.1 - 9 * np.exp(-x / (epochs / 9)) + rng.normal(0, 0.02, epochs)
            for curve, values in (("loss", loss), ("validate/psnr_y", psnr)):
                curve_rows += [
                    (run, name, seed, curve, int(e) * 20, float(e), float(v))
                    for e, v in zip(x, values, strict=True)
                ]
            for image in pictures_of:
                value = end + level[image] + rng.normal(0, 0.03)
                score_rows.append((run, name, seed, "photos", "sr-y-v1", image, "psnr_y", value))
                ssim = 0.8 + 0.003 * value
                score_rows.append((run, name, seed, "photos", "sr-y-v1", image, "ssim_y", ssim))
    for i, (name, base) in enumerate(LEVELS.items()):
        variants.append({"variant": name, "role": "interpolation", "change": "",
                         "fingerprint": f"{900 + i:064x}", "parameters": 0})  # fmt: skip
        for image in pictures_of:
            row = (900 + i, name, 0, "photos", "sr-y-v1", image)
            score_rows.append((*row, "psnr_y", base + level[image]))
            score_rows.append((*row, "ssim_y", 0.8 + 0.003 * base))
    score_columns = ["run_id", "variant", "seed", "dataset", "protocol", "image", "metric", "value"]
    return Results(
        facts=facts(names, seeds, epochs),
        variants=pd.DataFrame(variants),
        runs=pd.DataFrame(run_rows),
        curves=pd.DataFrame(
            curve_rows, columns=["run_id", "variant", "seed", "name", "step", "epoch", "value"]
        ),
        scores=pd.DataFrame(score_rows, columns=score_columns),
        pictures=pd.DataFrame(columns=PICTURE_COLUMNS),
        datasets=pd.DataFrame(
            [
                ("train", "photos", "ab" * 32, 6, 3.1),
                ("validate", "photos", "cd" * 32, 4, 0.9),
                ("evaluate", "photos", "ef" * 32, images, 0.8),
            ],
            columns=["role", "name", "manifest", "images", "megapixels"],
        ),
        looks=pd.DataFrame(columns=LOOKS),
        published=pd.DataFrame(columns=PUBLISHED),
        root=Path("nowhere"),
    )


PICTURE_COLUMNS = ["run_id", "variant", "seed", "dataset", "image", "kind", "path"]


def run_row(run: int, name: str, seed: int, epochs: int, seconds: float) -> dict[str, object]:
    versions = {"python": "3.11.9", "torch": "2.15.0", "srbench": "0.1.0"}
    return {
        "run_id": run, "variant": name, "seed": seed, "attempt": 1, "state": "done",
        "reason": None, "message": None, "steps": epochs * 20, "total_steps": epochs * 20,
        "train_seconds": seconds, "peak_memory_mb": 210.0 + run, "device": "cpu",
        "numerics": "cpu fp32, 1 thread", "host": "bench", "started": "2030-01-02T03:05:00+00:00",
        "finished": "2030-01-02T03:09:00+00:00", "weights": f"runs/{run}/weights.pt",
        "weights_sha256": "aa" * 32, "git_commit": "1234567890abcdef", "git_dirty": False,
        "versions": json.dumps(versions), "stale": False,
    }  # fmt: skip


def with_runs(results: Results, change: object) -> Results:
    """Change every run row by a function row -> row | None; None drops the row and its data."""
    rows = [change(dict(row)) for row in results.runs.to_dict("records")]  # type: ignore[operator]
    runs = pd.DataFrame([r for r in rows if r is not None], columns=results.runs.columns)
    done = set(runs.loc[runs["state"] == "done", "run_id"]) | set(range(900, 910))
    known = set(runs["run_id"])
    return replace(
        results,
        runs=runs,
        scores=results.scores[results.scores["run_id"].isin(done)],
        curves=results.curves[results.curves["run_id"].isin(known)],
    )


def failed(row: dict[str, object], reason: str = "diverged") -> dict[str, object]:
    return row | {"state": "failed", "reason": reason, "message": "loss is not finite at step 41"}


def with_pictures(results: Results, root: Path, size: tuple[int, int] = (96, 72)) -> Results:
    """Pictures on disk: a smooth scene, blurred a little more for weaker variants."""
    i, j = np.mgrid[0 : size[1], 0 : size[0]]
    rows: list[tuple[object, ...]] = []
    roles = results.variants.set_index("variant")["role"]
    for n, image in enumerate(IMAGES):
        scene = np.stack([128 + 90 * np.sin((i * (c + 2) + j * (n + 1)) / 6) for c in range(3)], -1)
        hr = scene.clip(0, 255).astype(np.uint8)
        for kind, pixels in (("hr", hr), ("lr", hr[::2, ::2])):
            path = f"pictures/{image}-{kind}.png"
            save(root / path, pixels)
            rows.append((1, results.facts.baseline, 0, "photos", image, kind, path))
        for v, name in enumerate(roles.index):
            path = f"pictures/{image}-{v}.png"
            noise = np.random.default_rng(v).normal(0, 3 + v, hr.shape)
            save(root / path, (hr + noise).clip(0, 255).astype(np.uint8))
            run = 900 + v if roles[name] == "interpolation" else 1 + v * len(results.facts.seeds)
            rows.append((run, name, 0, "photos", image, "sr", path))
    return replace(results, pictures=pd.DataFrame(rows, columns=PICTURE_COLUMNS), root=root)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def csv_read(table: Table) -> pd.DataFrame:
    """What a reader of a table's CSV gets: numbers, and text as it is written."""
    texts = {column.key: str for column in table.columns if not column.numeric}
    numbers = {column.key: [""] for column in table.columns if column.numeric}
    return pd.read_csv(
        io.StringIO(table.csv()),
        dtype=texts, na_values=numbers, keep_default_na=False, skip_blank_lines=False,
    )  # fmt: skip
