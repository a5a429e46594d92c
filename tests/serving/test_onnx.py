"""ONNX: both classifiers by the converters' own calls and by export."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import booster_of, both, fit_watched, make, quiet, words
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost.datasets import make_imbalanced

if TYPE_CHECKING:
    from numpy.typing import NDArray

WITHOUT = 'ONNX needs ".[onnx]"'
runtime = pytest.importorskip("onnxruntime", reason=WITHOUT)
onnxmltools = pytest.importorskip("onnxmltools", reason=WITHOUT)
skl2onnx = pytest.importorskip("skl2onnx", reason=WITHOUT)

from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: E402

import focal_boost  # noqa: E402
from focal_boost.onnx import export  # noqa: E402

pytestmark = quiet

ROWS, OTHERS = 1_500, 10_000


class Data:
    """Rows with missing values, as float32, which is all that a graph takes."""

    X, y, _ = make_imbalanced(ROWS + OTHERS, prevalence=0.1, seed=0)
    X = X.astype(np.float32)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    train, y_train, others, y_others = X[:ROWS], y[:ROWS], X[ROWS:], y[ROWS:]


def answers(graph: Any, X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels and probabilities that a graph gives without this package."""
    # Warnings of shapes that the converters write are not the reader's.
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    where = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    session = runtime.InferenceSession(
        where, options, providers=["CPUExecutionProvider"]
    )
    labels, probabilities = session.run(None, {session.get_inputs()[0].name: X})
    if isinstance(probabilities, list):
        probabilities = np.array([list(one.values()) for one in probabilities])
    return np.asarray(labels), np.asarray(probabilities)


def check(
    graph: Any, model: Any, X: Any = Data.others, of: Any = None, classes: int = 2
) -> None:
    """Assert that a graph says what the model says."""
    labels, probabilities = answers(graph, X)
    given = X if of is None else of
    np.testing.assert_array_equal(labels, model.predict(given))
    np.testing.assert_allclose(
        probabilities, model.predict_proba(given), rtol=0, atol=1e-6
    )
    assert len(set(labels.tolist())) == classes


def by_onnxmltools(model: Any) -> Any:
    library = "xgboost" if hasattr(model, "get_booster") else "lightgbm"
    convert = getattr(onnxmltools, f"convert_{library}")
    return convert(
        model, initial_types=[("input", FloatTensorType([None, model.n_features_in_]))]
    )


def by_skl2onnx(model: Any) -> Any:
    return skl2onnx.to_onnx(
        model, Data.train[:1], target_opset={"": 15, "ai.onnx.ml": 3}
    )


CALLS = {"onnxmltools": by_onnxmltools, "skl2onnx": by_skl2onnx}
LABELS: dict[str, Any] = {
    "numbers": lambda y: y,
    "text": words,
    "integers": lambda y: 2 * y - 1,
}


@both
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("encode", LABELS.values(), ids=LABELS)
def test_the_converters_own_calls(library: Any, call: Any, encode: Any) -> None:
    model = make(library, n_estimators=40).fit(Data.train, encode(Data.y_train))
    check(call(model), model)


@both
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_early_stopping(library: Any, call: Any, tmp_path: Path) -> None:
    train, held_out = (Data.train, Data.y_train), (Data.others, Data.y_others)
    model = fit_watched(library, train, [held_out], stop=3, n_estimators=200)
    export(model, tmp_path / "model.onnx")
    check(tmp_path / "model.onnx", model)
    check(call(model), model)


class Many:
    """The same rows in four classes, a rare one among them."""

    share = np.nan_to_num(Data.X[:, 0]) + 0.5 * Data.y
    y = np.digitize(share, np.quantile(share, [0.6, 0.85, 0.97]))
    names = np.array(["ant", "bee", "cow", "dog"])
    labels: ClassVar[dict[str, Any]] = {"numbers": y, "text": names[y]}


@both
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("y", Many.labels.values(), ids=Many.labels)
def test_many_classes(library: Any, call: Any, y: Any, tmp_path: Path) -> None:
    gamma = [0.0, 0.5, 1.0, 2.0]
    model = make(library, n_estimators=12, focal_gamma=gamma).fit(Data.train, y[:ROWS])
    before = model.predict_proba(Data.others)
    check(call(model), model, classes=4)
    export(model, tmp_path / "model.onnx")
    check(tmp_path / "model.onnx", model, classes=4)
    np.testing.assert_array_equal(model.predict_proba(Data.others), before)
    assert model.get_params()["n_estimators"] == 12


@both
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_many_classes_that_stop_early(library: Any, call: Any) -> None:
    train, held_out = (Data.X[:ROWS], Many.y[:ROWS]), (Data.others, Many.y[ROWS:])
    params = {"n_estimators": 90, "learning_rate": 0.5}
    model = fit_watched(library, train, [held_out], stop=2, **params)
    check(call(model), model, classes=4)


@both
def test_label_matrices_are_named(library: Any, tmp_path: Path) -> None:
    matrix = np.column_stack([Many.y > 0, Many.y > 1])[:ROWS].astype(int)
    model = make(library, n_estimators=3).fit(Data.train, matrix)
    with pytest.raises(ValueError, match=r"got one of a label matrix$"):
        export(model, tmp_path / "model.onnx")
    assert not [*tmp_path.iterdir()]


