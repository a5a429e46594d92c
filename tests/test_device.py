"""FocalObjective on device arrays, through a stand-in for CuPy."""

import fake_cupy
import numpy as np
import pytest
from oracles import GAMMAS, float32_ulps

from focal_boost import FocalLoss, FocalObjective
from focal_boost._device import DeviceRows
from focal_boost._kernels.cuda import hessian_floor

every_gamma = pytest.mark.parametrize("gamma", [*GAMMAS, 100.0])
both_hessians = pytest.mark.parametrize("hessian", ["upper", "exact"])


@pytest.fixture
def cupy(monkeypatch):
    with fake_cupy.installed(monkeypatch, devices=3) as fake:
        yield fake


def sample(n=700):
    rng = np.random.default_rng(11)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    margin = rng.normal(0, 3, n).astype(np.float32)
    return labels, margin, rng.exponential(size=n).astype(np.float32)


def on_device(cupy, *arrays, ordinal=0):
    with cupy.cuda.Device(ordinal):
        return [cupy.asarray(values) for values in arrays]


def equal(pair, other):
    return all((a.values == b.values).all() for a, b in zip(pair, other, strict=True))


def assert_close(pair, expected, rows, objective):
    """Assert equality within the promised units of the last place."""
    allowed = 2 if objective.gamma <= 10 else 6
    labels, margin, *weight = rows
    curvature = FocalLoss(objective.alpha, objective.gamma).curvature(
        labels, margin.astype(float)
    )
    scale = curvature * (weight[0] if weight else 1)
    reach = 1 + np.abs(margin) if objective.hessian == "exact" else 1
    bound = allowed * 2.0**-23 * reach * np.maximum(scale, 2.0**-126)
    floor = max(hessian_floor(objective._numbers, labels.size), 0)
    bound += floor * (weight[0] if weight else 1)
    assert float32_ulps(pair[0].values, expected[0].astype(float)).max() <= allowed
    error = np.abs(pair[1].values - expected[1].astype(float))
    assert (error <= bound).all()


@every_gamma
@both_hessians
@pytest.mark.parametrize("weighted", [False, True])
def test_device_margins_give_the_cpus_numbers(cupy, weighted, hessian, gamma):
    rows = sample() if weighted else sample()[:2]
    objective = FocalObjective(0.25, gamma, hessian)
    pair = objective(*on_device(cupy, *rows))
    assert_close(pair, objective(*rows), rows, objective)


class TestWhereItComputes:
    """On the device that is named, else where the margins are."""

    @pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:2", "gpu", "gpu:1"])
    def test_on_the_named_device(self, cupy, device):
        rows = sample()
        objective = FocalObjective(device=device)
        pair = objective(*rows)
        assert_close(pair, FocalObjective()(*rows), rows, objective)
        ordinal = int(device[-1]) if ":" in device else 0
        assert [values.device.id for values in pair] == [ordinal, ordinal]
        assert cupy.launches == [ordinal]
        assert cupy.current == 0

    @pytest.mark.parametrize("ordinal", [0, 1, 2])
    def test_where_the_margins_are(self, cupy, ordinal):
        labels, margin, weight = sample()
        (there,) = on_device(cupy, margin, ordinal=ordinal)
        pair = FocalObjective()(labels, there, weight)
        assert [values.device.id for values in pair] == [ordinal, ordinal]
        assert cupy.launches == [ordinal]
        assert cupy.copies == []

    def test_on_the_host_for_host_margins(self, cupy):
        for objective in (FocalObjective(), FocalObjective(device="cpu")):
            for values in objective(*sample()):
                assert isinstance(values, np.ndarray)
        assert cupy.launches == cupy.uploads == []

    def test_compiles_once_for_each_power_and_device(self, cupy):
        for _ in range(2):
            for gamma in (2.0, 2, 1.7, 5.0, 0.0):
                for device in ("cuda:0", "cuda:1"):
                    FocalObjective(None, gamma, device=device)(*sample())
        assert sorted(cupy.compiled) == [-1, -1, 0, 0, 2, 2]

    def test_equality_and_name_do_not_depend_on_it(self):
        assert FocalObjective(device="cuda") == FocalObjective(device="cpu")
        assert repr(FocalObjective(device="cuda")) == repr(FocalObjective())


