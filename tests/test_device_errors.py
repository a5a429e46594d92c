"""What cannot be computed on a device is refused in one sentence, before training."""

import sys

import fake_cupy
import numpy as np
import pytest
import xgboost as xgb

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, FocalXGBClassifier
from focal_boost._rows import DeviceRows, rows_of

LABELS = np.float32([0, 1, 0, 1])
RAW_SCORE = np.float32([0.5, -1, 2, 0])
WEIGHT = np.float32([1, 2, 0, 0.5])


def changed(values, row, number):
    values = values.astype(np.result_type(values, np.min_scalar_type(number)))
    values[row] = number
    return values


def sentence_of(objective, rows):
    with pytest.raises(ValueError, match=r"^\w+ must ") as raised:
        objective(*rows)
    return str(raised.value)


UNSOUND = [
    *((changed(LABELS, 2, bad), RAW_SCORE, WEIGHT) for bad in (2, -1, 0.5, np.nan)),
    *(
        (LABELS, changed(RAW_SCORE, 1, bad), WEIGHT)
        for bad in (np.nan, np.inf, -np.inf)
    ),
    *((LABELS, RAW_SCORE, changed(WEIGHT, 3, bad)) for bad in (-1, np.nan, np.inf)),
    (LABELS, RAW_SCORE, np.float32([1, 2, 1e38, 1])),
    (LABELS, RAW_SCORE, np.zeros(4, np.float32)),
    (LABELS[:3], RAW_SCORE, None),
    (LABELS, RAW_SCORE, WEIGHT[:3]),
    (LABELS, np.zeros((4, 2), np.float32), None),
    (np.zeros(0, np.float32), RAW_SCORE, None),
    (LABELS, np.zeros(0, np.float32), None),
    (LABELS, np.zeros((0, 2), np.float32), None),
    (LABELS[:3], RAW_SCORE, WEIGHT),
    # In float32 they would be a class, and infinite.
    *((np.array([0, 1, bad]), np.zeros(3), None) for bad in (1 + 1e-12, 1e-300, -1e-9)),
    (LABELS, RAW_SCORE, np.array([1, 1e300, 1, 1])),
]


class TestUnsoundRows:
    """The sentences are the host's."""

    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    @pytest.mark.parametrize("rows", UNSOUND)
    def test_are_named(self, cupy, rows, there):
        expected = sentence_of(FocalObjective(), rows)
        if there:
            rows = [None if one is None else cupy.asarray(one) for one in rows]
        assert sentence_of(FocalObjective(device="cuda"), rows) == expected

    @pytest.mark.parametrize("offset", [np.inf, -np.inf, np.nan])
    def test_an_offset_that_is_not_finite(self, cupy, offset):
        for device in ("cpu", "cuda"):
            objective = FocalObjective(device=device)
            rows = rows_of(objective, LABELS, None, RAW_SCORE)
            message = rf"^offset must be finite numbers, got {offset}$"
            with pytest.raises(ValueError, match=message):
                rows.gradient_hessian(RAW_SCORE, offset)

    def test_sound_rows_are_taken_after_unsound_ones(self, cupy):
        rows = DeviceRows(FocalObjective(), LABELS, None, "cuda")
        with pytest.raises(ValueError, match=r"^raw_score must be finite"):
            rows.gradient_hessian(np.float32([0, np.nan, 0, 0]))
        grad, _ = rows.gradient_hessian(RAW_SCORE)
        assert (grad.values * (1 - 2 * LABELS) > 0).all()

    def test_labels_and_weights_are_refused_before_the_first_round(self, cupy):
        for label, weight in ((2, 1), (1, -1), (1, np.inf), (1, 2e37), (1, np.nan)):
            rows = np.float32([0, label]), np.float32([1, weight])
            for given in (rows, map(cupy.asarray, rows)):
                with pytest.raises(ValueError, match=r"^(y_true|sample_weight) must"):
                    DeviceRows(FocalObjective(), *given, "cuda")
        assert cupy.launches == []


NAMED = '^device must be "cpu", "cuda" or "cuda:<number>", got '


