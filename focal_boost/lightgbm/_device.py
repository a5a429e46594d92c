"""Where LightGBM trains: what it needs there, said where that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import lightgbm as lgb

from focal_boost._validation import shown
from focal_boost.objective import FocalObjective

# The beginning of LightGBM's own message, and what to do.
_ADVICE = {
    "CUDA Tree Learner was not enabled": (
        "build LightGBM with CUDA as its installation guide says, or use"
        ' device_type="cpu" or "gpu"'
    ),
    "GPU Tree Learner was not enabled": (
        "build LightGBM with OpenCL as its installation guide says, or use"
        ' device_type="cpu"'
    ),
    "No OpenCL device found": (
        "install the OpenCL driver of the GPU (or pocl-opencl-icd, which computes on"
        ' the CPU), or use device_type="cpu"'
    ),
}


def check_computes_on_host(objective: FocalObjective) -> None:
    """Raise if the objective would return arrays that LightGBM does not take."""
    if objective.device not in (None, "cpu"):
        raise ValueError(
            'device of the objective must be None or "cpu", because LightGBM takes'
            f" NumPy arrays only, got {shown(objective.device)}"
        )


@contextmanager
def with_advice() -> Iterator[None]:
    """Say what to do where LightGBM cannot train on the device it was asked for.

    Raises
    ------
    LightGBMError
        LightGBM's own error, its message on one line and followed by the advice.
    """
    try:
        yield
    except lgb.basic.LightGBMError as error:
        message = " ".join(str(error).split())
        for beginning, advice in _ADVICE.items():
            if message.startswith(beginning):
                raise type(error)(f"{message.rstrip('.')}; {advice}") from error
        raise
