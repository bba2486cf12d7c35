"""A Ray cluster on this machine for tests; its nodes come and die (`ray_nodes`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import tiny

TOKEN = "of-the-tests-0123456789abcdef0123456789abcdef"
NODES = Path(__file__).with_name("ray_nodes.py")
RAY = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",  # until a dead head is given up; else 60
    "RAY_TMPDIR": "/tmp",  # sockets, whose paths may not be long
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback only, on Linux as well
}


class Cluster:
    """The cluster; its nodes have numbers, and see the folder `away` as theirs."""

    def __init__(self, away: Path, **variables: str) -> None:
        away.mkdir(exist_ok=True)
        environment = tiny.environment(away) | RAY | {"TMPDIR": str(away)} | variables
        with (away / "errors").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(NODES)], cwd=away, env=environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True,
            )  # fmt: skip
        self.address = self.ask("address")

    def ask(self, what: str, *given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([what, *given]), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)["answer"]
        raise AssertionError("the cluster has ended")

    def add(self, cpus: int = 1, gpus: int = 0, **variables: str) -> int:
        """Add a node with these environment variables; its number."""
        return int(self.ask("add", cpus, gpus, variables))

    def kill(self, node: int) -> None:
        """Kill a node with all its processes, as a power cut does."""
        self.ask("kill", node)

    def pids(self, node: int) -> list[int]:
        """The processes of a node: its raylet and what comes of it."""
        return list(self.ask("pids", node))

    def busy(self) -> list[int]:
        """The nodes on which a worker of srbench has been started."""
        return list(self.ask("busy"))

    def ports(self) -> list[list[Any]]:
        """Address and port of everything the cluster's processes listen on."""
        return list(self.ask("ports"))

    def close(self) -> None:
        with suppress(Exception):
            self.process.communicate(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
