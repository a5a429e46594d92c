"""MLflow: both libraries' flavours and scikit-learn's, by autologging and by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM
from estimators import both, make, quiet, words
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost.datasets import make_imbalanced

mlflow = pytest.importorskip("mlflow", reason='MLflow needs ".[mlflow]"')

import focal_boost.mlflow  # noqa: E402

# MLflow's own code warns of what it does.
pytestmark = [*quiet, pytest.mark.filterwarnings("default")]

_X, y, _ = make_imbalanced(1_500, prevalence=0.1, seed=0)
X = pd.DataFrame(_X, columns=[f"x{i}" for i in range(_X.shape[1])])
# Its own search for requirements takes most of a minute a model.
REQUIREMENTS = {"pip_requirements": ["focal-boost"]}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Have one data base, which takes seconds to make."""
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/runs.db")
    yield folder
    mlflow.set_tracking_uri(None)


@pytest.fixture(autouse=True)
def experiment(store: Path, request: pytest.FixtureRequest) -> str:
    """Have runs of its own in each test."""
    name, where = str(request.node.name), store / str(abs(hash(request.node.name)))
    mlflow.create_experiment(name, artifact_location=where.as_uri())
    return str(mlflow.set_experiment(name).experiment_id)


def own(library: Any) -> Any:
    return {"xgboost": mlflow.xgboost, "lightgbm": mlflow.lightgbm}[library.name]


def fitted(library: Any, kind: str) -> Any:
    targets: dict[str, NDArray[Any]] = {
        "two labels": y,
        "words": words(y),
        "three classes": np.where(y == 1, 2, (_X[:, 0] > 0).astype(int)),
        "a label matrix": np.column_stack([y, _X[:, 0] > 0]).astype(int),
    }
    if kind == "a pipeline":
        return make_pipeline(StandardScaler(), make(library)).fit(X, words(y))
    return make(library, focal_alpha=0.3, focal_gamma=1.5).fit(X, targets[kind])


def same(loaded: Any, model: Any) -> None:
    assert type(loaded) is type(model)
    for of in ("predict_proba", "predict"):
        np.testing.assert_array_equal(getattr(loaded, of)(X), getattr(model, of)(X))


def types_in(folder: Path) -> set[str]:
    """Return the types that the files of a stored model name."""
    (file,) = folder.rglob("*.skops")
    found = set()

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if "__module__" in node:
                found.add(f"{node['__module__']}.{node['__class__']}")
            for one in node.values():
                visit(one)
        elif isinstance(node, list):
            for one in node:
                visit(one)

    visit(json.loads(zipfile.ZipFile(file).read("schema.json")))
    return found


@both
@pytest.mark.parametrize("kind", ["words", "three classes", "a label matrix"])
def test_the_librarys_flavour_gives_back_what_was_logged(
    library: Any, kind: str
) -> None:
    model, flavour = fitted(library, kind), own(library)
    with mlflow.start_run():
        uri = flavour.log_model(model, name="model", **REQUIREMENTS).model_uri
    loaded = flavour.load_model(uri)
    same(loaded, model)
    if kind != "a label matrix":
        assert loaded.focal_objective_ == model.focal_objective_


@both
@pytest.mark.parametrize("kind", ["words", "a label matrix", "a pipeline"])
def test_the_flavour_of_scikit_learn_does_too(library: Any, kind: str) -> None:
    model = fitted(library, kind)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="model", **REQUIREMENTS)
    same(mlflow.sklearn.load_model(info.model_uri), model)


@both
def test_what_is_stored_names_no_private_type(library: Any, tmp_path: Path) -> None:
    model, flavour = fitted(library, "words"), own(library)
    mlflow.sklearn.save_model(model, tmp_path / "sklearn", **REQUIREMENTS)
    flavour.save_model(model, tmp_path / "own", **REQUIREMENTS)
    name = type(model).__name__
    of_ours = {one for one in types_in(tmp_path / "sklearn") if "focal_boost" in one}
    assert f"focal_boost.{library.name}.{name}" in of_ours
    assert not [one for one in of_ours if "._" in one]
    config = mlflow.models.Model.load(tmp_path / "own").flavors[library.name]
    key = {"xgboost": "model_class", "lightgbm": "lgb_model_class"}.get(library.name)
    stored = next(v for k, v in config.items() if k in (key, "model_class"))
    assert stored == f"focal_boost.{library.name}.{name}"


@both
def test_pyfunc_gives_what_it_gives_for_the_parent(
    library: Any, tmp_path: Path
) -> None:
    flavour, found = own(library), []
    models = (
        make(library, focal_alpha=None, focal_gamma=0.0),
        library.classifier(n_estimators=10, **library.quiet_estimator),
    )
    for i, model in enumerate(models):
        flavour.save_model(model.fit(X, y), tmp_path / str(i), **REQUIREMENTS)
        found.append(mlflow.pyfunc.load_model(tmp_path / str(i)).predict(X))
    ours, theirs = found
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(ours, theirs)
    assert set(ours) == {0, 1}


