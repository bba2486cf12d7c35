"""The process that holds a Ray cluster for tests: one JSON request a line, one line in answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
from ray.cluster_utils import Cluster

MEMORY = 80 * 2**20  # of a node's object store, bytes
QUICKLY = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 4,
}
"""A frozen node is given up after 4 s instead of a minute."""


def serve() -> None:
    here = {"include_dashboard": False, "object_store_memory": MEMORY}
    here |= {"node_ip_address": "127.0.0.1"}
    nodes = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": QUICKLY, **here}
    )
    added: list[Any] = []

    def family(node: Any) -> Iterator[psutil.Process]:
        for kind in node.all_processes.values():
            for one in kind:
                with suppress(psutil.NoSuchProcess):
                    parent = psutil.Process(one.process.pid)
                    yield from (parent, *parent.children(recursive=True))

    def is_worker(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return "spawn_main" in " ".join(process.cmdline())
        return False

    def answer(what: str, *given: Any) -> Any:
        if what == "address":
            return nodes.address
        if what == "add":
            cpus, gpus, variables = given
            os.environ.update(variables)
            added.append(nodes.add_node(num_cpus=cpus, num_gpus=gpus, **here))
            for name in variables:
                del os.environ[name]
            return len(added) - 1
        if what == "kill":
            node = added[given[0]] if given[0] >= 0 else nodes.head_node
            doomed = list(family(node))
            for process in doomed:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            if given[0] >= 0:
                nodes.remove_node(node, allow_graceful=False)
            return None
        if what == "pids":
            return [process.pid for process in family(added[given[0]])]
        if what == "busy":
            return [n for n, node in enumerate(added) if any(map(is_worker, family(node)))]
        listening = (
            c.laddr
            for node in (nodes.head_node, *added)
            for process in family(node)
            for c in process.net_connections()
            if c.status == psutil.CONN_LISTEN
        )
        return sorted({(one.ip, one.port) for one in listening})

    for line in sys.stdin:
        print(json.dumps({"answer": answer(*json.loads(line))}), flush=True)
    nodes.shutdown()


if __name__ == "__main__":
    serve()
