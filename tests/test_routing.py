"""scikit-learn's settings: weights on their way through tools, and frames as output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sklearn
from estimators import both, make, quiet
from sklearn import config_context
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tools import (
    LOG_LOSS,
    MORE_TOOLS,
    TOOLS,
    Tool,
    answers,
    parent,
    searched,
    skip_without_temperature,
)

from focal_boost import FocalLGBMClassifier
from focal_boost.ensemble import FoldEnsembleClassifier, LogOddsVotingClassifier
from focal_boost.tuning import FocalSearchCV

if TYPE_CHECKING:
    from populations import Sample

pytestmark = quiet

ROWS = 700
GAMMAS = [0.5, 2.0]
SEARCH: dict[str, Any] = {"scoring": "neg_log_loss", "halving": False}


@pytest.fixture
def routing() -> Iterator[None]:
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def rows(sample: Sample) -> Sample:
    return sample[:ROWS]


def weighted_scorer(name: str) -> Any:
    return get_scorer(name).set_score_request(sample_weight=True)


def wanting(model: Any) -> Any:
    """Return a model that asks for weights."""
    return model.set_fit_request(sample_weight=True)


def piped(model: Any, *, scaler: bool) -> Any:
    """Return a pipeline whose scaler wants weights, or does not."""
    step = StandardScaler().set_fit_request(sample_weight=scaler)
    return make_pipeline(step, wanting(model))


def space_of(model: Any) -> dict[str, Any]:
    prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    return {f"{prefix}focal_gamma": GAMMAS}


KINDS = {
    "alone": wanting,
    "after a scaler": lambda model: piped(model, scaler=False),
    "after a weighted scaler": lambda model: piped(model, scaler=True),
}


@both
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("routing")
def test_a_search_routes_weights_as_that_of_scikit_learn(
    library: Any, rows: Sample, kind: str
) -> None:
    model = KINDS[kind](make(library))
    space, cv = space_of(model), StratifiedKFold(2)
    ours = FocalSearchCV(model, space, cv=cv, n_jobs=2, **SEARCH)
    theirs = GridSearchCV(model, space, cv=cv, scoring=weighted_scorer("neg_log_loss"))
    plain = FocalSearchCV(model, space, cv=cv, **SEARCH).fit(rows.X, rows.y)
    for search in (ours, theirs):
        search.fit(rows.X, rows.y, sample_weight=rows.weight)
    scores = theirs.cv_results_["mean_test_score"]
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], scores, rtol=1e-6)
    found = ours.predict_proba(rows.X)
    np.testing.assert_array_equal(found, theirs.predict_proba(rows.X))
    assert (found != plain.predict_proba(rows.X)).any()


@both
@pytest.mark.usefixtures("routing")
def test_weights_that_are_not_to_be_had_end_it_before_any_training(
    library: Any, rows: Sample
) -> None:
    refusing = make(library).set_fit_request(sample_weight=False)
    silent = make_pipeline(StandardScaler(), make(library))
    for model, message in (
        (refusing, r"^estimator must have set_fit_request\(sample_weight=True\) where"),
        (silent, "but are not explicitly set as requested or not requested for Stand"),
    ):
        for tool in (
            FocalSearchCV(model, space_of(model), cv=2, **SEARCH),
            FoldEnsembleClassifier(model, cv=2),
            LogOddsVotingClassifier([model, model]),
        ):
            with pytest.raises(ValueError, match=message):
                tool.fit(rows.X, rows.y, sample_weight=rows.weight)
            assert not hasattr(tool, "study_")
            tool.fit(rows.X, rows.y)
    pipeline = make_pipeline(make(library))
    with pytest.raises(ValueError, match=r"\[sample_weight\] are passed but"):
        pipeline.fit(rows.X, rows.y, sample_weight=rows.weight)


@both
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("routing")
def test_ensembles_route_weights(library: Any, rows: Sample, kind: str) -> None:
    def model() -> Any:
        return KINDS[kind](make(library))

    given = {"sample_weight": rows.weight}
    one = model().fit(rows.X, rows.y, **given).predict_proba(rows.X)
    voting = LogOddsVotingClassifier([model()]).fit(rows.X, rows.y, **given)
    np.testing.assert_allclose(voting.predict_proba(rows.X), one, rtol=0, atol=1e-6)
    cv = StratifiedKFold(2)
    folds = FoldEnsembleClassifier(model(), cv=cv, n_jobs=2).fit(
        rows.X, rows.y, **given
    )
    left_out = cross_val_predict(
        model(), rows.X, rows.y, cv=cv, params=given, method="predict_proba"
    )
    np.testing.assert_allclose(folds.oof_posterior_, left_out[:, 1], rtol=0, atol=1e-6)


@both
@pytest.mark.usefixtures("routing")
def test_weights_and_groups_reach_a_search_inside_other_tools(
    library: Any, rows: Sample
) -> None:
    search = FocalSearchCV(make(library), {"focal_gamma": GAMMAS}, cv=2, **SEARCH)
    search.set_fit_request(sample_weight=True, groups=True)
    groups, cv = np.arange(ROWS) // 10, GroupKFold(2)
    found = cross_validate(
        search, rows.X, rows.y, cv=cv, scoring=weighted_scorer("neg_log_loss"),
        params={"sample_weight": rows.weight, "groups": groups},
        return_estimator=True, error_score="raise",
    )  # fmt: skip
    for (train, test), score, one in zip(
        cv.split(rows.X, rows.y, groups),
        found["test_score"],
        found["estimator"],
        strict=True,
    ):
        part, left_out = rows[train], rows[test]
        alone = FocalSearchCV(make(library), {"focal_gamma": GAMMAS}, cv=2, **SEARCH)
        alone.fit(part.X, part.y, sample_weight=part.weight, groups=groups[train])
        assert one.best_score_ == alone.best_score_
        scorer = get_scorer("neg_log_loss")
        expected = scorer(alone, left_out.X, left_out.y, sample_weight=left_out.weight)
        assert score == expected


def search_by_weights(model: Any) -> Any:
    return searched(scoring=weighted_scorer("neg_log_loss"))(model)


# The others route none, or have steps of their own that were to be asked.
WITHOUT = ("boosting", "one against one", "vote", "stack", "scaled", "search", "tuned")
WITHOUT += ("self-training", "halving")
ROUTED = {
    name: tool
    for name, tool in {**TOOLS, **MORE_TOOLS}.items()
    if not name.startswith(WITHOUT)
} | {"search": Tool(search_by_weights)}


@both
@pytest.mark.parametrize("name", ROUTED)
@pytest.mark.usefixtures("routing")
def test_tools_route_weights_as_to_the_parent(
    library: Any, rows: Sample, name: str
) -> None:
    skip_without_temperature(name)
    tool, labels = ROUTED[name]

    def told(model: Any, **given: Any) -> dict[str, Any]:
        return answers(tool(wanting(model)).fit(rows.X, labels(rows), **given), rows.X)

    # scikit-learn 1.6 calibrates with weights of the probabilities' precision only.
    precision = np.float32 if library.name == "xgboost" else np.float64
    given = {"sample_weight": rows.weight.astype(precision)}
    ours, theirs = (
        told(model, **given) for model in (make(library, **LOG_LOSS), parent(library))
    )
    assert ours.keys() == theirs.keys()
    for answer, expected in theirs.items():
        np.testing.assert_allclose(ours[answer], expected, rtol=0, atol=1e-5)
    weighted, plain = (told(make(library), **one) for one in (given, {}))
    of = "predict_proba" if "predict_proba" in plain else "predict"
    assert (weighted[of] != plain[of]).any()


def seen_by(tool: Any, rows: Sample) -> set[type]:
    """Return what the steps of a tool's pipelines were handed."""
    seen: set[type] = set()

    def look(X: Any) -> Any:
        seen.add(type(X))
        return X

    model = FocalLGBMClassifier(n_estimators=3, verbosity=-1, n_jobs=1)
    tool(make_pipeline(StandardScaler(), FunctionTransformer(look), model)).fit(
        rows.X, rows.y
    )
    return seen


