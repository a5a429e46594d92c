"""The command ``focal-boost``: options, errors and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focal_boost.command._interrupt import interrupts
from focal_boost.command._options import BOOSTERS, parser
from focal_boost.command._read import Format
from focal_boost.command._table import Table, flights_table, read_table
from focal_boost.command._unpack import InputError, line_of

if TYPE_CHECKING:
    from focal_boost.command._run import Settings
    from focal_boost.thresholds import Rule


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the name of the command; by default those of the process.

    Returns
    -------
    int
        0, or 2 if the input cannot be used, or 130 if interrupted.
    """
    options = parser().parse_args(argv)
    asked: list[int] = []
    try:
        with interrupts() as asked:
            _compare(options)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # A library may have made another error of an interrupt.
        if asked:
            return 130
        if not isinstance(error, InputError):
            raise
        print(f"focal-boost compare: {error}", file=sys.stderr)
        return 2
    return 0


def _compare(options: argparse.Namespace) -> None:
    _require_packages(options.booster, options.tune)
    _check_out(options.out)
    table = _load(options)
    _check_rule(table, options)

    # Only now: these need the packages, and take a second to load.
    from rich.console import Console

    from focal_boost.command import _report as report
    from focal_boost.command._content import as_dict
    from focal_boost.command._run import fitting, make_folds, run

    console = Console(highlight=False)
    folds = make_folds(table, options.folds, options.seed)
    settings = fitting(table, _settings(options), folds)
    report.print_data(console, table, settings)
    found = run(table, settings, folds)
    report.print_results(console, settings, found)
    figures = {"report.png": found.plot()}
    if found.searches:
        figures["search.png"] = found.plot_search()
    # What has taken minutes is on the screen, whatever becomes of the files.
    _write(options.out, figures, as_dict(table, settings, found))
    pictures = ", ".join(figures)
    report.print_line(
        console, f"\nwritten: {pictures} and results.json in {options.out}"
    )


def _write(out: Path, figures: dict[str, Any], content: dict[str, Any]) -> None:
    from focal_boost._adapter.whole import written_whole
    from focal_boost.command._content import write_json

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            written_whole(out / name, figure.savefig)
        # Last, as it is the smallest: where there is no room, all stays as it was.
        write_json(out / "results.json", content)
        if "search.png" not in figures:  # of another run
            (out / "search.png").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"--out must be a folder that can be written, got '{out}'"
            f" ({line_of(error)})"
        ) from None


def _settings(options: argparse.Namespace) -> Settings:
    from focal_boost.command._run import Settings

    return Settings(
        boosters=BOOSTERS[options.booster],
        folds=options.folds,
        rounds=options.rounds,
        seed=options.seed,
        threads=options.threads,
        tune=options.tune,
        rule=_rule(options),
    )


def _check_rule(table: Table, options: argparse.Namespace) -> None:
    """Raise for a decision between more than two classes."""
    for name in ("cost", "recall"):
        if table.classes and getattr(options, name) is not None:
            raise InputError(
                f"--{name} must be left out for {len(table.classes)} classes:"
                " --positive takes one of them against all others"
            )


def _rule(options: argparse.Namespace) -> Rule | None:
    from focal_boost.thresholds import Cost, RecallAtLeast

    if options.cost is not None:
        return Cost(*options.cost)
    return None if options.recall is None else RecallAtLeast(options.recall)


def _load(options: argparse.Namespace) -> Table:
    if options.data is not None:
        if options.target is None:
            raise InputError("--target must name a column of DATA, got none")
        return read_table(
            options.data,
            options.target,
            options.group,
            drop=tuple(dict.fromkeys(options.drop)),
            positive=options.positive,
            form=Format(options.sep, options.decimal, tuple(options.na)),
        )
    if options.group is not None:
        raise InputError(
            "--group must be left out without DATA, because the flights are grouped by "
            f"day, got '{options.group}'"
        )
    table = flights_table()
    if options.target not in (None, table.target_name):
        raise InputError(
            f"--target must be '{table.target_name}' without DATA, "
            f"got '{options.target}'"
        )
    return table


# Where the package has another name than what is imported.
_INSTALLED_AS = {"sklearn": "scikit-learn"}


def _require_packages(booster: str, tune: Any) -> None:
    """Raise before any work is done if a package is missing."""
    ours = ("pandas", "sklearn", "matplotlib", "rich", "duckdb")
    for package in (*ours, *BOOSTERS[booster], *(("optuna",) if tune else ())):
        if find_spec(package) is None:
            raise InputError(
                f"this needs {package}, which is not installed: "
                f"pip install {_INSTALLED_AS.get(package, package)}"
            )


def _check_out(out: Path) -> None:
    """Raise now and not after the training if `out` cannot be written."""
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f"--out must be a folder that can be written, got '{out}'")
