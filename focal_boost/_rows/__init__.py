"""The rows of a training: labels and weights read once, gradients round by round.

On the host and on a CUDA device they have one interface: ``labels``, and
``gradient_hessian(raw_score, offset=0.0)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from focal_boost._kernels.cuda import is_on_device, ordinal_of
from focal_boost._kernels.threads import Team
from focal_boost._rows.columns import ColumnRows, labels_of_columns
from focal_boost._rows.device import DeviceRows, check_device
from focal_boost._rows.host import Gradients, HostRows, Labels

if TYPE_CHECKING:
    from focal_boost.objective import FocalObjective

__all__ = [
    "ColumnRows",
    "DeviceRows",
    "Gradients",
    "HostRows",
    "Labels",
    "Team",
    "check_device",
    "device_of",
    "labels_of_columns",
    "rows_of",
]

Rows = HostRows | DeviceRows


def rows_of(
    objective: FocalObjective,
    y_true: Any,
    sample_weight: Any,
    raw_score: Any,
    *,
    class_weight: tuple[float, float] = (1.0, 1.0),
    reuse: bool = False,
    team: Team | None = None,
) -> Rows:
    """Return the rows where raw scores like these are to be computed on.

    Parameters
    ----------
    objective : FocalObjective
    y_true, sample_weight
        As for :meth:`Labels.of`; on a device, arrays of the device too.
    raw_score : array-like, (n,)
        Where it lives decides, unless the objective's device does.
    class_weight, reuse, team
        As for :class:`HostRows`.

    Raises
    ------
    ValueError, ModuleNotFoundError
        As from :class:`Labels` and :class:`DeviceRows`.
    """
    device = device_of(raw_score, objective.device)
    if device is None:
        labels = Labels.of(y_true, sample_weight)
        return HostRows(objective, labels, class_weight, reuse=reuse, team=team)
    return DeviceRows(objective, y_true, sample_weight, device, class_weight)


def device_of(raw_score: Any, device: str | None) -> str | None:
    """Return the CUDA device to compute on, None for the host.

    `device` decides if it is given; else it is where the raw scores are.
    """
    there = is_on_device(raw_score)
    if device is None:
        return f"cuda:{raw_score.device.id}" if there else None
    if ordinal_of(device) is not None:
        return device
    if there:
        raise ValueError(
            'raw_score must be on the host for device "cpu", got'
            f" {type(raw_score).__name__}"
        )
    return None
