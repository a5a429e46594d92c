"""The scoring service of the docs, started where this package cannot be imported."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).resolve().parents[1] / "docs"
_START = (
    "import sys; sys.modules['focal_boost'] = None\n"
    "import uvicorn; uvicorn.run('scoring_service:app', port={}, log_level='error')"
)


@contextmanager
def started(file: Path) -> Iterator[Any]:
    """Serve a model file, and yield a client of the service."""
    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = subprocess.Popen(
        [sys.executable, "-c", _START.format(port)],
        cwd=DOCS,
        env={**os.environ, "MODEL": str(file), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False) as client:
            _wait(client, service)
            yield client
    finally:
        service.terminate()
        service.wait(10)


def _wait(client: Any, service: subprocess.Popen[bytes]) -> None:
    import httpx

    for _ in range(600):
        if service.poll() is not None:
            break
        try:
            client.get("/openapi.json")
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the service has not answered")


def asked(rows: Any) -> dict[str, Any]:
    """Return rows as the service takes them."""
    return {"rows": np.where(np.isnan(rows), None, rows).tolist()}
