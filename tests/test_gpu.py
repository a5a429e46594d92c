"""On an NVIDIA GPU with CuPy: the kernel's numbers, and trainings like the CPU's."""

import numpy as np
import oracles
import pytest
import xgboost as xgb
from oracles import GAMMAS, MARGINS, RAW_SCORES, float32_ulps
from populations import make_sample
from sklearn.metrics import average_precision_score

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, FocalXGBClassifier
from focal_boost._rows import DeviceRows, Labels
from focal_boost.links import LINKS

pytestmark = pytest.mark.gpu

NARROW = np.unique(MARGINS.astype(np.float32))
ROUNDS = 60


@pytest.fixture(scope="module", autouse=True)
def cupy():
    sentence = "the tests on a device need an NVIDIA GPU and CuPy"
    module = pytest.importorskip("cupy", reason=sentence, exc_type=ImportError)
    try:
        count = module.cuda.runtime.getDeviceCount()
    except RuntimeError:
        count = 0
    if not count:
        pytest.skip(sentence)
    return module


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("gamma", [*GAMMAS, 100.0])
@pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
def test_gradient_and_curvature_against_mpmath(cupy, there, gamma, y):
    labels = np.full(NARROW.shape, y, np.float32)
    rows = [cupy.asarray(values) if there else values for values in (labels, NARROW)]
    objective = FocalObjective(0.25, gamma, "focal", device="cuda")
    grad, hess = map(cupy.asnumpy, objective(*rows))
    exact_grad = oracles.exact_gradient(y, NARROW, gamma, 0.25)
    exact_hess = oracles.exact_curvature(y, NARROW, gamma, 0.25)
    allowed = 2 if gamma <= 10 else 6
    assert float32_ulps(grad, exact_grad).max() <= allowed
    # So few rows have a floor of about 1e-16.
    large = exact_hess > 1e-11 * (1 + gamma) ** 2
    assert float32_ulps(hess, exact_hess)[large].max() <= allowed
    assert (np.abs(hess - exact_hess)[~large] <= 1e-14 * (1 + gamma) ** 2).all()
    assert (hess > 0).all()


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("gamma", [*GAMMAS, 100.0])
def test_exact_hessian_against_mpmath(cupy, gamma, y):
    labels = np.full(NARROW.shape, y, np.float32)
    objective = FocalObjective(0.25, gamma, "focal", "exact", device="cuda")
    hess = cupy.asnumpy(objective(labels, NARROW)[1])
    exact = oracles.exact_hessian(y, NARROW, gamma, 0.25)
    curvature = oracles.exact_curvature(y, NARROW, gamma, 0.25)
    # It is a difference of terms up to |t| times the curvature.
    reach = np.minimum(1 + np.abs(NARROW), 200)
    unit = 2.0**-23 * reach * np.maximum(curvature, 2.0**-126)
    assert (np.abs(hess - exact) / unit).max() <= (2 if gamma <= 10 else 6)


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("hessian", ["upper", "exact"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.7, 10.0])
@pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
def test_log_odds_against_mpmath(cupy, there, gamma, hessian, y):
    rows = np.full(RAW_SCORES.shape, y), RAW_SCORES
    given = [cupy.asarray(values) if there else values for values in rows]
    objective = FocalObjective(0.25, gamma, hessian=hessian, device="cuda")
    grad, hess = map(cupy.asnumpy, objective(*given))
    rows = y, RAW_SCORES, gamma, 0.25
    assert float32_ulps(grad, oracles.in_log_odds("slope", *rows)).max() <= 2
    upper = oracles.in_log_odds("curvature", *rows)
    name = {"upper": "curvature", "exact": "hessian"}[hessian]
    exact = oracles.in_log_odds(name, *rows)
    # So few rows have a floor of about 1e-17.
    bound = 1e-5 * np.maximum(upper, 2.0**-126) + (1e-16 if hessian == "upper" else 0)
    reach = 1 + np.abs(RAW_SCORES) if hessian == "exact" else 1
    assert (np.abs(hess - exact) <= bound * reach).all()
    assert (hess > 0).all() or hessian == "exact"


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7])
def test_more_rows_than_threads(cupy, gamma, link):
    rng = np.random.default_rng(0)
    raw_score = rng.normal(0, 3, 5_000_001).astype(np.float32)
    labels = (rng.random(raw_score.size) < 0.3).astype(np.float32)
    weight = rng.exponential(size=raw_score.size).astype(np.float32)
    objective = FocalObjective(0.25, gamma, link, device="cuda")
    grad, _ = objective(labels, raw_score, weight)
    last = slice(-1000, None)
    rows = labels[last], raw_score[last].astype(float)
    exact = weight[last] * objective.values.gradient(*rows)
    assert float32_ulps(cupy.asnumpy(grad[last]), exact).max() <= 2


