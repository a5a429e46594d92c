"""Temperature scaling after focal loss and after the built-in objective.

``python tests/benchmarks/temperature.py`` fits both classifiers and their parents on
half of each set, scales on a quarter, and prints the log loss on the last quarter over
that without scaling, as a table. The real sets lie beside the checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
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
SYNTHETIC = tuple((p, seed) for p in (0.02, 0.1, 0.3) for seed in (0, 1))
ROWS = 20_000
COMMON: dict[str, Any] = {"n_estimators": 100, "learning_rate": 0.1, "n_jobs": 2}
QUIET: dict[str, Any] = {**COMMON, "verbosity": -1}
MODELS = {
    "XGBoost, built-in": lambda: xgb.XGBClassifier(**COMMON),
    "XGBoost, focal": lambda: FocalXGBClassifier(**COMMON),
    "LightGBM, built-in": lambda: lgb.LGBMClassifier(**QUIET),
    "LightGBM, focal": lambda: FocalLGBMClassifier(**QUIET),
}


def ratio(model: Any, parts: list[Any]) -> float:
    """Return the log loss with scaling over that without."""
    train_X, held_X, train_y, held_y = parts
    model.fit(train_X, train_y)
    scale_X, test_X, scale_y, test_y = train_test_split(
        held_X, held_y, test_size=0.5, stratify=held_y, random_state=0
    )
    tool = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
    tool.fit(scale_X, scale_y)
    plain, scaled = (log_loss(test_y, m.predict_proba(test_X)) for m in (model, tool))
    return float(scaled / plain)


def main() -> None:
    found = []
    print("| set |", " | ".join(MODELS), "|")
    print("|---|" + "---|" * len(MODELS))
    for name, X, y in all_sets():
        parts = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
        row = [ratio(make(), parts) for make in MODELS.values()]
        found.append(row)
        print(f"| {name} |", " | ".join(f"{one:.4f}" for one in row), "|", flush=True)
    mean = np.exp(np.log(found).mean(axis=0))
    print("| geometric mean |", " | ".join(f"{one:.4f}" for one in mean), "|")


def all_sets() -> Any:
    for prevalence, seed in SYNTHETIC:
        X, y, _ = make_imbalanced(ROWS, prevalence=prevalence, seed=seed)
        yield f"synthetic, {prevalence:.0%}, seed {seed}", X, y
    for name in REAL:
        data = load_set(SHARED, name, Size(ROWS), 0)
        yield name, data.X, data.y


if __name__ == "__main__":
    main()