@both
def test_autologging_stores_the_focal_classifier(library: Any, experiment: str) -> None:
    flavour = own(library)
    flavour.autolog(silent=True, log_datasets=False)
    try:
        model = make(library, focal_alpha=0.3, focal_gamma=1.5).fit(X, words(y))
    finally:
        flavour.autolog(disable=True)
    (run,) = mlflow.search_runs([experiment], output_format="list")
    (logged,) = mlflow.search_logged_models([experiment], output_format="list")
    loaded = flavour.load_model(logged.model_uri)
    same(loaded, model)
    assert loaded.focal_objective_ == model.focal_objective_
    params = run.data.params
    assert params["focal_alpha"] == "0.3"
    assert params["focal_gamma"] == "1.5"
    assert params["num_boost_round"] == "10"
    assert set(loaded.predict(X)) == {"yes", "no"}
    assert not hasattr(model, "_finish")


@contextmanager
def autologged(*flavours: Any, **given: Any) -> Iterator[None]:
    for flavour in flavours:
        flavour.autolog(silent=True, log_datasets=False, **given)
    try:
        yield
    finally:
        for flavour in flavours:
            flavour.autolog(disable=True)


@both
@pytest.mark.parametrize("kind", ["words", "a label matrix"])
def test_parameters_are_logged_where_models_are_not(
    library: Any, kind: str, experiment: str
) -> None:
    with autologged(own(library), log_models=False):
        fitted(library, kind)
    (run,) = mlflow.search_runs([experiment], output_format="list")
    assert run.info.status == "FINISHED"
    assert run.data.params["focal_alpha"] == "0.3"
    assert run.data.params["focal_gamma"] == "1.5"
    assert run.data.params["num_boost_round"] == "10"
    assert run.data.tags["mlflow.autologging"] == library.name
    assert not mlflow.search_logged_models([experiment], output_format="list")
    fitted(library, kind)
    assert len(mlflow.search_runs([experiment], output_format="list")) == 1


@both
def test_a_run_of_the_callers_is_joined_or_left_alone(
    library: Any, experiment: str
) -> None:
    flavour = own(library)
    for exclusive, expected in ((False, "1.5"), (True, None)):
        with autologged(flavour, log_models=False, exclusive=exclusive):
            with mlflow.start_run() as run:
                fitted(library, "words")
            found = mlflow.get_run(run.info.run_id).data.params
            assert found.get("focal_gamma") == expected
    assert len(mlflow.search_runs([experiment], output_format="list")) == 2


@both
def test_a_second_fit_in_a_run_is_fitted(library: Any, experiment: str) -> None:
    with autologged(own(library), log_models=False), mlflow.start_run() as run:
        fitted(library, "words")
        second, message = make(library, focal_gamma=0.0), "^MLflow does not log alpha"
        with pytest.warns(UserWarning, match=message):
            second.fit(X, y)
    assert second.loss_.gamma == 0
    assert mlflow.get_run(run.info.run_id).data.params["focal_gamma"] == "1.5"


@both
def test_a_failed_fit_is_a_failed_run(library: Any, experiment: str) -> None:
    with (
        autologged(own(library), log_models=False),
        pytest.raises(ValueError, match=r"^focal_gamma must be"),
    ):
        make(library, focal_gamma=-1.0).fit(X, y)
    assert mlflow.active_run() is None
    (run,) = mlflow.search_runs([experiment], output_format="list")
    assert run.info.status == "FAILED"


@both
def test_autologging_of_scikit_learn_stores_a_pipeline(
    library: Any, experiment: str
) -> None:
    with autologged(mlflow.sklearn, own(library)):
        model = fitted(library, "a pipeline")
    (run,) = mlflow.search_runs([experiment], output_format="list")
    step = model.steps[-1][0]
    assert run.data.params[f"{step}__focal_gamma"] == "2.0"
    assert run.data.params[f"{step}__focal_alpha"] == "0.25"
    logged = mlflow.search_logged_models([experiment], output_format="list")
    same(mlflow.sklearn.load_model(logged[0].model_uri), model)


@both
def test_a_search_that_is_logged_logs_no_fold(library: Any, experiment: str) -> None:
    space = {"focal_gamma": [0.5, 2.0]}
    with autologged(mlflow.sklearn, own(library), log_models=False):
        search = GridSearchCV(make(library), space, cv=2, scoring="neg_log_loss")
        search.fit(X, y)
    runs = mlflow.search_runs([experiment], output_format="list")
    of_all = [one for one in runs if "best_focal_gamma" in one.data.params]
    assert len(of_all) == 1
    best = search.best_params_["focal_gamma"]
    assert float(of_all[0].data.params["best_focal_gamma"]) == best
    assert "focal_gamma" not in of_all[0].data.params


def test_loading_needs_no_module_of_mlflow_here(tmp_path: Path) -> None:
    model = fitted(LightGBM, "words")
    mlflow.lightgbm.save_model(model, tmp_path / "model", **REQUIREMENTS)
    X.to_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys; sys.modules['focal_boost.mlflow'] = None\n"
        "import mlflow, numpy, pandas\n"
        "model = mlflow.lightgbm.load_model('model')\n"
        "rows = pandas.read_parquet('rows.parquet')\n"
        "numpy.save('found.npy', model.predict_proba(rows))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    np.testing.assert_array_equal(
        np.load(tmp_path / "found.npy"), model.predict_proba(X)
    )


def test_importing_twice_changes_nothing() -> None:
    import importlib

    before = mlflow.lightgbm.save_model, LightGBM.focal_classifier.fit
    importlib.reload(focal_boost.mlflow)
    after = mlflow.lightgbm.save_model, LightGBM.focal_classifier.fit
    assert after == before
