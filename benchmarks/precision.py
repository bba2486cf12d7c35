"""Whether bf16 training ends where fp32 training ends: the evidence behind `--precision auto`.

Trains a small study twice through `srbench run`, in fp32 and in bf16, with the same seeds, and
compares final PSNR pair by pair: the mean difference with its 95 % interval, beside the spread over
seeds and the two one-sided tests against `--bound` dB. About 20 minutes on two cores with AMX.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from srbench.store import open_store

STUDY = """\
question: Does bf16 training end where fp32 training ends?
scale: 2
data: {{train: photos, patches: 120, patch: {patch}, validate: photos, eval: [photos]}}
train:
  epochs: {epochs}
  batch: 6
  validations: 1
  optimizer: {{adam: {{lr: 2.0e-3}}}}
  schedule: cosine
seeds: {seeds}
base: {{carn: {{channels: {channels}}}}}
variants:
  plain: {{}}
  residual: {{skip: bilinear}}
  attention: {{attention: scse}}
baseline: plain
metric: psnr_y on photos
interpolations: []
min_effect: 0.03 dB
"""


def final_psnr(db: Path) -> dict[tuple[str, int], float]:
    """(variant, seed) -> mean PSNR-Y over the evaluation images, in dB."""
    scores = open_store(str(db), create=False).reading.results("precision").scores
    chosen = scores[scores["metric"] == "psnr_y"]
    means = chosen.groupby(["variant", "seed"])["value"].mean()
    return {(str(v), int(s)): float(x) for (v, s), x in means.items()}


def main() -> int:
    """Train, compare, print; 1 where the two are not shown to be equivalent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--patch", type=int, default=64, help="HR pixels")
    parser.add_argument("--bound", type=float, default=0.03, help="dB that would matter")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--keep", type=Path, help="folder for the databases")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        study = folder / "precision.yaml"
        study.write_text(STUDY.format(**vars(given)))
        found = {}
        for precision in ("fp32", "bf16"):
            db = folder / f"{precision}.sqlite"
            line = [sys.executable, "-m", "srbench", "run", str(study), "--db", str(db),
                    "--precision", precision, "--device", given.device]  # fmt: skip
            line += ["--workers", str(given.workers)] if given.workers else []
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            found[precision] = final_psnr(db)
    return report(found, given.bound)


def report(found: dict[str, dict[tuple[str, int], float]], bound: float) -> int:
    """One line a variant; 1 unless each is equivalent."""
    print("variant      seeds   fp32 dB   bf16 dB  bf16 - fp32, 95 %      sd of seeds   TOST p")
    worst = 0.0
    for variant in ("plain", "residual", "attention"):
        seeds = sorted(s for v, s in found["fp32"] if v == variant)
        fp32, bf16 = (np.array([found[p][variant, s] for s in seeds]) for p in ("fp32", "bf16"))
        difference = bf16 - fp32
        if len(seeds) < 3:
            print(f"{variant:12} {len(seeds):5}   too few seeds")
            worst = 1.0
            continue
        error = difference.std(ddof=1) / np.sqrt(len(seeds))
        half = stats.t.ppf(0.975, len(seeds) - 1) * error
        t = (bound - abs(difference.mean())) / error if error else np.inf
        p = float(stats.t.sf(t, len(seeds) - 1))
        worst = max(worst, p)
        print(
            f"{variant:12} {len(seeds):5}  {fp32.mean():8.4f}  {bf16.mean():8.4f}  "
            f"{difference.mean():+.4f} ± {half:.4f}      {fp32.std(ddof=1):.4f}       {p:.4f}"
        )
    print(f"equivalent within ±{bound} dB at 5 %: {'yes' if worst < 0.05 else 'not shown'}")
    return int(worst >= 0.05)


if __name__ == "__main__":
    sys.exit(main())