def test_an_unsound_row_is_named(cupy):
    objective = FocalObjective(device="cuda")
    with pytest.raises(
        ValueError, match=r"^raw_score must be finite numbers, got nan$"
    ):
        objective([0, 1, 0], np.float32([0, np.nan, 1]))
    with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got 2"):
        objective(cupy.asarray([0, 2, 0]), cupy.zeros(3, np.float32))
    weight = cupy.asarray([1, -1, 0])
    with pytest.raises(ValueError, match=r"^sample_weight must be finite numbers >= 0"):
        objective([0, 1, 0], np.zeros(3), weight)


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint64, np.float16, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_labels_and_weights_of_any_type(cupy, weighted, kind):
    labels = np.arange(1000) % 3 == 0
    weight = (np.arange(1000) % 2 + 1).astype(kind) if weighted else None
    expected = Labels.of(labels, weight).prevalence
    there = None if weight is None else cupy.asarray(weight)
    labels = cupy.asarray(labels.astype(kind))
    rows = DeviceRows(FocalObjective(), labels, there, "cuda")
    assert rows.labels.prevalence == pytest.approx(expected, rel=1e-12)


def test_where_no_polynomial_is_fine_enough_the_host_computes(cupy):
    labels, raw_score = np.arange(500) % 2, np.linspace(-900, 900, 500)
    expected = FocalObjective(gamma=150.0)(labels, raw_score)
    there = [cupy.asarray(values) for values in (labels, raw_score)]
    for values, wanted in zip(
        FocalObjective(gamma=150.0)(*there), expected, strict=True
    ):
        assert isinstance(values, cupy.ndarray)
        assert cupy.asnumpy(values) == pytest.approx(wanted, rel=1e-6, abs=1e-15)


def precisions(gamma, train, test, weight=None):
    """Return the average precision of a training on the CPU, and on the device."""
    data, unseen = xgb.DMatrix(train.X, train.y, weight=weight), xgb.DMatrix(test.X)
    objective = FocalObjective(0.25, gamma)
    found = []
    for device in ("cpu", "cuda"):
        booster = fxgb.train({"device": device}, data, ROUNDS, objective=objective)
        posterior = booster.predict(unseen)
        found.append(average_precision_score(test.y, posterior))
    return found


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7])
@pytest.mark.parametrize("weighted", [False, True])
def test_training_is_as_good_as_on_the_cpu(gamma, weighted):
    train, test = (make_sample(40_000, 0.05, seed) for seed in (1, 2))
    on_cpu, there = precisions(gamma, train, test, train.weight if weighted else None)
    assert there == pytest.approx(on_cpu, abs=0.02)


def test_rare_positives_are_found_for_a_large_gamma():
    train, test = (make_sample(400_000, 0.001, seed) for seed in (1, 2))
    on_cpu, there = precisions(5.0, train, test)
    assert on_cpu > 0.02
    assert there >= 0.8 * on_cpu


@pytest.mark.parametrize("native", [True, False])
def test_no_gradient_comes_back_to_the_host(cupy, sample, monkeypatch, native):
    types, update = set(), xgb.Booster.update

    def watched(self, dtrain, iteration, fobj=None):
        def objective(raw_score, data):
            pair = fobj(raw_score, data)
            types.update(map(type, pair))
            return pair

        update(self, dtrain, iteration, None if fobj is None else objective)

    monkeypatch.setattr(xgb.Booster, "update", watched)
    if native:
        fxgb.train({"device": "cuda"}, xgb.DMatrix(sample.X, sample.y), 3)
    else:
        FocalXGBClassifier(device="cuda", n_estimators=3).fit(sample.X, sample.y)
    assert types == {cupy.ndarray}
