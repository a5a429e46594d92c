"""Tools of scikit-learn, what fitted ones tell, and classifiers to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from boosters import lgb, xgb
from numpy.typing import NDArray
from sklearn import __version__ as sklearn_version
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (as it says)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SequentialFeatureSelector,
)
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.fixes import parse_version

if TYPE_CHECKING:
    from populations import Sample

LOG_LOSS = {"focal_alpha": None, "focal_gamma": 0.0}


def classes_of(rows: Sample) -> NDArray[np.int64]:
    """Return three classes of very different size."""
    return np.where(rows.y == 1, 2, (rows.X[:, 0] > 0.8).astype(int))


def pairs_of(rows: Sample) -> NDArray[np.int64]:
    """Return two labels a row, (n, 2)."""
    return np.column_stack([rows.y, (rows.X[:, 0] > 0.8).astype(int)])


def partly_labelled(rows: Sample) -> NDArray[np.int64]:
    return np.where(np.arange(len(rows.y)) % 3 == 0, -1, rows.y)


def labels_of(rows: Sample) -> NDArray[np.int64]:
    return rows.y


def calibrated(method: str, **given: Any) -> Callable[[Any], Any]:
    return lambda model: CalibratedClassifierCV(model, method=method, cv=2, **given)


def tuned(model: Any) -> Any:
    return TunedThresholdClassifierCV(model, scoring="f1", cv=2, thresholds=20)


def stacked(model: Any) -> Any:
    return StackingClassifier([("one", model)], GaussianNB(), cv=2)


def voting(model: Any) -> Any:
    return VotingClassifier([("one", model), ("two", GaussianNB())], voting="soft")


def scaled(model: Any) -> Any:
    pipeline = make_pipeline(StandardScaler(), model)
    return pipeline.set_output(transform="pandas")


def fixed(method: str) -> Callable[[Any], Any]:
    threshold = {"decision_function": -1.0, "predict_proba": 0.3}[method]
    return lambda model: FixedThresholdClassifier(
        model, threshold=threshold, response_method=method
    )


def searched(**given: Any) -> Callable[[Any], Any]:
    return lambda model: GridSearchCV(model, {"n_estimators": [3, 6]}, cv=2, **given)


class Tool(NamedTuple):
    """What wraps a classifier, and the labels that it is fitted to."""

    around: Callable[[Any], Any]
    labels: Callable[[Sample], Any] = labels_of


TOOLS = {
    **{
        f"calibrated by {method}": Tool(calibrated(method))
        for method in ("sigmoid", "isotonic", "temperature")
    },
    "log-odds above -1": Tool(fixed("decision_function")),
    "posterior above 0.3": Tool(fixed("predict_proba")),
    "tuned threshold": Tool(tuned),
    "one against the rest": Tool(OneVsRestClassifier, classes_of),
    "one against one": Tool(OneVsOneClassifier, classes_of),
    "several outputs": Tool(MultiOutputClassifier, pairs_of),
    "chain": Tool(ClassifierChain, pairs_of),
    "stack": Tool(stacked),
    "vote": Tool(voting),
    "scaled, as a frame": Tool(scaled),
}
MORE_TOOLS = {
    "one calibrator": Tool(calibrated("sigmoid", ensemble=False)),
    "one temperature": Tool(calibrated("temperature", ensemble=False)),
    "stack of log-odds and rows": Tool(
        lambda model: StackingClassifier(
            [("one", model)], GaussianNB(), cv=2, passthrough=True
        )
    ),
    "bag": Tool(lambda model: BaggingClassifier(model, 2, random_state=0)),
    "bag of columns": Tool(
        lambda model: BaggingClassifier(model, 2, max_features=0.5, random_state=0)
    ),
    "boosting": Tool(lambda model: AdaBoostClassifier(model, n_estimators=2)),
    "self-training": Tool(
        lambda model: SelfTrainingClassifier(model, max_iter=2), partly_labelled
    ),
    "search, refitted": Tool(searched(scoring="neg_log_loss")),
    "search of two scores": Tool(
        searched(scoring=["neg_log_loss", "f1"], refit="neg_log_loss")
    ),
    "search, the first": Tool(searched(scoring="f1", refit=lambda results: 0)),
    "halving": Tool(
        lambda model: HalvingGridSearchCV(
            model,
            {"max_depth": [2, 3]},
            cv=2,
            scoring="neg_log_loss",
            min_resources=350,
            random_state=0,
        )
    ),
    "half of the columns": Tool(lambda model: RFE(model, step=3)),
}
ANSWERS = ("predict", "predict_proba", "decision_function", "best_threshold_")


def answers(tool: Any, X: Any) -> dict[str, Any]:
    """Return all that a fitted tool tells of rows."""
    told = {name: getattr(tool, name) for name in ANSWERS if hasattr(tool, name)}
    return {k: np.asarray(v(X)) if callable(v) else v for k, v in told.items()}


def importance(model: Any, X: Any, rows: Sample) -> Any:
    return permutation_importance(
        model.fit(X, rows.y), X, rows.y, n_repeats=2, random_state=0,
        scoring="neg_log_loss",
    ).importances  # fmt: skip


def dependence(method: str) -> Callable[[Any, Any, Sample], Any]:
    return lambda model, X, rows: (
        partial_dependence(
            model.fit(X, rows.y), X, [0], grid_resolution=5, response_method=method
        ).average
    )


def boundary(method: str) -> Callable[[Any, Any, Sample], Any]:
    def found(model: Any, X: Any, rows: Sample) -> Any:
        pyplot = pytest.importorskip("matplotlib.pyplot", reason="it is drawn")
        display = DecisionBoundaryDisplay.from_estimator(
            model.fit(X, rows.y), X, grid_resolution=8, response_method=method
        )
        pyplot.close(display.figure_)
        return display.response

    return found


def selected(selector: Any) -> Callable[[Any, Any, Sample], Any]:
    return lambda model, X, rows: (
        selector(model).fit(X, rows.y).get_support().astype(int)
    )


def foretold(method: str) -> Callable[[Any, Any, Sample], Any]:
    return lambda model, X, rows: cross_val_predict(
        model, X, rows.y, cv=2, method=method
    )


_CURVE: dict[str, Any] = {"cv": 2, "scoring": "neg_log_loss"}
INSPECTIONS: dict[str, Callable[[Any, Any, Sample], Any]] = {
    "permutation importance": importance,
    "partial dependence of log-odds": dependence("decision_function"),
    "partial dependence of posteriors": dependence("predict_proba"),
    "feature elimination": lambda model, X, rows: RFECV(
        model, step=5, cv=2, scoring="average_precision"
    ).fit(X, rows.y).ranking_,
}  # fmt: skip
MORE_INSPECTIONS: dict[str, Callable[[Any, Any, Sample], Any]] = {
    "forward selection": selected(
        lambda model: SequentialFeatureSelector(
            model, n_features_to_select=2, cv=2, scoring="neg_log_loss"
        )
    ),
    "selection by importance": selected(SelectFromModel),
    "left-out log-odds": foretold("decision_function"),
    "left-out posteriors": foretold("predict_proba"),
    "learning curve": lambda model, X, rows: np.hstack(
        learning_curve(model, X, rows.y, train_sizes=[0.5, 1.0], **_CURVE)[1:3]
    ),
    "validation curve": lambda model, X, rows: np.hstack(
        validation_curve(
            model, X, rows.y, param_name="n_estimators", param_range=[2, 4], **_CURVE
        )
    ),
}
#: Of two columns only.
BOUNDARIES = {
    f"boundary by {method}": boundary(method)
    for method in ("decision_function", "predict_proba", "predict", "auto")
}


class XGBWithLogOdds(xgb.XGBClassifier):
    """XGBoost's classifier with the log-odds that scikit-learn's tools look for."""

    def decision_function(self, X: Any) -> NDArray[np.float32]:
        return np.asarray(self.predict(X, output_margin=True))


class LGBMWithLogOdds(lgb.LGBMClassifier):
    """LightGBM's, which has them from 4.7 on."""

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(self.predict_proba(X, raw_score=True))


def parent(library: Any, **params: Any) -> Any:
    kinds = {"xgboost": XGBWithLogOdds, "lightgbm": LGBMWithLogOdds}
    settings = {"n_estimators": 10, **library.quiet_estimator, **params}
    return kinds[library.name](**settings)


def skip_without_temperature(method: str) -> None:
    if "temperature" in method and parse_version(sklearn_version) < parse_version(
        "1.8"
    ):
        pytest.skip("scikit-learn scales temperatures from 1.8 on")
