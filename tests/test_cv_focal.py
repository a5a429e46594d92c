"""``cv`` of both libraries with focal loss: scikit-learn's metrics, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, folds_of, lgb
from cv_runs import SAMPLE, SETTINGS, SPLIT, assert_same, run
from estimators import both, quiet
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet

MEASURES: dict[str, Callable[..., float]] = {
    "log_loss": log_loss,
    "brier_score": brier_score_loss,
    "average_precision": average_precision_score,
}


@both
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_metrics_are_those_of_the_folds_boosters(library: Any, gamma: float) -> None:
    objective = FocalObjective(0.25, gamma)
    ours = [library.ours.metric(name, objective) for name in MEASURES]
    given = {"folds": SPLIT, "metrics": ours}
    result, boosters = folds_of(library, partial(run, library, {}, objective, **given))
    if library is XGBoost:
        # LightGBM's can go on training.
        assert {type(one) for one in boosters} == {library.own.Booster}
    found = [
        library.probability(one, SAMPLE.X[test])
        for one, (_, test) in zip(boosters, SPLIT, strict=True)
    ]
    test = "test-{}-mean" if library is XGBoost else "valid {}-mean"
    for name, measure in MEASURES.items():
        each = [
            measure(SAMPLE.y[rows], p, sample_weight=SAMPLE.weight[rows])
            for (_, rows), p in zip(SPLIT, found, strict=True)
        ]
        assert [*result[test.format(name)]][-1] == pytest.approx(
            np.mean(each), rel=2e-6
        )


@both
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_every_fold_starts_at_its_own_prevalence(library: Any, gamma: float) -> None:
    objective = FocalObjective(0.25, gamma)
    # With no split allowed the posterior stays where it starts.
    params = {
        XGBoost: {"gamma": 1e9, "eta": 1e-9},
        LightGBM: {"min_gain_to_split": 1e9, "learning_rate": 1e-9},
    }
    folds = [
        (np.arange(200), np.arange(200, 400)),
        (np.arange(150, 400), np.arange(150)),
    ]
    given = {"folds": folds, "num_boost_round": 1}
    expected = run(library, params[library], **given)
    found = run(library, params[library], objective, **given)
    assert_same(library, expected, found)


@both
def test_our_metrics_come_after_the_librarys(library: Any) -> None:
    metrics = ["auc", "focal_loss"]
    result = run(library, {}, FocalObjective(0.25, 2.0), metrics=metrics)
    means = [name for name in result if name.endswith("mean") and "train" not in name]
    first = "test-" if library is XGBoost else "valid "
    assert means == [f"{first}{name}-mean" for name in metrics]


@both
def test_early_stopping_follows_our_metric(library: Any) -> None:
    objective = FocalObjective(0.25, 2.0)
    stop = {
        XGBoost: {"early_stopping_rounds": 3},
        LightGBM: {"callbacks": [lgb.early_stopping(3, verbose=False)]},
    }[library]
    metrics = [library.ours.metric("average_precision", objective)]
    given = {"metrics": metrics, "num_boost_round": 80}
    params = {"eta": 0.6, **({"metric": "None"} if library is LightGBM else {})}
    full = run(library, params, objective, **given)
    found = run(library, params, objective, **given, **stop)
    name = [one for one in full if one.endswith("average_precision-mean")][-1]
    scores = np.array(full[name])
    best = next(k for k in range(80) if (scores[k + 1 : k + 4] <= scores[k]).all())
    np.testing.assert_array_equal(found[name], scores[: best + 1])


# What is refused


@both
def test_an_objective_is_asked_for(library: Any) -> None:
    cv, data = library.ours.cv, library.data(SAMPLE.X, SAMPLE.y)
    with pytest.raises(ValueError, match="objective must be a FocalObjective, got 2"):
        cv({}, data, objective=2)
    with pytest.raises(ValueError, match=r"objective .*must be .*, got .regression.$"):
        cv({"objective": "regression"}, data)
    objective = FocalObjective.of(FocalLoss(), "focal")
    with pytest.warns(UserWarning, match="focal") as caught:
        cv(SETTINGS[library], data, 1, objective=objective)
    assert caught[0].filename == __file__


@both
def test_preparation_may_not_name_another_objective(library: Any) -> None:
    def prepare(train: Any, test: Any, params: dict[str, Any]) -> Any:
        return train, test, {**params, "objective": "regression"}

    with pytest.raises(ValueError, match=r"objective .*must be .*, got .regression.$"):
        run(library, {}, FocalObjective(), fpreproc=prepare)
