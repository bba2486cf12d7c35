"""Figures of the literature that `srbench verify` compares with, each with its source.

Bicubic: Lim et al. (EDSR), 2017, https://arxiv.org/abs/1707.02921, table of benchmark results;
Manga109 from Lai et al. (LapSRN), 2017, https://arxiv.org/abs/1704.03915.
PAN: the logs beside its code, https://github.com/zhaohengyuan1/PAN. CARN-M: measured with its
authors' code and weights, https://github.com/nmhkahn/CARN-pytorch.
"""

from __future__ import annotations

SCALES = (2, 3, 4)
IMAGES = {"set5": 5, "set14": 14, "b100": 100, "urban100": 100, "manga109": 109}
BICUBIC = {  # PSNR of Y at x2, x3, x4, protocol matlab-y; a set's fingerprint
    "set5": (33.66, 30.39, 28.42),
    "set14": (30.24, 27.55, 26.00),
    "b100": (29.56, 27.21, 25.96),
    "urban100": (26.88, 24.46, 23.14),
    "manga109": (30.80, 26.95, 24.89),
}
WEIGHTS = {"pan": "PANx{s}_DF2K.pth", "carn_m": "carn_m.pth"}  # files; {s} is the scale
SCORES = {  # (network, set): PSNR and SSIM of Y at each scale
    ("pan", "set5"): {2: (38.0007, 0.96049), 3: (34.4003, 0.92717), 4: (32.1311, 0.89481)},
    ("pan", "set14"): {2: (33.5927, 0.91805), 3: (30.3553, 0.84220), 4: (28.6107, 0.78215)},
    ("pan", "b100"): {2: (32.1812, 0.8997), 3: (29.1045, 0.8049), 4: (27.5914, 0.7363)},
    ("pan", "urban100"): {2: (32.0147, 0.9273), 3: (28.1068, 0.8510), 4: (26.1060, 0.7854)},
    ("carn_m", "set5"): {2: (37.6784, 0.95948), 3: (34.0577, 0.92478), 4: (31.8831, 0.89099)},
    ("carn_m", "set14"): {3: (30.1025, 0.83770)},
}
