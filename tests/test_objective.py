"""FocalObjective as a callable: one object for native and scikit-learn calls."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import focal_boost
from focal_boost import FocalLoss, FocalObjective
from focal_boost.objective import OneTraining

LABELS = np.array([0, 1, 1, 0, 0, 1], np.float32)
MARGIN = np.array([-2.0, -1.0, 0.5, 0.3, 4.0, 9.0])
WEIGHT = np.array([1.0, 0.5, 2.0, 0.0, 3.0, 1.0])
PUBLIC = {
    "FocalLGBMClassifier",
    "FocalLoss",
    "FocalMetric",
    "FocalObjective",
    "FocalSearchCV",
    "FocalXGBClassifier",
}


class Rows:
    """What DMatrix and Dataset have in common."""

    def __init__(self, labels, weight=None):
        self.labels, self.weight = labels, weight

    def get_label(self):
        return self.labels

    def get_weight(self):
        return self.weight


def equal(pair, other):
    return all((a == b).all() for a, b in zip(pair, other, strict=True))


def in_fresh_python(code):
    """Return what `code` prints in an interpreter that has imported nothing."""
    root = Path(focal_boost.__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TestProtocol:
    """(preds, data) and (y_true, y_pred, sample_weight)."""

    @pytest.mark.parametrize("weight", [None, WEIGHT])
    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_native_equals_scikit_learn(self, hessian, weight):
        objective = FocalObjective(0.3, 1.5, hessian)
        native = objective(MARGIN, Rows(LABELS, weight))
        assert equal(native, objective(LABELS, MARGIN, weight))
        assert equal(native, objective(LABELS, MARGIN, sample_weight=weight))
        named = objective(y_true=LABELS, y_pred=MARGIN, sample_weight=weight)
        assert equal(native, named)

    @pytest.mark.parametrize(
        "weight", [None, np.zeros(0), np.zeros(0, np.float32), [], ()]
    )
    def test_empty_weights_mean_none(self, weight):
        plain = FocalObjective()(LABELS, MARGIN)
        assert equal(FocalObjective()(LABELS, MARGIN, weight), plain)
        assert equal(FocalObjective()(MARGIN, Rows(LABELS, weight)), plain)

    def test_values_are_those_of_the_loss(self):
        objective = FocalObjective(0.3, 1.5)
        grad, hess = objective(LABELS, MARGIN)
        exact = objective.loss.gradient(LABELS, MARGIN)
        upper = objective.loss.curvature(LABELS, MARGIN)
        assert grad == pytest.approx(exact, rel=1.2e-7, abs=0)
        assert hess == pytest.approx(upper, rel=1.2e-7, abs=0)

    def test_hessian_parameter_chooses_the_curvature(self):
        exact = FocalObjective(hessian="exact")
        grad, hess = exact([1], [-5.0])
        assert hess[0] < 0
        assert hess == pytest.approx(exact.loss.hessian(1, [-5.0]), rel=1e-6)
        assert grad == FocalObjective(hessian="upper")([1], [-5.0])[0]

    def test_parameter_names_are_those_that_both_libraries_pass(self):
        signature = inspect.signature(FocalObjective())
        assert list(signature.parameters) == ["y_true", "y_pred", "sample_weight"]
        assert signature.parameters["sample_weight"].default is None

    def test_errors_reach_native_callers(self):
        with pytest.raises(
            ValueError, match=r"^y_true must contain only 0 and 1, got 2"
        ):
            FocalObjective()(np.zeros(2), Rows(np.array([0.0, 2.0])))


class TestValueObject:
    """Immutable, comparable, picklable, and no scikit-learn estimator."""

    def test_defaults(self):
        same = FocalObjective(alpha=0.25, gamma=2.0, hessian="upper")
        assert FocalObjective() == same

    @pytest.mark.parametrize("name", ["alpha", "gamma", "hessian", "loss", "other"])
    def test_frozen(self, name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(FocalObjective(), name, 0.5)

    def test_name(self):
        assert FocalObjective().__name__ == "focal_objective"
        assert FocalObjective.__name__ == "FocalObjective"

    @pytest.mark.parametrize("alpha", [None, 0.1])
    def test_repr_evaluates_to_an_equal_value(self, alpha):
        objective = FocalObjective(alpha, 3.0, "exact")
        assert repr(objective) == (
            f"FocalObjective(alpha={alpha}, gamma=3.0, hessian='exact')"
        )
        assert eval(repr(objective)) == objective

    def test_equal_parameters_are_equal_and_hash_alike(self):
        same = FocalObjective(np.float64(0.25), 2)
        assert same == FocalObjective()
        assert hash(same) == hash(FocalObjective())
        assert {type(same.alpha), type(same.gamma)} == {float}

    @pytest.mark.parametrize(
        "other",
        [
            FocalObjective(None),
            FocalObjective(gamma=1),
            FocalObjective(hessian="exact"),
            FocalLoss(),
        ],
    )
    def test_other_parameters_differ(self, other):
        assert FocalObjective() != other

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickles(self, protocol):
        objective = FocalObjective(None, 3.7, "exact")
        again = pickle.loads(pickle.dumps(objective, protocol))
        assert again == objective
        assert again.loss == objective.loss
        assert equal(again(LABELS, MARGIN), objective(LABELS, MARGIN))

    def test_copies_and_replaces(self):
        objective = FocalObjective(0.3, 1.0)
        again = copy.deepcopy(objective)
        assert again == copy.copy(objective) == objective
        assert equal(again(LABELS, MARGIN), objective(LABELS, MARGIN))
        replaced = dataclasses.replace(objective, gamma=2.0)
        assert replaced.loss == FocalLoss(0.3, 2.0)

    def test_no_get_params(self):
        assert not hasattr(FocalObjective(), "get_params")
        assert not hasattr(FocalObjective(), "set_params")

    @pytest.mark.parametrize("alpha", [None, 0.7])
    def test_loss_has_the_same_parameters(self, alpha):
        assert FocalObjective(alpha, 1.5).loss == FocalLoss(alpha, 1.5)


class TestThreads:
    """The gradient may be asked for from several threads at once."""

    def test_results_do_not_mix(self):
        rng = np.random.default_rng(1)
        tasks = [
            ((rng.random(5_000) < 0.3).astype(np.float32), rng.normal(0, 5, 5_000))
            for _ in range(24)
        ]
        objective = FocalObjective()
        expected = [objective(*task) for task in tasks]
        with ThreadPoolExecutor(8) as threads:
            actual = list(threads.map(lambda task: objective(*task), tasks))
        for result, wanted in zip(actual, expected, strict=True):
            assert equal(result, wanted)


class TestPackage:
    """What importing the package does and shows."""

    HEAVY = ("xgboost", "lightgbm", "numba", "sklearn", "pandas", "cupy", "matplotlib")

    @pytest.mark.parametrize(
        "statement",
        [
            "import focal_boost",
            "from focal_boost import FocalLoss, FocalMetric, FocalObjective",
            "from focal_boost import FocalLoss; FocalLoss().initial_margin([0, 1])",
        ],
    )
    def test_import_loads_nothing_heavy(self, statement):
        code = (
            f"{statement}; import sys; print(sorted({self.HEAVY} & sys.modules.keys()))"
        )
        code = code.replace(f"{self.HEAVY}", f"set({self.HEAVY})")
        assert in_fresh_python(code) == "[]"

    def test_unknown_attribute(self):
        text = "^module 'focal_boost' has no attribute 'FocalBoost'$"
        with pytest.raises(AttributeError, match=text):
            _ = focal_boost.FocalBoost

    def test_unknown_name_cannot_be_imported(self):
        with pytest.raises(ImportError, match="cannot import name 'FocalBoost'"):
            from focal_boost import FocalBoost  # noqa: F401

    def test_dir_lists_the_public_names(self):
        assert set(dir(focal_boost)) >= PUBLIC | {"__version__"}
        assert set(focal_boost.__all__) == PUBLIC

    def test_dir_lists_them_before_they_are_loaded(self):
        code = "import focal_boost; print(*dir(focal_boost))"
        assert set(in_fresh_python(code).split()) >= PUBLIC

    @pytest.mark.parametrize("name", ["FocalLoss", "FocalMetric", "FocalObjective"])
    def test_public_names_are_classes_of_the_package(self, name):
        assert getattr(focal_boost, name).__name__ == name
        assert getattr(focal_boost, name).__module__.startswith("focal_boost.")


class FakeData:
    """What a library's data say of their rows."""

    def __init__(self, y, weight=None):
        self.y, self.weight = np.asarray(y, np.float32), weight

    def get_label(self):
        return self.y

    def get_weight(self):
        return self.weight


