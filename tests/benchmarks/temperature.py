"""Temperature scaling after focal loss and after the built-in objective.

``python tests/benchmarks/temperature.py`` fits the classifiers and their parents on
half of each set, scales on a quarter, and prints what log loss the last quarter has
with scaling and without, summed over four splits. With ``--way folds`` the scaled
models are those of five folds, and with ``--way left-out`` one model is scaled by what
five folds say of their left-out rows; both have three quarters. The real sets lie
beside the checkout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

sys.path.append(str(Path(__file__).with_name("study")))

from sets import Size, load_set

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier
from focal_boost.datasets import make_imbalanced

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = ("bank_marketing", "caravan", "flights", "mammography", "us_crime", "letter_img")
SYNTHETIC = {
    f"synthetic, {prevalence:.0%}, seed {seed}": (prevalence, seed)
    for prevalence in (0.02, 0.1, 0.3)
    for seed in (0, 1)
}
ROWS = 20_000
COMMON: dict[str, Any] = {"n_estimators": 100, "learning_rate": 0.1, "n_jobs": 1}
QUIET: dict[str, Any] = {**COMMON, "verbosity": -1}
NONE: dict[str, Any] = {"focal_alpha": None, "focal_gamma": 0.0}
MODELS = {
    "XGBoost, built-in": lambda: xgb.XGBClassifier(**COMMON),
    "XGBoost, gamma 0": lambda: FocalXGBClassifier(**NONE, **COMMON),
    "XGBoost, focal": lambda: FocalXGBClassifier(**COMMON),
    "LightGBM, built-in": lambda: lgb.LGBMClassifier(**QUIET),
    "LightGBM, gamma 0": lambda: FocalLGBMClassifier(**NONE, **QUIET),
    "LightGBM, focal": lambda: FocalLGBMClassifier(**QUIET),
}


def losses(make: Any, data: Any, seed: int, way: str) -> tuple[float, float]:
    """Return the log loss without scaling and with it."""
    given: dict[str, Any] = {"test_size": 0.5, "random_state": seed}
    train_X, held_X, train_y, held_y = train_test_split(
        *data, stratify=data[1], **given
    )
    scale_X, test_X, scale_y, test_y = train_test_split(
        held_X, held_y, stratify=held_y, **given
    )
    if way == "held-out":
        model = make().fit(train_X, train_y)
        tool = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
        tool.fit(scale_X, scale_y)
    else:
        both = np.concatenate([train_X, scale_X]), np.concatenate([train_y, scale_y])
        model = make().fit(*both)
        tool = CalibratedClassifierCV(
            make(), method="temperature", cv=5, ensemble=way == "folds"
        ).fit(*both)
    plain, scaled = (
        float(log_loss(test_y, m.predict_proba(test_X)[:, 1].astype(float)))
        for m in (model, tool)
    )
    return plain, scaled


def data_of(name: str) -> tuple[Any, Any]:
    if name in SYNTHETIC:
        prevalence, seed = SYNTHETIC[name]
        X, y, _ = make_imbalanced(ROWS, prevalence=prevalence, seed=seed)
        return X, y
    data = load_set(SHARED, name, Size(ROWS), 0)
    return data.X, data.y


def mean_row(title: str, values: NDArray[Any]) -> str:
    return line(title, np.exp(np.log(values).mean(axis=0)), ".4f")


def line(title: str, values: Any, form: str) -> str:
    return f"| {title} | {' | '.join(format(one, form) for one in values)} |"


def tables(names: list[str], found: NDArray[Any]) -> Iterator[str]:
    """Yield the lines about log losses, (set, model, split, without or with)."""
    head = f"| set | {' | '.join(MODELS)} |\n|{'---|' * (len(MODELS) + 1)}"
    totals = found.mean(axis=2)
    ratios = totals[..., 1] / totals[..., 0]
    yield f"\nlog loss with scaling / without, of {found.shape[2]} splits\n\n{head}"
    yield from (line(*row, ".4f") for row in zip(names, ratios, strict=True))
    yield mean_row("geometric mean", ratios)
    worst = (found[..., 1] / found[..., 0]).max(axis=(0, 2))
    yield line("worst single split", worst, ".4f")
    yield f"\nlog loss with scaling\n\n{head}"
    yield from (line(*row, ".5f") for row in zip(names, totals[..., 1], strict=True))
    for title, one in (("without scaling", 0), ("with scaling", 1)):
        built_in = totals[..., one][:, [0, 0, 0, 3, 3, 3]]
        yield mean_row(f"over the built-in's, {title}", totals[..., one] / built_in)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=[*SYNTHETIC, *REAL])
    parser.add_argument("--splits", type=int, default=4)
    ways = ("held-out", "folds", "left-out")
    parser.add_argument("--way", choices=ways, default=ways[0])
    given = parser.parse_args()
    found = []
    for name in given.sets:
        data, seeds = data_of(name), range(given.splits)
        found.append(
            [
                [losses(make, data, seed, given.way) for seed in seeds]
                for make in MODELS.values()
            ]
        )
        print(name, "is done", file=sys.stderr, flush=True)
    print("\n".join(tables(given.sets, np.array(found))))


if __name__ == "__main__":
    main()
