"""Debian's SLURM on this machine, with a network, processes and /etc/hosts of its own.

Its three nodes have one core each and share a host name. When the first process of the namespaces
is killed, the kernel ends all others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tiny

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch")
CONFIGURATION = """\
ClusterName=tiny
SlurmctldHost=tiny
AuthInfo=socket={home}/munge.socket
SlurmUser=root
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool-%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd-%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2
KillWait=30
MpiDefault=none
ReturnToService=2
NodeName=n1 NodeHostname=tiny NodeAddr=10.77.0.1 Port=17001 CPUs=1
NodeName=n2 NodeHostname=tiny NodeAddr=10.77.0.2 Port=17002 CPUs=1
NodeName=n3 NodeHostname=tiny NodeAddr=10.77.0.3 Port=17003 CPUs=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
START = """\
hostname tiny
ip link set lo up
for n in 1 2 3; do ip addr add 10.77.0.$n/32 dev lo; done
printf '127.0.0.1 localhost\\n10.77.0.1 tiny\\n' > {home}/hosts
mount --bind {home}/hosts /etc/hosts
mungekey -c -k {home}/munge.key
munged --key-file={home}/munge.key --socket={home}/munge.socket --pid-file={home}/munged.pid \
  --log-file={home}/munged.log --seed-file={home}/munge.seed
slurmctld
for n in 1 2 3; do slurmd -N n$n; done
exec sleep infinity
"""


class Slurm:
    """The cluster."""

    def __init__(self) -> None:
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing or os.getuid():
            pytest.skip(
                f"needs root and Debian's slurmctld, slurmd, slurm-client, munge ({missing})"
            )
        self.home = Path(tempfile.mkdtemp(prefix="slurm-"))  # short, for names of sockets
        self.home.chmod(0o711)  # MUNGE wants its socket to be within reach of all
        (self.home / "state").mkdir()
        (self.home / "slurm.conf").write_text(CONFIGURATION.format(home=self.home))
        programs = self.home / "bin"
        programs.mkdir()
        for name, module in {"srbench": "srbench", "ray": "ray.scripts.scripts"}.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
            program.chmod(0o755)
        self.variables = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SLURM_CONF": str(self.home / "slurm.conf"),
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
        }
        apart = ("--net", "--pid", "--mount", "--uts", "--fork", "--mount-proc", "--kill-child")
        self.process = subprocess.Popen(
            ["unshare", *apart, "bash", "-e", "-c", START.format(home=self.home)],
            env=os.environ | self.variables,
        )
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        (first,) = tiny.wait_for(lambda: children.read_text().split(), 10)
        self.first = first
        tiny.wait_for(lambda: len(self.ask("sinfo -h -N -t idle").splitlines()) == 3, 60)

    def start(self, folder: Path, script: str) -> subprocess.Popen[str]:
        """Start a script of the shell in a folder, as a user of the cluster does."""
        spaces = ("--net", "--pid", "--mount", "--uts")
        enter = ("nsenter", f"--target={self.first}", *spaces, f"--wd={folder}", "env")
        variables = (f"{name}={value}" for name, value in self.variables.items())
        return tiny.started(folder, *enter, *variables, "bash", "-c", script)

    def ask(self, script: str, folder: Path | None = None) -> str:
        """Run such a script to its end; what it printed."""
        return tiny.ended(self.start(folder or self.home, script), 0)

    def jobs(self) -> list[str]:
        """The jobs that run, each task of an array as one."""
        return self.ask("squeue -h -r -t running -o %i").split()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