def test_frames_that_are_asked_for_are_made_in_threads_too(rows: Sample) -> None:
    pd = pytest.importorskip("pandas", reason="the frames are of pandas")
    space = {"focallgbmclassifier__focal_gamma": GAMMAS}
    before = sklearn.get_config()["transform_output"]
    for tool in (
        lambda model: FocalSearchCV(model, space, cv=2, n_jobs=2, **SEARCH),
        lambda model: FoldEnsembleClassifier(model, cv=2, n_jobs=2),
        lambda model: LogOddsVotingClassifier([model, model], n_jobs=2),
    ):
        assert seen_by(tool, rows) == {np.ndarray}
        # Settings are those of a thread.
        sklearn.set_config(transform_output="pandas")
        try:
            assert seen_by(tool, rows) == {pd.DataFrame}
        finally:
            sklearn.set_config(transform_output=before)


@both
@pytest.mark.usefixtures("routing")
def test_a_scorer_that_wants_no_weights_gets_none(library: Any, rows: Sample) -> None:
    """The weights say who is trained on, and not how it is judged."""
    given = {"focal_gamma": GAMMAS}
    weight = np.where(rows.y == 1, 5.0, 1.0)
    model = make(library).set_fit_request(sample_weight=True)
    for asked in (True, False):
        scorer = get_scorer("neg_brier_score").set_score_request(sample_weight=asked)
        settings = {"scoring": scorer, "cv": StratifiedKFold(3)}
        ours = FocalSearchCV(model, given, halving=False, refit=False, **settings)
        ours.fit(rows.X, rows.y, sample_weight=weight)
        theirs = GridSearchCV(model, given, refit=False, **settings)
        theirs.fit(rows.X, rows.y, sample_weight=weight)
        found, expected = (one.cv_results_["mean_test_score"] for one in (ours, theirs))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
