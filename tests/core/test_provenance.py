"""Versions as they are stored with every run. Two processes, less than a second."""

from __future__ import annotations

import subprocess
import sys

import torch

from srbench.core.provenance import versions


def test_torchs_version_names_its_build() -> None:
    assert versions()["torch"] == str(torch.__version__)


def test_versions_are_read_without_importing_torch() -> None:
    code = (
        "import sys; from srbench.core.provenance import versions; versions(); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
