"""What users of such packages have reported as broken, each once, end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from estimators import both, make, quiet
from populations import Sample, make_sample
from sklearn.metrics import balanced_accuracy_score
from sklearn.multiclass import OneVsRestClassifier

import focal_boost.lightgbm as flgb
from focal_boost import FocalLGBMClassifier, FocalXGBClassifier

pytestmark = [
    *quiet,
    # LightGBM 4.7 has other names for evaluation sets, and 4.6 does not know them.
    pytest.mark.filterwarnings("ignore:.*eval_set.*deprecated:Warning"),
]

LOG_LOSS: dict[str, Any] = {"focal_alpha": None, "focal_gamma": 0.0}
LIGHTGBM: dict[str, Any] = {"n_jobs": 1, "verbosity": -1}


@pytest.fixture(scope="module")
def train() -> Sample:
    """Rows that are soon learnt by heart."""
    return make_sample(1_200, 0.15, seed=11)


@pytest.fixture(scope="module")
def valid() -> Sample:
    return make_sample(800, 0.15, seed=12)


def test_a_file_saved_on_the_way_is_the_model_of_that_round(
    train: Sample, tmp_path: Path
) -> None:
    """Without the start value inside, its probabilities were far too high."""
    kept = {4: tmp_path / "five.txt", 9: tmp_path / "ten.txt"}

    def keep(env: Any) -> None:
        if env.iteration in kept:
            env.model.save_model(kept[env.iteration])

    model = FocalLGBMClassifier(n_estimators=15, **LIGHTGBM)
    model.fit(train.X, train.y, callbacks=[keep])
    for last, path in kept.items():
        expected = model.predict_proba(train.X, num_iteration=last + 1)[:, 1]
        found = lgb.Booster(model_file=path).predict(train.X)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@both
def test_labels_of_one_vs_rest_are_likely_ones(library: Any, train: Sample) -> None:
    """It thresholds decision_function at 0, which was the loss's own margin."""
    second = (train.X[:, 1] > 0.8).astype(int)
    targets = np.column_stack([train.y, second])
    model = OneVsRestClassifier(make(library)).fit(train.X, targets)
    likely = model.predict_proba(train.X) > 0.5
    np.testing.assert_array_equal(model.predict(train.X), likely)
    assert 0 < likely.mean() < 1


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_refitting_on_new_rows_keeps_probabilities(
    train: Sample, valid: Sample, decay: float
) -> None:
    """LightGBM refits leaves by the loss that the model's text names."""
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7}
    first = flgb.train(params, lgb.Dataset(train.X, train.y), 40)
    again = first.refit(valid.X, valid.y, decay_rate=decay)
    share = valid.y.mean()
    assert first.predict(valid.X).mean() == pytest.approx(share, rel=0.2)
    assert again.predict(valid.X).mean() == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize(
    "how", [{"min_delta": 0.005}, {"min_delta": 0.0}, {"metric_name": "logloss"}]
)
def test_stopping_looks_at_the_metric_as_it_is_shown(
    train: Sample, valid: Sample, how: dict[str, Any]
) -> None:
    """A metric scaled by 1e6 had made every min_delta too small."""

    def rounds(kind: Any, **params: Any) -> int:
        stop = xgb.callback.EarlyStopping(rounds=8, **how)
        model = kind(n_estimators=250, n_jobs=1, callbacks=[stop], **params)
        model.fit(train.X, train.y, eval_set=[(valid.X, valid.y)], verbose=False)
        return int(model.get_booster().num_boosted_rounds())

    common = {"learning_rate": 0.05, "max_depth": 3}
    expected = rounds(xgb.XGBClassifier, **common)
    assert rounds(FocalXGBClassifier, **common, **LOG_LOSS) == expected < 250


