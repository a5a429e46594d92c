"""Where the time of a round goes: the real training with its parts under the clock."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from competitors import OURS
from trainers import trainer_of

#: Steps by library: owner, attribute, and what it is called here.
_STEPS = {
    "xgboost": [
        ("DMatrix", "get_label", "get_label"),
        ("DMatrix", "get_weight", "get_weight"),
        ("Booster", "boost", "boost"),
    ],
    "lightgbm": [
        ("Dataset", "get_label", "get_label"),
        ("Dataset", "get_weight", "get_weight"),
        ("Booster", "_Booster__inner_predict", "raw scores"),
        ("Booster", "_Booster__boost", "boost"),
    ],
}


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return milliseconds per round of each step; "rest" is what no step is."""
    trainer = trainer_of(task["library"], OURS, task["threads"])
    folder = Path(task["data"])
    data = trainer.data(np.load(folder / "X.npy"), np.load(folder / "y.npy"))
    trainer.train(data, 1)
    clocks = _Clocks()
    _put_under(clocks, trainer.library, task["library"])
    start = time.perf_counter()
    trainer.train(data, task["rounds"])
    total = time.perf_counter() - start
    steps = {name: clocks.seconds[name] for name in _ORDER}
    steps["rest"] = total - sum(steps.values())
    return {
        "ms_per_round": {
            name: seconds / task["rounds"] * 1e3 for name, seconds in steps.items()
        },
        "total_ms_per_round": total / task["rounds"] * 1e3,
    }


_AROUND = "rows around the kernel"
_ORDER = ("raw scores", "get_label", "get_weight", "kernel", _AROUND, "boost")


class _Clocks:
    """Seconds of the main thread by step, without those of the steps inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.inside = 0.0  # seconds of the timed calls within the current one

    def time(self, owner: Any, attribute: str, name: str) -> None:
        """Replace a callable by one that is timed."""
        call = getattr(owner, attribute)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return call(*args, **kwargs)
            before, self.inside = self.inside, 0.0
            start = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - start
                self.seconds[name] += seconds - self.inside
                self.inside = before + seconds

        setattr(owner, attribute, timed)


def _put_under(clocks: _Clocks, library: Any, name: str) -> None:
    from focal_boost._kernels import cpu, cpu_log_loss, cpu_logit
    from focal_boost._rows import HostRows

    for owner, attribute, step in _STEPS[name]:
        clocks.time(getattr(library, owner), attribute, step)
    if name == "xgboost":
        from focal_boost.xgboost import _training

        clocks.time(_training, "lent_margins", "raw scores")
    for kernels in (cpu, cpu_log_loss, cpu_logit):
        clocks.time(kernels, "gradient_hessian", "kernel")
    clocks.time(HostRows, "gradient_hessian", _AROUND)
