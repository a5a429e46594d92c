"""On an NVIDIA GPU with CuPy: the kernel's numbers, and trainings like the CPU's."""

import numpy as np
import oracles
import pytest
import xgboost as xgb
from conftest import make_sample
from oracles import GAMMAS, MARGINS, float32_ulps
from sklearn.metrics import average_precision_score

import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective, FocalXGBClassifier

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
    grad, hess = map(cupy.asnumpy, FocalObjective(0.25, gamma, device="cuda")(*rows))
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
    objective = FocalObjective(0.25, gamma, "exact", device="cuda")
    hess = cupy.asnumpy(objective(labels, NARROW)[1])
    exact = oracles.exact_hessian(y, NARROW, gamma, 0.25)
    curvature = oracles.exact_curvature(y, NARROW, gamma, 0.25)
    # It is a difference of terms up to |t| times the curvature.
    reach = np.minimum(1 + np.abs(NARROW), 200)
    unit = 2.0**-23 * reach * np.maximum(curvature, 2.0**-126)
    assert (np.abs(hess - exact) / unit).max() <= (2 if gamma <= 10 else 6)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7])
def test_more_rows_than_threads(cupy, gamma):
    rng = np.random.default_rng(0)
    margin = rng.normal(0, 3, 5_000_001).astype(np.float32)
    labels = (rng.random(margin.size) < 0.3).astype(np.float32)
    weight = rng.exponential(size=margin.size).astype(np.float32)
    objective = FocalObjective(0.25, gamma, device="cuda")
    grad, _ = objective(labels, margin, weight)
    loss = FocalLoss(0.25, gamma)
    last = slice(-1000, None)
    exact = weight[last] * loss.gradient(labels[last], margin[last].astype(float))
    assert float32_ulps(cupy.asnumpy(grad[last]), exact).max() <= 2


def test_an_unsound_row_is_named(cupy):
    objective = FocalObjective(device="cuda")
    with pytest.raises(ValueError, match=r"^margin must be finite numbers, got nan$"):
        objective([0, 1, 0], np.float32([0, np.nan, 1]))
    with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got 2"):
        objective(cupy.asarray([0, 2, 0]), cupy.zeros(3, np.float32))


def precisions(gamma, train, test, weight=None):
    """Return the average precision of a training on the CPU, and on the device."""
    data, unseen = xgb.DMatrix(train.X, train.y, weight=weight), xgb.DMatrix(test.X)
    objective = FocalObjective(0.25, gamma)
    found = []
    for device in ("cpu", "cuda"):
        booster = fxgb.train({"device": device}, data, ROUNDS, objective=objective)
        margin = booster.predict(unseen, output_margin=True)
        found.append(average_precision_score(test.y, margin))
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
        def objective(margin, data):
            pair = fobj(margin, data)
            types.update(map(type, pair))
            return pair

        update(self, dtrain, iteration, objective)

    monkeypatch.setattr(xgb.Booster, "update", watched)
    if native:
        fxgb.train({"device": "cuda"}, xgb.DMatrix(sample.X, sample.y), 3)
    else:
        FocalXGBClassifier(device="cuda", n_estimators=3).fit(sample.X, sample.y)
    assert types == {cupy.ndarray}