class TestWrongDevice:
    def test_labels_and_weights_are_where_the_scores_are(self, cupy):
        with cupy.cuda.Device(1):
            labels, raw_score, weight = map(cupy.asarray, (LABELS, RAW_SCORE, WEIGHT))
        (scores_0,) = map(cupy.asarray, (RAW_SCORE,))
        for rows, name in (
            ((labels, scores_0), "y_true"),
            ((LABELS, scores_0, weight), "sample_weight"),
        ):
            message = rf"^{name} must be on cuda:0 like the other arrays, got cuda:1$"
            with pytest.raises(ValueError, match=message):
                FocalObjective()(*rows)
        message = r"^raw_score must be on cuda:0 like the other arrays, got cuda:1$"
        with pytest.raises(ValueError, match=message):
            FocalObjective(device="cuda:0")(LABELS, raw_score)
        assert cupy.copies == []

    def test_the_cpu_takes_no_device_scores(self, cupy):
        message = r'^raw_score must be on the host for device "cpu", got ndarray$'
        with pytest.raises(ValueError, match=message):
            FocalObjective(device="cpu")(LABELS, cupy.asarray(RAW_SCORE))

    @pytest.mark.parametrize(
        "device", ["", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "tpu", 0, True]
    )
    def test_no_device_of_that_name(self, device):
        with pytest.raises(ValueError, match=f"{NAMED}{device!r}$"):
            FocalObjective(device=device)


def no_cupy(monkeypatch):
    fake_cupy.without_cupy(
        monkeypatch, ModuleNotFoundError("No module named 'cupy'", name="cupy")
    )


def cupy_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


def cupy_of_another_cuda(monkeypatch):
    fake_cupy.without_cupy(monkeypatch, ImportError("libnvrtc.so.12 is missing"))


def devices(count):
    def install(monkeypatch):
        fake = fake_cupy.FakeCuPy(count)
        monkeypatch.setitem(sys.modules, "cupy", fake)

    return install


def no_driver(monkeypatch):
    fake = fake_cupy.FakeCuPy(0)

    def count():
        raise RuntimeError("cudaErrorInsufficientDriver")

    fake.cuda.runtime.getDeviceCount = count
    monkeypatch.setitem(sys.modules, "cupy", fake)


INSTALL = (
    r"CuPy for the CUDA of this machine: pip install cupy-cuda12x for CUDA 12,"
    " pip install cupy-cuda13x for CUDA 13"
)
MISSING = rf"^device '{{0}}' needs {INSTALL}$"
COUNT = "^device must be below the number of CUDA devices, {1}, got '{0}'$"
NOT_THERE = pytest.mark.parametrize(
    ("machine", "device", "error", "sentence"),
    [
        (no_cupy, "cuda", ModuleNotFoundError, MISSING),
        (cupy_is_none, "cuda", ModuleNotFoundError, MISSING),
        (
            cupy_of_another_cuda,
            "cuda",
            ValueError,
            rf"^device '{{0}}' needs {INSTALL}; got libnvrtc.so.12 is missing$",
        ),
        (
            no_driver,
            "cuda",
            ValueError,
            "^device must be one that CuPy finds, got '{0}' and"
            rf" cudaErrorInsufficientDriver; it needs an NVIDIA GPU and {INSTALL}$",
        ),
        (devices(0), "cuda", ValueError, COUNT.replace("{1}", "0")),
        (devices(1), "cuda:1", ValueError, COUNT.replace("{1}", "1")),
        (devices(2), "cuda:7", ValueError, COUNT.replace("{1}", "2")),
        (devices(2), "cuda:-1", ValueError, NAMED + "'{0}'$"),
    ],
)


@NOT_THERE
class TestBeforeTraining:
    """No round runs, and the data stay as they are."""

    X = np.arange(8.0)[:, None]
    y = np.float32([0, 0, 0, 1, 0, 1, 1, 1])

    @pytest.fixture(autouse=True)
    def no_round(self, monkeypatch):
        def update(*args, **kwargs):
            raise AssertionError("a round ran")

        monkeypatch.setattr(xgb.Booster, "update", update)

    def test_train(self, monkeypatch, machine, device, error, sentence):
        machine(monkeypatch)
        data = xgb.DMatrix(self.X, self.y)
        with pytest.raises(error, match=sentence.replace("{0}", device)):
            fxgb.train({"device": device}, data, 2)
        assert (data.get_label() == self.y).all()
        assert data.get_weight().size == data.get_base_margin().size == 0

    def test_classifier(self, monkeypatch, machine, device, error, sentence):
        machine(monkeypatch)
        model = FocalXGBClassifier(device=device, n_estimators=2)
        with pytest.raises(error, match=sentence.replace("{0}", device)):
            model.fit(self.X, self.y)
        assert not hasattr(model, "loss_")

    def test_objective(self, monkeypatch, machine, device, error, sentence):
        machine(monkeypatch)
        with pytest.raises(error, match=sentence.replace("{0}", device)):
            FocalObjective(device=device)(LABELS, RAW_SCORE)


def test_a_broken_import_inside_cupy_is_not_hidden(monkeypatch):
    error = ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock")
    fake_cupy.without_cupy(monkeypatch, error)
    with pytest.raises(ModuleNotFoundError, match="fastrlock"):
        FocalObjective(device="cuda")(LABELS, RAW_SCORE)