class TestOneTraining:
    """The arrays of one training."""

    @staticmethod
    def rows(n=2000):
        rng = np.random.default_rng(3)
        margin = rng.normal(-1, 2, n).astype(np.float32)
        return (rng.random(n) < 0.2).astype(np.float32), margin

    @pytest.mark.parametrize("owns", [False, True])
    @pytest.mark.parametrize("gamma", [0.0, 1.0, 1.7, 2.0])
    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_same_bits_as_the_objective(self, owns, gamma, hessian):
        y, margin = self.rows()
        objective = FocalObjective(0.25, gamma, hessian)
        expected = objective(y, margin)
        training = OneTraining(objective, owns_margin=owns)
        for _ in range(2):
            found = training.gradient_hessian(margin.copy(), FakeData(y), 0.0)
            assert all((a == b).all() for a, b in zip(found, expected, strict=True))

    def test_gradient_takes_the_place_of_margins_it_owns(self):
        y, margin = self.rows()
        training = OneTraining(FocalObjective(), owns_margin=True)
        assert training.gradient_hessian(margin, FakeData(y), 0.0)[0] is margin

    @pytest.mark.parametrize("change", ["float64", "view", "read-only", "strided"])
    def test_other_margins_stay_as_they_are(self, change):
        y, margin = self.rows()
        match change:
            case "float64":
                margin = margin.astype(np.float64)
            case "view":
                margin = margin[:]
            case "read-only":
                margin.flags.writeable = False
            case "strided":
                margin = np.repeat(margin, 2)[::2]
        before = margin.copy()
        training = OneTraining(FocalObjective(), owns_margin=True)
        grad, hess = training.gradient_hessian(margin, FakeData(y), 0.0)
        assert (margin == before).all()
        expected = FocalObjective()(y, before)
        assert (grad == expected[0]).all()
        assert (hess == expected[1]).all()

    def test_arrays_of_margins_it_does_not_own_are_the_same_in_every_round(self):
        y, margin = self.rows()
        training = OneTraining(FocalObjective())
        first = training.gradient_hessian(margin, FakeData(y), 0.0)
        second = training.gradient_hessian(margin + 1, FakeData(y), 0.0)
        assert first[0] is second[0]
        assert first[1] is second[1]

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("row", [0, 511, 700, 1999])
    def test_wrong_margin_is_named_though_others_are_overwritten(self, wrong, row):
        y, margin = self.rows()
        margin[row] = wrong
        training = OneTraining(FocalObjective(), owns_margin=True)
        with pytest.raises(ValueError, match=f"must be finite numbers, got {wrong}"):
            training.gradient_hessian(margin, FakeData(y), 0.0)

    def test_label_changed_between_rounds_is_noticed(self):
        y, margin = self.rows()
        data, training = FakeData(y), OneTraining(FocalObjective())
        training.gradient_hessian(margin, data, 0.0)
        data.y = 1 - y
        grad, _ = training.gradient_hessian(margin, data, 0.0)
        assert (grad == FocalObjective()(1 - y, margin)[0]).all()
