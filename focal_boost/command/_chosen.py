"""What is told of other trees than the library's own: recommended, or searched for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table as Grid

from focal_boost.command._run import Settings
from focal_boost.comparison import Comparison
from focal_boost.comparison._result import NAMES
from focal_boost.comparison._searched import Search, seconds_of

# They go with the others, and are always the same.
_ALWAYS = ("subsample_freq", "feature_pre_filter")
_LOSS = ("focal_alpha", "focal_gamma")


def other_trees(settings: Settings) -> list[str]:
    """Return what is said of them before the training."""
    found = [
        "recommended: trees for rare events, stopped early on a fifth of the training"
        if settings.recommended
        else "recommended: left out, as there are too few rows to stop early on"
    ]
    seconds = seconds_of(settings.tune)
    if seconds is not None:
        libraries = " and ".join(NAMES[one] for one in settings.boosters)
        minutes = 2 * len(settings.boosters) * settings.folds * seconds / 60
        found += [
            f"tuned: {seconds:g} s of search for each of both losses in every training"
            " part",
            f"  of {libraries}: {minutes:,.3g} minutes, and the last trainings",
        ]
    return found


def search_grid(found: Comparison, library: str) -> Grid:
    """Return a column per search: candidates tried, and the median of what was chosen.

    In brackets stand the least and the greatest of the folds.
    """
    searches = {
        method: folds for (of, method), folds in found.searches.items() if of == library
    }
    grid = Grid(
        title=f"{NAMES[library]}, chosen in every fold: median (least, greatest)",
        title_justify="left",
        title_style="bold",
    )
    grid.add_column("", no_wrap=True)
    for method in searches:
        grid.add_column(method, justify="right", no_wrap=True)
    tried = [_spread([one.candidates for one in each]) for each in searches.values()]
    grid.add_row("candidates tried", *tried, end_section=True)
    names = dict.fromkeys(
        name for each in searches.values() for one in each for name in one.chosen
    )
    for name in names:
        if name not in (*_ALWAYS, *_LOSS):
            grid.add_row(name, *(_values(each, name) for each in searches.values()))
    grid.add_row("log loss", *map(_log_loss, searches.values()))
    for name in _LOSS:
        grid.add_row(name, *(_values(each, name) for each in searches.values()))
    return grid


def _log_loss(each: Sequence[Search]) -> str:
    """Return how often focal loss was not what was chosen."""
    plain = sum(not one.chosen.get("focal_gamma") for one in each)
    return f"{plain} of {len(each)}"


def _values(each: Sequence[Search], name: str) -> str:
    """Return the spread of a parameter; those of log loss are not focal loss's."""
    focal = name not in _LOSS
    values = [
        one.chosen[name]
        for one in each
        if name in one.chosen and (focal or one.chosen.get("focal_gamma"))
    ]
    return _spread(values)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{np.median(values):.3g} ({min(values):.3g}, {max(values):.3g})"
