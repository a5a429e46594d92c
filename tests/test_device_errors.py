"""What cannot be computed on a device is refused in one sentence, before training."""

import sys

import fake_cupy
import numpy as np
import pytest
import xgboost as xgb

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, FocalXGBClassifier

LABELS = np.float32([0, 1, 0, 1])
MARGIN = np.float32([0.5, -1, 2, 0])
WEIGHT = np.float32([1, 2, 0, 0.5])


@pytest.fixture
def cupy(monkeypatch):
    with fake_cupy.installed(monkeypatch, devices=2) as fake:
        yield fake


def changed(values, row, number):
    values = values.astype(np.result_type(values, np.min_scalar_type(number)))
    values[row] = number
    return values


def sentence_of(objective, rows):
    with pytest.raises(ValueError, match=r"^\w+ must ") as raised:
        objective(*rows)
    return str(raised.value)


UNSOUND = [
    *((changed(LABELS, 2, bad), MARGIN, WEIGHT) for bad in (2, -1, 0.5, np.nan)),
    *((LABELS, changed(MARGIN, 1, bad), WEIGHT) for bad in (np.nan, np.inf, -np.inf)),
    *((LABELS, MARGIN, changed(WEIGHT, 3, bad)) for bad in (-1, np.nan, np.inf)),
    (LABELS, MARGIN, np.float32([1, 2, 1e38, 1])),
    (LABELS, MARGIN, np.zeros(4, np.float32)),
    (LABELS[:3], MARGIN, None),
    (LABELS, MARGIN, WEIGHT[:3]),
    (LABELS, np.zeros((4, 2), np.float32), None),
    (np.zeros(0, np.float32), MARGIN, None),
]
any_unsound = pytest.mark.parametrize("rows", UNSOUND)


class TestUnsoundRows:
    """The sentences are the host's."""

    @any_unsound
    def test_of_the_host(self, cupy, rows):
        expected = sentence_of(FocalObjective(), rows)
        assert sentence_of(FocalObjective(device="cuda"), rows) == expected

    @any_unsound
    def test_of_the_device(self, cupy, rows):
        expected = sentence_of(FocalObjective(), rows)
        there = [None if values is None else cupy.asarray(values) for values in rows]
        assert sentence_of(FocalObjective(), there) == expected

    @pytest.mark.parametrize("label", [1 + 1e-12, 1e-300, -1e-9])
    def test_a_float64_label_near_a_class(self, cupy, label):
        rows = np.array([0, 1, label]), np.zeros(3)
        expected = sentence_of(FocalObjective(), rows)
        assert sentence_of(FocalObjective(device="cuda"), rows) == expected

    def test_a_float64_weight_beyond_float32(self, cupy):
        rows = LABELS, MARGIN, np.array([1, 1e300, 1, 1])
        sentence = sentence_of(FocalObjective(device="cuda"), rows)
        assert sentence.startswith("sample_weight must be at most 1.7e37 for the")

    def test_an_infinite_offset(self, cupy):
        with pytest.raises(
            ValueError, match=r"^margin must be finite numbers, got inf"
        ):
            FocalObjective(device="cuda").gradient_hessian(
                LABELS, MARGIN, offset=np.inf
            )

    def test_sound_rows_are_taken_after_unsound_ones(self, cupy):
        rows = FocalObjective().on_device(LABELS, None, "cuda")
        with pytest.raises(ValueError, match=r"^margin must be finite"):
            rows.gradient_hessian(np.float32([0, np.nan, 0, 0]))
        grad, _ = rows.gradient_hessian(MARGIN)
        assert (grad.values * (1 - 2 * LABELS) > 0).all()


class TestWrongDevice:
    def test_labels_and_weights_are_where_the_margins_are(self, cupy):
        with cupy.cuda.Device(1):
            labels, margin, weight = map(cupy.asarray, (LABELS, MARGIN, WEIGHT))
        (margin_0,) = map(cupy.asarray, (MARGIN,))
        for rows, name in (
            ((labels, margin_0), "y_true"),
            ((LABELS, margin_0, weight), "sample_weight"),
        ):
            message = rf"^{name} must be on cuda:0 like the other arrays, got cuda:1$"
            with pytest.raises(ValueError, match=message):
                FocalObjective()(*rows)
        message = r"^margin must be on cuda:0 like the other arrays, got cuda:1$"
        with pytest.raises(ValueError, match=message):
            FocalObjective(device="cuda:0")(LABELS, margin)
        assert cupy.copies == []

    def test_the_cpu_takes_no_device_margins(self, cupy):
        message = r'^margin must be on the host for device "cpu", got ndarray$'
        with pytest.raises(ValueError, match=message):
            FocalObjective(device="cpu")(LABELS, cupy.asarray(MARGIN))

    @pytest.mark.parametrize(
        "device", ["", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "tpu", 0, True]
    )
    def test_no_device_of_that_name(self, device):
        message = r'^device must be "cpu", "cuda" or "cuda:<number>", got '
        with pytest.raises(ValueError, match=message) as raised:
            FocalObjective(device=device)
        assert str(raised.value).endswith(f"got {device!r}")


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
    r'CuPy for the CUDA of this machine: pip install "focal-boost\[gpu\]" for CUDA 12,'
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
        (
            devices(2),
            "cuda:-1",
            ValueError,
            '^device must be "cpu", "cuda" or "cuda:<number>", got \'{0}\'$',
        ),
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
            FocalObjective(device=device)(LABELS, MARGIN)


def test_a_broken_import_inside_cupy_is_not_hidden(monkeypatch):
    error = ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock")
    fake_cupy.without_cupy(monkeypatch, error)
    with pytest.raises(ModuleNotFoundError, match="fastrlock"):
        FocalObjective(device="cuda")(LABELS, MARGIN)
