"""What FocalObjective takes and returns on a device, through a stand-in for CuPy."""

import fake_cupy
import numpy as np
import pytest
from fake_cupy import equal, on_device, sample
from grids import both_links
from oracles import float32_ulps

from focal_boost import FocalObjective
from focal_boost._rows import rows_of

host_or_device = pytest.mark.parametrize("there", [False, True], ids=["host", "device"])


def as_labels(kind):
    return lambda y, z, w: (y.astype(kind), z, w)


def as_numbers(kind):
    return lambda y, z, w: (y, np.abs(z).astype(kind), w.astype(kind))


def in_memory(convert):
    return lambda *rows: [convert(values) for values in rows]


GUISES = {
    "strided": in_memory(lambda a: np.repeat(a, 3)[::3]),
    "reversed": in_memory(lambda a: a[::-1].copy()[::-1]),
    "column": in_memory(lambda a: a[:, None]),
    "interleaved": in_memory(lambda a: np.c_[a, a][:, 1]),
    "float64": in_memory(lambda a: a.astype(np.float64)),
    "labels of -0": lambda y, z, w: (np.where(y == 0, np.float32(-0.0), y), z, w),
    "labels in a list": lambda y, z, w: (y.astype(int).tolist(), z, w),
    **{
        f"labels of {kind.__name__}": as_labels(kind)
        for kind in (bool, np.int8, np.int64, np.float16)
    },
    **{
        f"numbers of {kind.__name__}": as_numbers(kind)
        for kind in (np.int8, np.uint64, np.float16)
    },
}


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

    @pytest.mark.parametrize("there", [0, 1, 3], ids=["host", "labels", "device"])
    @pytest.mark.parametrize("guise", GUISES.values(), ids=GUISES)
    def test_may_go_in_in_any_guise(self, cupy, there, guise):
        rows, objective = guise(*sample()), FocalObjective(device="cuda")
        plain = [np.array(values, np.float64).ravel() for values in rows]
        expected = objective(np.abs(plain[0]), *plain[1:])
        # asarray of the stand-in would straighten them.
        on_it = [cupy.array(np.asarray(values)) for values in rows[:there]]
        assert equal(objective(*on_it, *rows[there:]), expected)

    def test_an_empty_array_means_no_weights(self, cupy):
        labels, raw_score, _ = sample()
        objective = FocalObjective(device="cuda")
        expected = objective(labels, raw_score)
        for none in (np.empty(0, np.float32), cupy.empty(0, np.float32), []):
            assert equal(objective(labels, raw_score, none), expected)

    @both_links
    def test_scores_beyond_float32_are_finite(self, cupy, link):
        objective = FocalObjective(link=link, device="cuda")
        pair = objective([0, 1, 0, 1], np.array([1e300, 1e300, -1e300, -1e300]))
        host = FocalObjective(link=link)
        expected = host([0, 1, 0, 1], [3000.0, 3000.0, -3000.0, -3000.0])
        for values, wanted in zip(pair, expected, strict=True):
            # The floor keeps Hessians off 0.
            assert values.values == pytest.approx(wanted, rel=1e-6, abs=1e-16)

    @both_links
    @pytest.mark.parametrize("alpha", [None, 0.25])
    @pytest.mark.parametrize("gamma", [0.0, 1.7, 2.0])
    def test_scores_of_float64_keep_their_digits(self, cupy, gamma, alpha, link):
        labels, raw_score, _ = sample()
        wide = 3.0 * raw_score + 1e-7
        objective = FocalObjective(alpha, gamma, link, device="cuda")
        exact = objective.values.gradient(labels, wide)
        for given in (wide, on_device(cupy, wide)[0]):
            grad = objective(labels, given)[0].values
            assert float32_ulps(grad, exact).max() <= 2

    @both_links
    @pytest.mark.parametrize("gamma", [0.0, 1.7, 2.0])
    @pytest.mark.parametrize("offset", [-3.5, 0.0, 2, 1e3])
    @host_or_device
    def test_an_offset_is_added(self, cupy, there, offset, gamma, link):
        labels, raw_score, weight = sample()
        given = on_device(cupy, raw_score)[0] if there else raw_score
        objective = FocalObjective(0.25, gamma, link, device="cuda")
        rows = rows_of(objective, labels, weight, given)
        moved = rows.gradient_hessian(given, offset)
        expected = objective(labels, raw_score.astype(float) + offset, weight)
        for values, wanted in zip(moved, expected, strict=True):
            assert values.values == pytest.approx(wanted.values, rel=1e-6, abs=1e-37)

    @host_or_device
    def test_classes_have_weights(self, cupy, there):
        labels, raw_score, weight = sample()
        given = on_device(cupy, labels, raw_score, weight) if there else sample()
        objective = FocalObjective(device="cuda")
        rows = rows_of(objective, given[0], given[2], given[1], class_weight=(0.5, 7.0))
        pair = rows.gradient_hessian(given[1])
        of_class = np.where(labels == 1, 7.0, 0.5)
        expected = FocalObjective()(labels, raw_score, weight * of_class)
        for values, wanted in zip(pair, expected, strict=True):
            assert values.values == pytest.approx(wanted, rel=1e-5)
