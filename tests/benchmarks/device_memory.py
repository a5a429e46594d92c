"""Peak memory of the CUDA device, sampled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

_SECONDS = 0.002


def in_use() -> int:
    """Return the bytes that all processes hold on the device."""
    import cupy

    free, total = cupy.cuda.runtime.memGetInfo()
    return int(total - free)


class Peak:
    """The most bytes in use while the block runs, looked at every two milliseconds.

    A library that keeps what it has freed counts as using it.
    """

    def __init__(self, look: Callable[[], int] = in_use) -> None:
        self._look = look
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.bytes = 0

    def __enter__(self) -> Peak:
        self.bytes = self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self.bytes = max(self.bytes, self._look())

    def _sample(self) -> None:
        while not self._done.wait(_SECONDS):
            self.bytes = max(self.bytes, self._look())