class TestArrays:
    """What comes back, and what may go in."""

    def test_results_are_new_float32_of_the_device(self, cupy):
        rows = on_device(cupy, *sample())
        first = FocalObjective()(*rows)
        kept = [values.values.copy() for values in first]
        second = FocalObjective()(rows[0], rows[1] + 1.0, rows[2])
        for before, values, after in zip(kept, first, second, strict=True):
            assert isinstance(values, fake_cupy.ndarray)
            assert (values.dtype, values.shape) == (np.float32, (700,))
            assert (values.values == before).all()
            assert not np.shares_memory(values.values, after.values)
        assert cupy.downloads == []

    @pytest.mark.parametrize(
        "convert",
        [
            lambda a: np.repeat(a, 3)[::3],
            lambda a: a[::-1].copy()[::-1],
            lambda a: a[:, None],
            lambda a: np.c_[a, a][:, 1],
            lambda a: a.astype(np.float64),
        ],
        ids=["strided", "reversed", "column", "interleaved", "float64"],
    )
    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_any_memory_and_width(self, cupy, there, convert):
        expected = FocalObjective(device="cuda")(*sample())
        rows = [convert(values) for values in sample()]
        if there:
            # asarray of the stand-in would straighten them.
            rows = [fake_cupy.ndarray(values, 0) for values in rows]
        assert equal(FocalObjective(device="cuda")(*rows), expected)

    @pytest.mark.parametrize("kind", [bool, np.int8, np.int64, np.float16, list])
    def test_any_type_of_labels(self, cupy, kind):
        labels, margin, weight = sample()
        objective = FocalObjective(device="cuda")
        expected = objective(labels, margin, weight)
        other = labels.astype(int).tolist() if kind is list else labels.astype(kind)
        assert equal(objective(other, margin, weight), expected)

    def test_an_empty_array_means_no_weights(self, cupy):
        labels, margin, _ = sample()
        objective = FocalObjective(device="cuda")
        expected = objective(labels, margin)
        for none in (np.empty(0, np.float32), cupy.empty(0, np.float32), []):
            assert equal(objective(labels, margin, none), expected)

    def test_margins_beyond_float32_are_finite(self, cupy):
        objective = FocalObjective(device="cuda")
        pair = objective([0, 1, 0, 1], np.array([1e300, 1e300, -1e300, -1e300]))
        expected = FocalObjective()([0, 1, 0, 1], [800.0, 800.0, -800.0, -800.0])
        for values, wanted in zip(pair, expected, strict=True):
            # The floor keeps Hessians off 0.
            assert values.values == pytest.approx(wanted, rel=1e-6, abs=1e-16)

    @pytest.mark.parametrize("offset", [-3.5, 0.0, 2, 1e3])
    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_an_offset_is_added(self, cupy, there, offset):
        labels, margin, weight = sample()
        given = on_device(cupy, margin)[0] if there else margin
        objective = FocalObjective(device="cuda")
        moved = objective.gradient_hessian(labels, given, weight, offset=offset)
        expected = objective(labels, margin.astype(float) + offset, weight)
        assert equal(moved, expected)


class TestUploads:
    """What is on the device stays there."""

    LOSS = (0.75, 0.25, 2.0, 0.0)

    def test_labels_and_weights_go_up_once_and_margins_every_time(self, cupy):
        labels, margin, weight = sample()
        rows = DeviceRows(labels, weight, self.LOSS, "cuda")
        assert cupy.uploads == [700, 700]
        for _ in range(3):
            rows.gradient_hessian(margin)
        assert cupy.uploads == [700] * 5
        assert cupy.downloads == cupy.copies == []

    def test_device_margins_do_not_move(self, cupy):
        labels, margin, weight = sample()
        rows = DeviceRows(labels, weight, self.LOSS, "cuda:1")
        (there,) = on_device(cupy, margin, ordinal=1)
        before = len(cupy.uploads)
        rows.gradient_hessian(there)
        assert len(cupy.uploads) == before
        assert cupy.downloads == cupy.copies == []

    def test_every_call_writes_the_same_arrays(self, cupy):
        labels, margin, weight = sample()
        rows = DeviceRows(labels, weight, self.LOSS, "cuda")
        first, second = (rows.gradient_hessian(z) for z in (margin, margin + 1))
        assert first[0] is second[0]
        assert first[1] is second[1]
