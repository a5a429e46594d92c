"""The command ``focal-boost``: options, errors and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from focal_boost.compare._table import InputError, Table, flights_table, read_table

if TYPE_CHECKING:
    from focal_boost._adapter.splits import Split
    from focal_boost.compare._comparison import Results
    from focal_boost.compare._methods import Settings

_BOOSTERS = {
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "both": ("xgboost", "lightgbm"),
}
_MAX_SEED = 2**31 - 1  # LightGBM holds its seed in 32 bits

_EPILOG = """\
examples:
  focal-boost compare
      on the flights that ship with the package, grouped by day
  focal-boost compare claims.csv.gz --target fraud
      on a file of yours
  focal-boost compare visits.parquet --target died --group patient --booster xgboost
      on one where the rows of a patient stay together
"""


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
    options = _parser().parse_args(argv)
    try:
        _compare(options)
    except InputError as error:
        print(f"focal-boost compare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _compare(options: argparse.Namespace) -> None:
    _require_packages(options.booster)
    _check_out(options.out)
    table = _load(options)

    # Only now: these need the packages, and take a second to load.
    from focal_boost.compare._comparison import compare
    from focal_boost.compare._report import progress

    settings = _settings(options)
    with progress(settings) as step:
        folds, results = compare(table, settings, step)
    _report(options.out, table, settings, folds, results)


def _report(
    out: Path, table: Table, settings: Settings, folds: list[Split], results: Results
) -> None:
    from rich.console import Console

    from focal_boost.compare import _report as report
    from focal_boost.plotting import plot_comparison

    out.mkdir(parents=True, exist_ok=True)
    content = report.as_dict(table, settings, folds, results)
    report.write_json(out / "results.json", content)
    curves = {
        report.NAMES[library]: {name: one.posterior for name, one in methods.items()}
        for library, methods in results.items()
    }
    plot_comparison(table.target, curves).savefig(out / "report.png")
    console = Console(highlight=False)
    report.print_report(console, table, settings, results)
    report.print_line(console, f"\nwritten: report.png and results.json in {out}")


def _settings(options: argparse.Namespace) -> Settings:
    from focal_boost.compare._methods import Settings

    return Settings(
        boosters=_BOOSTERS[options.booster],
        folds=options.folds,
        rounds=options.rounds,
        seed=options.seed,
        threads=options.threads,
        tune=options.tune,
    )


def _load(options: argparse.Namespace) -> Table:
    if options.data is not None:
        if options.target is None:
            raise InputError("--target must name a column of DATA, got none")
        return read_table(options.data, options.target, options.group)
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


def _require_packages(booster: str) -> None:
    """Raise before any work is done if a package is missing."""
    needed = dict.fromkeys(("pandas", "sklearn", "matplotlib", "rich"), "compare")
    needed |= {library: library for library in _BOOSTERS[booster]}
    for package, extra in needed.items():
        if find_spec(package) is None:
            raise InputError(
                f"this needs {package}, which is not installed: "
                f'pip install "focal-boost[{extra}]"'
            )


def _check_out(out: Path) -> None:
    """Raise now and not after the training if `out` cannot be written."""
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f"--out must be a folder that can be written, got '{out}'")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with the message alone: the usage above it would only hide it."""
        sentence = message.removeprefix("argument ").replace(": must", " must", 1)
        self.exit(2, f"{self.prog}: {sentence}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="focal-boost",
        description="Focal loss for XGBoost and LightGBM.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_compare(
        commands.add_parser(
            "compare",
            help="cross-validate focal loss against the built-in objectives",
            description=(
                "Cross-validate focal loss against the built-in objective with and\n"
                "without class weights, and write report.png and results.json."
            ),
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    )
    return parser


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        metavar="DATA",
        help="a CSV file (plain or gzip) or a Parquet file with one row per case: "
        "numbers, strings, booleans and missing values "
        "(default: 20,000 flights, of which 2.3 %% were cancelled)",
    )
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column to predict, with two values; 1 or true is the positive, "
        "of two other values it is the rarer",
    )
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="rows with the same value here stay on one side of every split; "
        "the column is not a feature",
    )
    parser.add_argument(
        "--booster",
        type=_one_of(*_BOOSTERS),
        default="both",
        metavar="NAME",
        help="xgboost, lightgbm or both (default: %(default)s)",
    )
    parser.add_argument(
        "--tune",
        action="store_true",
        help="choose alpha and gamma by cross-validation inside every training part "
        "(default: alpha 0.25, gamma 2)",
    )
    _add_numbers(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("focal-boost-report"),
        metavar="DIR",
        help="the folder for report.png and results.json (default: %(default)s)",
    )


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folds",
        type=_integer(2),
        default=5,
        metavar="N",
        help="parts of the cross-validation (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=_integer(1),
        default=100,
        metavar="N",
        help="boosting rounds, the same for all methods (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_integer(0, _MAX_SEED),
        default=0,
        metavar="N",
        help="seed of the split and of the libraries (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_integer(1),
        metavar="N",
        help="threads of the libraries (default: what they take by themselves)",
    )


def _integer(low: int, high: int | None = None) -> Callable[[str], int]:
    rule = f">= {low}" if high is None else f"from {low} to {high}"

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"must be an integer {rule}, got '{text}'")
        return value

    return convert


def _one_of(*names: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in names:
            rule = ", ".join(names[:-1]) + f" or {names[-1]}"
            raise argparse.ArgumentTypeError(f"must be {rule}, got '{text}'")
        return text

    return convert