class TestCallableMetrics:
    """They were handed raw scores, so that a threshold of a half meant another."""

    def test_xgboost(self, train: Sample, valid: Sample) -> None:
        def best(kind: Any, **params: Any) -> tuple[int, float]:
            model = kind(
                n_estimators=80, learning_rate=0.1, max_depth=3, n_jobs=1,
                eval_metric=wrong, early_stopping_rounds=25, **params,
            )  # fmt: skip
            model.fit(train.X, train.y, eval_set=[(valid.X, valid.y)], verbose=False)
            return model.best_iteration, float(model.best_score)

        def wrong(y_true: Any, y_pred: Any) -> float:
            seen.append((y_pred.min(), y_pred.max()))
            return 1 - float(balanced_accuracy_score(y_true, y_pred > 0.5))

        seen: list[tuple[float, float]] = []
        expected = best(xgb.XGBClassifier)
        assert best(FocalXGBClassifier, **LOG_LOSS) == expected
        best(FocalXGBClassifier)
        assert all(0 < low < high < 1 for low, high in seen)

    @pytest.mark.parametrize("count", [2, 3])
    def test_lightgbm(self, train: Sample, valid: Sample, count: int) -> None:
        seen: list[Any] = []

        def two(y_true: Any, y_pred: Any) -> tuple[str, float, bool]:
            seen.append(y_pred.copy())
            return "share", float(y_pred.mean()), False

        def three(y_true: Any, y_pred: Any, weight: Any) -> tuple[str, float, bool]:
            return two(y_true, y_pred)

        model = FocalLGBMClassifier(n_estimators=12, **LIGHTGBM)
        metric = {2: two, 3: three}[count]
        evals = [(valid.X, valid.y)]
        model.fit(train.X, train.y, eval_set=evals, eval_metric=metric)
        for k, given in enumerate(seen):
            expected = model.predict_proba(valid.X, num_iteration=k + 1)[:, 1]
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("constructor", "fit"),
    [
        (None, None),
        (None, "auc"),
        (None, "binary_logloss"),
        ("auc", None),
        ("binary_error", "auc"),
        (["auc", "average_precision"], ["binary_error"]),
    ],
)
def test_the_metrics_asked_for_are_the_metrics(
    train: Sample, valid: Sample, constructor: Any, fit: Any
) -> None:
    """A log loss that nobody had asked for was reported and stopped training."""

    def fitted(kind: Any, **params: Any) -> Any:
        if constructor is not None:
            params["metric"] = constructor
        model = kind(n_estimators=150, learning_rate=0.1, **LIGHTGBM, **params)
        stop = lgb.early_stopping(10, verbose=False)
        return model.fit(
            train.X, train.y, eval_set=[(valid.X, valid.y)], eval_metric=fit,
            callbacks=[stop],
        )  # fmt: skip

    expected = fitted(lgb.LGBMClassifier)
    found = fitted(FocalLGBMClassifier, **LOG_LOSS)
    log = expected.evals_result_["valid_0"]
    assert list(found.evals_result_["valid_0"]) == list(log)
    for name, values in log.items():
        assert found.evals_result_["valid_0"][name] == pytest.approx(values, rel=1e-12)
    assert found.best_iteration_ == expected.best_iteration_


@both
def test_nothing_to_learn_from_gives_the_prevalence(
    library: Any, train: Sample
) -> None:
    """LightGBM itself refuses columns that are all constant with a Python loss."""
    X = np.full((len(train.y), 3), 2.5)
    # XGBoost before 3.0 does not start at the prevalence.
    if library.name == "lightgbm" or int(xgb.__version__.split(".")[0]) >= 3:
        probability = make(library).fit(X, train.y).predict_proba(X)[:, 1]
        np.testing.assert_allclose(probability, train.y.mean(), rtol=0, atol=1e-6)
    probability = make(library, **LOG_LOSS).fit(X, train.y).predict_proba(X)[:, 1]
    parent = library.classifier(n_estimators=10, **library.quiet_estimator)
    expected = parent.fit(X, train.y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(probability, expected, rtol=0, atol=1e-6)


@both
@pytest.mark.parametrize("kind", [int, float, bool])
def test_labels_in_a_column_of_objects(library: Any, train: Sample, kind: type) -> None:
    """A data frame's mixed column had been refused as no kind of label."""
    labels = np.array([kind(label) for label in train.y], dtype=object)
    model = make(library, n_estimators=3).fit(train.X, labels)
    assert list(model.classes_) == [0, 1]
    plain = make(library, n_estimators=3).fit(train.X, train.y)
    np.testing.assert_array_equal(
        model.predict_proba(train.X), plain.predict_proba(train.X)
    )
    assert set(model.predict(train.X)) <= {0, 1}


def test_a_table_with_a_nul_is_one_sentence(tmp_path: Path) -> None:
    """XGBoost's category names end at a NUL, and a traceback came of it."""
    table = tmp_path / "table.csv"
    rng = np.random.default_rng(7)
    lines = [
        f"{rng.random():.4f},{'x' + chr(0) if row == 5 else 'y'},{row % 4 == 0:d}"
        for row in range(160)
    ]
    table.write_text("\n".join(["size,kind,sold", *lines]) + "\n")
    command = [sys.executable, "-m", "focal_boost", "compare", str(table)]
    options = ["--target", "sold", "--folds", "2", "--rounds", "2"]
    done = subprocess.run(
        [*command, *options, "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