def test_one_tree_for_all_classes_is_named(tmp_path: Path) -> None:
    tree = make(XGBoost, n_estimators=3, multi_strategy="multi_output_tree")
    tree.fit(Data.train, Many.y[:ROWS])
    with pytest.raises(ValueError, match=r"multi_strategy .*, got 'multi_output_tree'"):
        export(tree, tmp_path / "model.onnx")


@both
def test_pipelines(library: Any, tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), make(library, n_estimators=40))
    pipeline.fit(Data.train, words(Data.y_train))
    export(pipeline, tmp_path / "model.onnx")
    # A value that rounding moves across a threshold is another row's.
    labels, probabilities = answers(tmp_path / "model.onnx", Data.others)
    differs = abs(probabilities - pipeline.predict_proba(Data.others)).max(1) > 1e-6
    assert differs.mean() < 1e-3
    same = labels == pipeline.predict(Data.others)
    assert same[~differs].all()
    check(by_skl2onnx(pipeline), pipeline, Data.others[~differs])


@both
def test_a_pipeline_that_rounds_nothing_differs_nowhere(
    library: Any, tmp_path: Path
) -> None:
    filled = SimpleImputer(strategy="constant", fill_value=-4.0)
    pipeline = make_pipeline(filled, make(library, n_estimators=40))
    pipeline.fit(Data.train, words(Data.y_train))
    export(pipeline, tmp_path / "model.onnx")
    check(tmp_path / "model.onnx", pipeline)
    check(by_skl2onnx(pipeline), pipeline)


@both
def test_frames_and_categories(library: Any, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="frames need pandas")
    settings = {"enable_categorical": True} if library.name == "xgboost" else {}
    frames, codes = [], []
    for X in (Data.train, Data.others):
        frame = pd.DataFrame(X[:, :4], columns=list("abcd"))
        code = np.digitize(np.nan_to_num(X[:, 4]), [-1.0, 0.0, 1.0])
        frame["e"] = pd.Categorical.from_codes(code, categories=list("pqrs"))
        frames.append(frame)
        codes.append(np.column_stack([X[:, :4], code]).astype(np.float32))
    model = make(library, n_estimators=40, **settings).fit(frames[0], Data.y_train)
    export(model, tmp_path / "model.onnx")
    check(tmp_path / "model.onnx", model, codes[1], of=frames[1])
    check(by_onnxmltools(model), model, codes[1], of=frames[1])
    booster = booster_of(library, model)
    if library.name == "xgboost":
        assert booster.feature_names == list("abcde")


@both
def test_the_graph_knows_its_loss(library: Any, tmp_path: Path) -> None:
    model = make(library, focal_alpha="balanced", focal_gamma=1.5)
    export(model.fit(Data.train, Data.y_train), tmp_path / "model.onnx")
    session = runtime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    said = session.get_modelmeta().custom_metadata_map
    assert float(said["focal_alpha"]) == model.loss_.alpha
    assert float(said["focal_gamma"]) == 1.5
    assert said["focal_link"] == "logit"
    assert said["focal_boost"] == focal_boost.__version__
    assert [one.name for one in session.get_inputs()] == ["input"]
    names = [one.name for one in session.get_outputs()]
    assert names == ["label", "probabilities"]


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (LightGBM, {"linear_tree": True}, "linear_tree of a model for ONNX must be False,"),
    (LightGBM, {"zero_as_missing": True}, "zero_as_missing of a model for ONNX must"),
    (XGBoost, {"num_parallel_tree": 3}, "num_parallel_tree of a model for ONNX must"),
    (XGBoost, {"booster": "gblinear"}, "booster of a model for ONNX must be 'gbtree',"),
]


@pytest.mark.filterwarnings("ignore:.*booster=gblinear:UserWarning")
@pytest.mark.parametrize(("library", "params", "message"), REFUSED)
def test_what_the_converters_would_lose_is_named(
    library: Any, params: dict[str, Any], message: str, tmp_path: Path
) -> None:
    X = np.nan_to_num(Data.train)
    model = make(library, **params).fit(X, Data.y_train)
    with pytest.raises(ValueError, match=f"^{message}"):
        export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@both
def test_what_is_no_fitted_classifier_is_named(library: Any, tmp_path: Path) -> None:
    for model, message in (
        (make(library), "^model must be fitted, got Focal"),
        (library.classifier(), "^model must be a FocalXGBClassifier or FocalLGBMCl"),
        (
            make(library).fit(Data.train, np.zeros(ROWS, int)),
            "^model must know two classes, got 1 class: ",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            export(model, tmp_path / "model.onnx")


def test_a_graph_is_served_where_this_package_is_not(tmp_path: Path) -> None:
    model = make(XGBoost).fit(Data.train, Data.y_train)
    export(model, tmp_path / "model.onnx")
    np.save(tmp_path / "rows.npy", Data.others[:50])
    code = (
        "import sys; sys.modules['focal_boost'] = None\n"
        "import numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession('model.onnx')\n"
        "found = session.run(None, {'input': numpy.load('rows.npy')})\n"
        "numpy.save('found.npy', found[1])"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    np.testing.assert_allclose(
        np.load(tmp_path / "found.npy"),
        model.predict_proba(Data.others[:50]),
        rtol=0,
        atol=1e-6,
    )
