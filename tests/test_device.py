"""FocalObjective on device arrays, through a stand-in for CuPy."""

import numpy as np
import pytest
from fake_cupy import equal, on_device, sample
from grids import both_hessians, both_links
from oracles import GAMMAS, float32_ulps

from focal_boost import FocalObjective
from focal_boost._kernels.cuda import hessian_floor
from focal_boost._rows import DeviceRows, HostRows, Labels, rows_of
from focal_boost.links import LINKS

# No polynomial is fine enough for the last.
every_gamma = pytest.mark.parametrize("gamma", [*GAMMAS, 100.0, 150.0])


def assert_close(pair, expected, rows, objective):
    """Assert equality within the promised units of the last place."""
    allowed = 2 if objective.gamma <= 10 or objective.link == "logit" else 6
    labels, raw_score, *weight = rows
    weight = weight[0] if weight else 1
    curvature = objective.values.curvature(labels, raw_score.astype(float))
    reach = 1 + np.abs(raw_score) if objective.hessian == "exact" else 1
    unit = 1e-5 if objective.link == "logit" else allowed * 2.0**-23
    bound = unit * reach * np.maximum(curvature * weight, 2.0**-126)
    known = objective.known()
    if known is not None:
        floor = max(hessian_floor(known, labels.size), 0) * weight
        bound += np.nextafter(np.float32(floor), np.float32(np.inf))
    assert float32_ulps(pair[0].values, expected[0].astype(float)).max() <= allowed
    error = np.abs(pair[1].values - expected[1].astype(float))
    assert (error <= bound).all()


@every_gamma
@both_hessians
@both_links
@pytest.mark.parametrize("weighted", [False, True])
def test_device_scores_give_the_cpus_numbers(cupy, weighted, link, hessian, gamma):
    rows = sample() if weighted else sample()[:2]
    objective = FocalObjective(0.25, gamma, link, hessian)
    pair = objective(*on_device(cupy, *rows))
    assert_close(pair, objective(*rows), rows, objective)


class TestWithoutAPolynomial:
    """Where none is fine enough the host computes."""

    GAMMA = 150.0

    @pytest.fixture(autouse=True)
    def no_polynomial(self):
        assert FocalObjective(0.25, self.GAMMA).known() is None

    @both_hessians
    def test_the_hosts_exact_values_go_up(self, cupy, hessian):
        rows = sample()
        objective = FocalObjective(0.25, self.GAMMA, hessian=hessian)
        for given in (rows, on_device(cupy, *rows, ordinal=2)):
            there = DeviceRows(objective, given[0], given[2], "cuda:2", (1.0, 3.0))
            pair = there.gradient_hessian(given[1], 0.25)
            assert [values.device.id for values in pair] == [2, 2]
            factor = rows[2] * np.where(rows[0] == 1, 3.0, 1.0)
            score = rows[1].astype(float) + 0.25
            exact = factor * objective.values.gradient(rows[0], score)
            assert float32_ulps(pair[0].values, exact).max() <= 1
            name = {"upper": "curvature", "exact": "hessian"}[hessian]
            exact = factor * getattr(objective.values, name)(rows[0], score)
            assert pair[1].values == pytest.approx(exact, rel=1e-6, abs=1e-16)
        assert cupy.launches == []

    def test_tiny_hessians_are_not_rounded_to_0(self, cupy):
        labels = np.zeros(1000, np.uint8)
        scores = np.full(1000, -80.0)
        scores[0] = 680.0
        weight = np.ones(1000)
        weight[1] = 0
        rows = DeviceRows(FocalObjective(0.25, self.GAMMA), labels, weight, "cuda")
        hess = rows.gradient_hessian(scores)[1].values
        step = 2 * hess.sum(dtype=float) / 2.0**62
        assert hess[1] == 0
        assert (hess[2:] >= step).all()


