"""The options of the command ``focal-boost``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from focal_boost import __version__

BOOSTERS = {
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "both": ("xgboost", "lightgbm"),
}
_MAX_SEED = 2**31 - 1  # LightGBM holds its seed in 32 bits

_EPILOG = """\
examples:
  focal-boost compare
      on the flights that ship with the package, grouped by day
  focal-boost compare claims.csv.gz --target fraud --drop claim_number
      on a file of yours
  focal-boost compare visits.parquet --target died --group patient --booster xgboost
      on one where the rows of a patient stay together
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with the message alone: the usage above it would only hide it."""
        sentence = message.removeprefix("argument ").replace(": must", " must", 1)
        self.exit(2, f"{self.prog}: {sentence}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = _Parser(
        prog="focal-boost",
        description="Focal loss for XGBoost and LightGBM.",
        allow_abbrev=False,
    )
    found.add_argument(
        "--version", action="version", version=f"focal-boost {__version__}"
    )
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")
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
    return found


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        metavar="DATA",
        help="a CSV file with any separator, encoding and decimals, plain or packed, "
        "or a Parquet file, with one row per case; it says what it has read "
        "(default: 20,000 flights, of which 2.3 %% were cancelled)",
    )
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column to predict, with two values",
    )
    parser.add_argument(
        "--positive",
        metavar="VALUE",
        help="the value of the target to predict (default: 1 or true, of two other "
        "values the rarer)",
    )
    parser.add_argument(
        "--version", action="version", version=f"focal-boost {__version__}"
    )
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="rows with the same value here stay on one side of every split; "
        "the column is not a feature",
    )
    _add_format(parser)
    parser.add_argument(
        "--booster",
        type=_one_of(*BOOSTERS),
        default="both",
        metavar="NAME",
        help="xgboost, lightgbm or both (default: %(default)s)",
    )
    parser.add_argument(
        "--tune",
        nargs="?",
        const=True,
        default=False,
        type=_seconds,
        metavar="SECONDS",
        help="search for trees, and focal loss for alpha and gamma too, with so many "
        "seconds (alone: 30) for each of both losses inside every training part",
    )
    decision = parser.add_mutually_exclusive_group()
    decision.add_argument(
        "--cost",
        type=_costs,
        metavar="FP,FN",
        help="decide by the costs of a false and of a missed positive, and report "
        "the cost per row",
    )
    decision.add_argument(
        "--recall",
        type=_share,
        metavar="R",
        help="decide for this recall, at the threshold that has it on the other folds, "
        "and report recall and precision",
    )
    _add_numbers(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("focal-boost-report"),
        metavar="DIR",
        help="the folder for report.png and results.json (default: %(default)s)",
    )


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column to leave out; may be given several times",
    )
    parser.add_argument(
        "--sep",
        type=_separator,
        metavar="SIGN",
        help="what separates the columns, 'tab' for a tab (default: found out)",
    )
    parser.add_argument(
        "--decimal",
        type=_one_of(".", ","),
        metavar="SIGN",
        help="the sign before decimals, . or , (default: found out)",
    )
    parser.add_argument(
        "--na",
        action="append",
        default=[],
        metavar="TEXT",
        help="a text that stands for a missing value, as -999 does, besides the usual "
        "(NA, null, ?, …); may be given several times",
    )


def _separator(text: str) -> str:
    sign = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(sign) != 1:
        raise argparse.ArgumentTypeError(f"must be one sign or 'tab', got '{text}'")
    return sign


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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds > 0, got '{text}'"
            + (": DATA comes before it" if math.isnan(seconds) else "")
        )
    return seconds


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


def _costs(text: str) -> tuple[float, float]:
    try:
        one, other = (float(part) for part in text.split(","))
    except ValueError:
        one = other = math.nan
    if not (0 < one < math.inf and 0 < other < math.inf):
        raise argparse.ArgumentTypeError(
            f"must be two numbers > 0 as 1,20 are, got '{text}'"
        )
    return one, other


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"must be a number in (0, 1], got '{text}'")
    return share


def _one_of(*names: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in names:
            rule = ", ".join(names[:-1]) + f" or {names[-1]}"
            raise argparse.ArgumentTypeError(f"must be {rule}, got '{text}'")
        return text

    return convert
