"""Checkpoints survive torn writes, rotten bytes and kills; two are kept."""

from __future__ import annotations

import errno
import hashlib
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from srbench.core.errors import DiskError
from srbench.core.files import replacing, write_atomically
from srbench.train import checkpoint

CPU = torch.device("cpu")


def state(step: int) -> dict[str, Any]:
    net = {"weight": torch.full((3, 2), float(step)), "half": torch.ones(2, dtype=torch.bfloat16)}
    return {"step": step, "net": net, "losses": torch.tensor([0.5, 0.25], dtype=torch.float64)}


def newest(folder: Path) -> int | None:
    found = checkpoint.load_newest(folder, CPU)
    return None if found is None else found["step"]


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 7, state(7))
    found = checkpoint.load_newest(tmp_path, CPU)
    assert found is not None
    assert torch.equal(found["net"]["weight"], state(7)["net"]["weight"])
    assert found["net"]["half"].dtype == torch.bfloat16
    assert found["losses"].tolist() == [0.5, 0.25]


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 5, 9, 10, 100):
        checkpoint.save(tmp_path, step, state(step))
    assert len(list(tmp_path.iterdir())) == 2
    assert newest(tmp_path) == 100


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


def test_the_older_state_serves_after_any_flipped_bit_or_cut(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, {"step": 1})
    second = checkpoint.save(tmp_path, 2, {"step": 2, "net": torch.ones(2)})
    whole = second.read_bytes()
    bits = random.Random(1).sample(range(len(whole) * 8), 2000)
    damaged = [flipped(whole, bit) for bit in bits]
    damaged += [whole[:length] for length in (*range(0, len(whole), 7), 1, 31, 32, 33, -33, -1)]
    damaged += [whole + b"\0", whole[32:] + whole[:32], b"\0" * len(whole)]
    said: list[str] = []
    for data in damaged:
        second.write_bytes(data)
        found = checkpoint.load_newest(tmp_path, CPU, said.append)
        assert found is not None
        assert found["step"] == 1
    assert len(said) == len(damaged)
    assert all(line.startswith(f"{second}: the checkpoint is damaged") for line in said)
    assert not any("\n" in line for line in said)
    second.write_bytes(whole)
    assert newest(tmp_path) == 2


@pytest.mark.parametrize("payload", [b"", b"PK\x05\x06", b"\x80\x04.", b"x" * 99])
def test_what_is_no_state_but_has_its_digest_is_not_taken(tmp_path: Path, payload: bytes) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    (tmp_path / "0000000002.checkpoint").write_bytes(payload + hashlib.sha256(payload).digest())
    assert newest(tmp_path) == 1


def test_a_checkpoint_that_is_a_folder_is_passed_over(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    (tmp_path / "0000000002.checkpoint").mkdir()
    assert newest(tmp_path) == 1


def test_a_refusing_disk_names_the_file_and_keeps_the_older_state(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    (tmp_path / "0000000002.checkpoint.part").mkdir()
    with pytest.raises(DiskError, match=r"0000000002\.checkpoint: cannot be written"):
        checkpoint.save(tmp_path, 2, state(2))
    assert newest(tmp_path) == 1


def test_without_an_undamaged_state_there_is_none(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    assert newest(tmp_path / "missing") is None
    for step in (1, 2):
        checkpoint.save(tmp_path, step, state(step)).write_bytes(b"rot" * 50)
    assert newest(tmp_path) is None


def test_an_unfinished_write_is_not_seen(tmp_path: Path) -> None:
    first = checkpoint.save(tmp_path, 1, state(1))
    first.with_name("0000000002.checkpoint.part").write_bytes(first.read_bytes())
    assert newest(tmp_path) == 1


def test_discarding_leaves_other_files(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    (tmp_path / "weights").touch()
    checkpoint.discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for data in (b"one", b"", b"three"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_second_writer_leaves_the_first_ones_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    with replacing(path) as first:
        first.write(b"first")
        with monkeypatch.context() as here:
            here.setattr(Path, "open", full)
            with pytest.raises(DiskError, match="the disk is full"):
                write_atomically(path, b"second")
    assert path.read_bytes() == b"first"


WRITER = """
import sys, torch
from pathlib import Path
from srbench.train import checkpoint
print("ready", flush=True)
for step in range(1, 10**6):
    checkpoint.save(Path(sys.argv[1]), step, {"step": step, "noise": torch.rand(2000)})
    print(step, flush=True)
"""


def test_after_a_kill_the_last_one_that_was_finished_is_there(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    finished = int(lines[-1])
    assert newest(tmp_path) in (finished, finished + 1)