class TestWhereItComputes:
    """On the device that is named, else where the raw scores are."""

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
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_where_the_raw_scores_are(self, cupy, kind, ordinal):
        labels, raw_score, weight = sample()
        (there,) = on_device(cupy, raw_score.astype(kind), ordinal=ordinal)
        pair = FocalObjective()(labels, there, weight)
        assert [values.device.id for values in pair] == [ordinal, ordinal]
        assert cupy.launches == [ordinal]
        assert cupy.copies == []

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_all_arrays_on_a_device_that_is_not_current(self, cupy, kind):
        rows = [values.astype(kind) for values in sample()]
        there = on_device(cupy, *rows, ordinal=2)
        assert equal(FocalObjective()(*there), FocalObjective(device="cuda:2")(*rows))

    def test_on_the_host_for_host_scores(self, cupy):
        for objective in (FocalObjective(), FocalObjective(device="cpu")):
            labels, raw_score, weight = sample()
            rows = rows_of(objective, labels, weight, raw_score)
            assert isinstance(rows, HostRows)
            for values in objective(*sample()):
                assert isinstance(values, np.ndarray)
        assert cupy.launches == cupy.uploads == []

    def test_compiles_once_for_each_row_and_device(self, cupy):
        for _ in range(2):
            for link in LINKS:
                for gamma in (2.0, 2, 1.7, 5.0, 0.0):
                    for device in ("cuda:0", "cuda:1"):
                        FocalObjective(None, gamma, link, device=device)(*sample())
        expected = [("focal_row", power) for power in ("-1", "0", "2")]
        expected += [("logit_row", power) for power in ("-1", "2")]
        expected = [(*one, "float") for one in expected for _ in range(2)]
        assert sorted(cupy.compiled) == expected

    def test_equality_and_name_do_not_depend_on_it(self):
        assert FocalObjective(device="cuda") == FocalObjective(device="cpu")
        assert repr(FocalObjective(device="cuda")) == repr(FocalObjective())


class TestLabels:
    """Rows know their prevalence, wherever their labels came from."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("labels_there", [False, True])
    @pytest.mark.parametrize("weight_there", [False, True])
    def test_prevalence(self, cupy, weight_there, labels_there, weighted):
        labels, _, weight = sample()
        labels = labels.astype(np.int8)
        weight = weight.astype(np.float64) if weighted else None
        expected = Labels.of(labels, weight).prevalence
        if labels_there:
            (labels,) = on_device(cupy, labels, ordinal=1)
        if weighted and weight_there:
            (weight,) = on_device(cupy, weight, ordinal=1)
        rows = DeviceRows(FocalObjective(), labels, weight, "cuda:1")
        # Weights are float32 there.
        assert rows.labels.prevalence == pytest.approx(expected, rel=1e-7)
        assert cupy.downloads == []

    @pytest.mark.parametrize("label", [0, 1])
    def test_prevalence_of_one_class(self, cupy, label):
        labels = np.full(5, label, np.uint8)
        for given in (labels, *on_device(cupy, labels)):
            rows = DeviceRows(FocalObjective(), given, None, "cuda")
            assert rows.labels.prevalence == label


class TestUploads:
    """What is on the device stays there."""

    OBJECTIVE = FocalObjective(link="focal")

    @pytest.mark.parametrize(
        ("rows_there", "scores_there", "uploads"),
        [
            (False, False, [700, 700, *[700] * 3]),
            (False, True, [700, 700]),
            (True, True, []),
        ],
    )
    def test_rows_go_up_once_and_scores_every_time(
        self, cupy, rows_there, scores_there, uploads
    ):
        labels, raw_score, weight = sample()
        if rows_there:
            labels, weight = on_device(cupy, labels, weight, ordinal=1)
        if scores_there:
            (raw_score,) = on_device(cupy, raw_score, ordinal=1)
        cupy.uploads.clear()
        rows = DeviceRows(self.OBJECTIVE, labels, weight, "cuda:1")
        for _ in range(3):
            rows.gradient_hessian(raw_score)
        assert cupy.uploads == uploads
        assert cupy.downloads == cupy.copies == []

    def test_coefficients_go_up_once(self, cupy):
        labels, raw_score, _ = sample()
        objective = FocalObjective()
        rows = DeviceRows(objective, labels, None, "cuda")
        for _ in range(3):
            rows.gradient_hessian(raw_score)
        assert cupy.uploads == [700, len(objective.known().fit), 700, 700, 700]

    def test_every_call_writes_the_same_arrays(self, cupy):
        labels, raw_score, weight = sample()
        kept = raw_score.copy()
        rows = DeviceRows(self.OBJECTIVE, labels, weight, "cuda")
        first, second = (
            rows.gradient_hessian(scores) for scores in (raw_score, raw_score + 1)
        )
        assert first[0] is second[0]
        assert first[1] is second[1]
        assert (raw_score == kept).all()
