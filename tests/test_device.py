"""FocalObjective on device arrays, through a stand-in for CuPy."""

import fake_cupy
import numpy as np
import pytest
from oracles import GAMMAS, float32_ulps

from focal_boost import FocalObjective
from focal_boost._kernels.cuda import hessian_floor
from focal_boost._rows import DeviceRows, HostRows, Labels, rows_of
from focal_boost.links import LINKS

# No polynomial is fine enough for the last.
every_gamma = pytest.mark.parametrize("gamma", [*GAMMAS, 100.0, 150.0])
both_hessians = pytest.mark.parametrize("hessian", ["upper", "exact"])
both_links = pytest.mark.parametrize("link", LINKS)


@pytest.fixture
def cupy(monkeypatch):
    with fake_cupy.installed(monkeypatch, devices=3) as fake:
        yield fake


def sample(n=700):
    rng = np.random.default_rng(11)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    raw_score = rng.normal(0, 3, n).astype(np.float32)
    return labels, raw_score, rng.exponential(size=n).astype(np.float32)


def on_device(cupy, *arrays, ordinal=0):
    with cupy.cuda.Device(ordinal):
        return [cupy.asarray(values) for values in arrays]


def equal(pair, other):
    return all((a.values == b.values).all() for a, b in zip(pair, other, strict=True))


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
            rows = [cupy.array(values) for values in rows]
        assert equal(FocalObjective(device="cuda")(*rows), expected)

    @pytest.mark.parametrize("kind", [bool, np.int8, np.int64, np.float16, list])
    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_any_type_of_labels(self, cupy, there, kind):
        labels, raw_score, weight = sample()
        objective = FocalObjective(device="cuda")
        expected = objective(labels, raw_score, weight)
        other = labels.astype(int).tolist() if kind is list else labels.astype(kind)
        if there:
            (other,) = on_device(cupy, np.asarray(other))
        assert equal(objective(other, raw_score, weight), expected)

    @pytest.mark.parametrize("kind", [np.int8, np.uint64, np.float16, np.float64])
    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_any_type_of_weights_and_scores(self, cupy, there, kind):
        labels, raw_score, weight = sample()
        rows = [np.abs(values).astype(kind) for values in (raw_score, weight)]
        objective = FocalObjective(device="cuda")
        wide = [values.astype(np.float64) for values in rows]
        expected = objective(labels, *wide)
        given = on_device(cupy, *rows) if there else rows
        assert equal(objective(labels, *given), expected)

    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_a_label_of_minus_0_is_0(self, cupy, there):
        labels, scores = np.float32([-0.0, 1, -0.0]), np.float32([0.3, -0.3, -2])
        objective = FocalObjective(device="cuda")
        expected = objective(np.abs(labels), scores)
        given = on_device(cupy, labels)[0] if there else labels
        assert equal(objective(given, scores), expected)

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
    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
    def test_an_offset_is_added(self, cupy, there, offset, gamma, link):
        labels, raw_score, weight = sample()
        given = on_device(cupy, raw_score)[0] if there else raw_score
        objective = FocalObjective(0.25, gamma, link, device="cuda")
        rows = rows_of(objective, labels, weight, given)
        moved = rows.gradient_hessian(given, offset)
        expected = objective(labels, raw_score.astype(float) + offset, weight)
        for values, wanted in zip(moved, expected, strict=True):
            assert values.values == pytest.approx(wanted.values, rel=1e-6, abs=1e-37)

    @pytest.mark.parametrize("there", [False, True], ids=["host", "device"])
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

    def test_labels_and_weights_go_up_once_and_scores_every_time(self, cupy):
        labels, raw_score, weight = sample()
        rows = DeviceRows(self.OBJECTIVE, labels, weight, "cuda")
        assert cupy.uploads == [700, 700]
        for _ in range(3):
            rows.gradient_hessian(raw_score)
        assert cupy.uploads == [700] * 5
        assert cupy.downloads == cupy.copies == []

    def test_coefficients_go_up_once(self, cupy):
        labels, raw_score, _ = sample()
        objective = FocalObjective()
        rows = DeviceRows(objective, labels, None, "cuda")
        for _ in range(3):
            rows.gradient_hessian(raw_score)
        assert cupy.uploads == [700, len(objective.known().fit), 700, 700, 700]

    def test_device_scores_do_not_move(self, cupy):
        labels, raw_score, weight = sample()
        rows = DeviceRows(self.OBJECTIVE, labels, weight, "cuda:1")
        (there,) = on_device(cupy, raw_score, ordinal=1)
        before = len(cupy.uploads)
        rows.gradient_hessian(there)
        assert len(cupy.uploads) == before
        assert cupy.downloads == cupy.copies == []

    def test_device_rows_do_not_move(self, cupy):
        labels, raw_score, weight = on_device(cupy, *sample(), ordinal=1)
        before = len(cupy.uploads)
        rows = DeviceRows(self.OBJECTIVE, labels, weight, "cuda:1")
        rows.gradient_hessian(raw_score)
        assert len(cupy.uploads) == before
        assert cupy.downloads == cupy.copies == []

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
