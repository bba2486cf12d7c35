"""Versions as they are stored with every run. Two processes, less than a second."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from srbench.core.provenance import surroundings, versions


def test_torchs_version_names_its_build() -> None:
    assert versions()["torch"] == str(torch.__version__)


def test_versions_are_read_without_importing_torch() -> None:
    code = (
        "import sys; from srbench.core.provenance import versions; versions(); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_command_is_stored_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://me:s3cr/et@host/name"
    monkeypatch.setattr(sys, "argv", ["/bin/srbench", "run", "a.yaml", "--db", address])
    assert surroundings().command.endswith("run a.yaml --db postgresql://me:***@host/name")
