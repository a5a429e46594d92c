"""Two processes that LightGBM's network connects, started by hand."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import Any

from ranks import processes

_PATIENCE = 60


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Machines:
    """A pool of two processes, each of them one machine of every training."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def run(self, work: Any, parts: list[Any], *args: Any) -> list[Any]:
        """Return what ``work(network, part, *args)`` returns, or its error."""
        ports = free_ports(len(parts))
        network = {
            "machines": ",".join(f"127.0.0.1:{port}" for port in ports),
            "num_machines": len(parts),
            "tree_learner": "data",
            "pre_partition": True,
            "time_out": 1,
        }
        jobs = [
            self._pool.submit(
                _guarded, work, {**network, "local_listen_port": port}, part, args
            )
            for port, part in zip(ports, parts, strict=True)
        ]
        return [job.result(timeout=_PATIENCE) for job in jobs]


@contextmanager
def machines() -> Any:
    with processes() as pool:
        yield Machines(pool)


def _guarded(work: Any, network: dict[str, Any], part: Any, args: Any) -> Any:
    try:
        return work(network, part, *args)
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
