"""FocalObjective as a callable: one object for native and scikit-learn calls."""

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest
from commands import in_process
from sentences import says

import focal_boost
from focal_boost import FocalLoss, FocalObjective
from focal_boost.links import LINKS, link_of

LABELS = np.array([0, 1, 1, 0, 0, 1], np.float32)
RAW_SCORE = np.array([-2.0, -1.0, 0.5, 0.3, 4.0, 9.0])
WEIGHT = np.array([1.0, 0.5, 2.0, 0.0, 3.0, 1.0])
PUBLIC = {
    "FocalLGBMClassifier",
    "FocalLoss",
    "FocalMetric",
    "FocalObjective",
    "FocalSearchCV",
    "FocalXGBClassifier",
    "FoldEnsembleClassifier",
    "MultiFocalMetric",
    "MultiFocalObjective",
    "compare",
    "recommended",
}


class Data:
    """What DMatrix and Dataset have in common."""

    def __init__(self, labels, weight=None):
        self.labels, self.weight = labels, weight

    def get_label(self):
        return self.labels

    def get_weight(self):
        return self.weight


both_links = pytest.mark.parametrize("link", LINKS)


def sample(n=200, seed=3):
    rng = np.random.default_rng(seed)
    return (rng.random(n) < 0.3).astype(int), rng.normal(0, 3, n)


def equal(pair, other):
    return all((a == b).all() for a, b in zip(pair, other, strict=True))


class TestProtocol:
    """(preds, data) and (y_true, y_pred, sample_weight)."""

    @both_links
    @pytest.mark.parametrize("weight", [None, WEIGHT])
    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_native_equals_scikit_learn(self, hessian, weight, link):
        objective = FocalObjective(0.3, 1.5, link, hessian)
        native = objective(RAW_SCORE, Data(LABELS, weight))
        assert equal(native, objective(LABELS, RAW_SCORE, weight))
        assert equal(native, objective(LABELS, RAW_SCORE, sample_weight=weight))
        named = objective(y_true=LABELS, y_pred=RAW_SCORE, sample_weight=weight)
        assert equal(native, named)

    @pytest.mark.parametrize(
        "weight", [None, np.zeros(0), np.zeros(0, np.float32), [], ()]
    )
    def test_empty_weights_mean_none(self, weight):
        plain = FocalObjective()(LABELS, RAW_SCORE)
        assert equal(FocalObjective()(LABELS, RAW_SCORE, weight), plain)
        assert equal(FocalObjective()(RAW_SCORE, Data(LABELS, weight)), plain)

    @both_links
    def test_values_are_those_of_the_link(self, link):
        objective = FocalObjective(0.3, 1.5, link)
        grad, hess = objective(LABELS, RAW_SCORE)
        values = link_of(link, FocalLoss(0.3, 1.5))
        gradient = values.gradient(LABELS, RAW_SCORE)
        curvature = values.curvature(LABELS, RAW_SCORE)
        assert grad == pytest.approx(gradient, rel=1.2e-7, abs=0)
        assert hess == pytest.approx(curvature, rel=1e-5, abs=0)

    @both_links
    def test_hessian_parameter_chooses_the_curvature(self, link):
        exact = FocalObjective(link=link, hessian="exact")
        grad, hess = exact([1], [-9.0])
        assert hess[0] < 0
        assert hess == pytest.approx(exact.values.hessian(1, [-9.0]), rel=1e-5)
        upper = FocalObjective(link=link, hessian="upper")
        assert grad == pytest.approx(upper([1], [-9.0])[0], rel=1.2e-7, abs=0)

    def test_default_link_is_the_log_odds(self):
        logit, focal = (FocalObjective(link=link) for link in ("logit", "focal"))
        assert equal(FocalObjective()(LABELS, RAW_SCORE), logit(LABELS, RAW_SCORE))
        assert not equal(logit(LABELS, RAW_SCORE), focal(LABELS, RAW_SCORE))

    def test_parameter_names_are_those_that_both_libraries_pass(self):
        signature = inspect.signature(FocalObjective())
        assert list(signature.parameters) == ["y_true", "y_pred", "sample_weight"]
        assert signature.parameters["sample_weight"].default is None

    def test_errors_reach_native_callers(self):
        with says("y_true must contain only 0 and 1, got 2.0"):
            FocalObjective()(np.zeros(2), Data(np.array([0.0, 2.0])))


class TestValueObject:
    """Immutable, comparable, picklable, and no scikit-learn estimator."""

    def test_defaults(self):
        same = FocalObjective(alpha=0.25, gamma=2.0, link="logit", hessian="upper")
        assert FocalObjective() == same

    @both_links
    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_of_a_loss(self, link, hessian):
        objective = FocalObjective.of(FocalLoss(None, 3.0), link, hessian)
        assert objective == FocalObjective(None, 3.0, link, hessian)
        assert FocalObjective.of(FocalLoss()) == FocalObjective()

    @pytest.mark.parametrize(
        "name", ["alpha", "gamma", "link", "hessian", "loss", "values", "other"]
    )
    def test_frozen(self, name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(FocalObjective(), name, 0.5)

    def test_name(self):
        assert FocalObjective().__name__ == "focal_objective"
        assert FocalObjective.__name__ == "FocalObjective"

    @pytest.mark.parametrize("alpha", [None, 0.1])
    def test_repr_evaluates_to_an_equal_value(self, alpha):
        objective = FocalObjective(alpha, 3.0, "focal", "exact")
        assert repr(objective) == (
            f"FocalObjective(alpha={alpha}, gamma=3.0, link='focal', hessian='exact')"
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
            FocalObjective(link="focal"),
            FocalObjective(hessian="exact"),
            FocalLoss(),
        ],
    )
    def test_other_parameters_differ(self, other):
        assert FocalObjective() != other

    @both_links
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickles(self, protocol, link):
        objective = FocalObjective(None, 3.7, link, "exact")
        again = pickle.loads(pickle.dumps(objective, protocol))
        assert again == objective
        assert hash(again) == hash(objective)
        assert (again.loss, again.values) == (objective.loss, objective.values)
        assert equal(again(LABELS, RAW_SCORE), objective(LABELS, RAW_SCORE))

    def test_a_pickle_holds_no_fit(self):
        objective = FocalObjective(0.25, 1.7)
        objective(LABELS, RAW_SCORE)
        assert len(pickle.dumps(objective)) < 500

    @both_links
    def test_copies_and_replaces(self, link):
        objective = FocalObjective(0.3, 1.0, link)
        again = copy.deepcopy(objective)
        assert again == copy.copy(objective) == objective
        assert equal(again(LABELS, RAW_SCORE), objective(LABELS, RAW_SCORE))
        replaced = dataclasses.replace(objective, gamma=2.0)
        assert replaced.loss == replaced.values.loss == FocalLoss(0.3, 2.0)
        assert replaced.link == replaced.values.name == link

    def test_no_get_params(self):
        assert not hasattr(FocalObjective(), "get_params")
        assert not hasattr(FocalObjective(), "set_params")


class TestValue:
    """What the gradient is the derivative of."""

    @both_links
    def test_weights_multiply(self, link):
        objective = FocalObjective(0.3, 1.5, link)
        plain = objective.value(LABELS, RAW_SCORE)
        assert (plain == objective.values.value(LABELS, RAW_SCORE)).all()
        weighted = objective.value(LABELS, RAW_SCORE, WEIGHT)
        assert (weighted == WEIGHT * plain).all()
        assert (objective.value(LABELS, RAW_SCORE, []) == plain).all()

    def test_of_the_focal_link_is_the_papers_loss(self):
        objective = FocalObjective(0.3, 1.5, "focal")
        expected = FocalLoss(0.3, 1.5).loss(LABELS, RAW_SCORE)
        assert (objective.value(LABELS, RAW_SCORE) == expected).all()

    def test_of_log_odds_is_the_same_function_of_the_posterior(self):
        logit, focal = (FocalObjective(0.3, 1.5, link) for link in LINKS)
        eta = np.array([1e-9, 0.01, 0.2, 0.5, 0.9, 1 - 1e-9])
        values = logit.value(LABELS, logit.raw_score(eta)) * logit.values.scale
        expected = focal.value(LABELS, focal.raw_score(eta))
        assert values == pytest.approx(expected, rel=1e-12, abs=0)


class TestInitialScore:
    """The best constant."""

    OBJECTIVES = pytest.mark.parametrize(
        "objective",
        [
            FocalObjective(alpha, gamma, link)
            for alpha in (None, 0.01, 0.25, 0.99)
            for gamma in (0.0, 0.5, 2.0, 10.0)
            for link in LINKS
        ],
        ids=repr,
    )

    @OBJECTIVES
    def test_gradients_cancel_there(self, objective):
        y = np.repeat([0, 1], [9_980, 20])
        at = np.full(y.size, objective.initial_score(y))
        gradient = objective.values.gradient(y, at)
        assert gradient.sum() == pytest.approx(0, abs=1e-12 * np.abs(gradient).sum())

    @OBJECTIVES
    def test_weights_count_as_repeated_rows(self, objective):
        y, _ = sample()
        counts = np.random.default_rng(7).integers(0, 4, y.size)
        repeated = objective.initial_score(np.repeat(y, counts))
        found = objective.initial_score(y, counts)
        assert found == pytest.approx(repeated, rel=1e-13)
        assert type(found) is float

    @OBJECTIVES
    def test_posterior_there_is_the_prevalence(self, objective):
        y = np.repeat([0, 1], [998, 2])
        eta = objective.posterior(objective.initial_score(y))
        assert float(eta) == pytest.approx(0.002, rel=1e-13)


class TestPackage:
    """What importing the package does and shows."""

    HEAVY = ("xgboost", "lightgbm", "numba", "sklearn", "pandas", "cupy", "matplotlib")

    @pytest.mark.parametrize(
        "statement",
        [
            "import focal_boost",
            "from focal_boost import FocalLoss, FocalMetric, FocalObjective",
            "import focal_boost as f; f.FocalObjective().initial_score([0, 1])",
        ],
    )
    def test_import_loads_nothing_heavy(self, statement, tmp_path):
        code = f"{statement}; import sys; print({{*{self.HEAVY}}} & {{*sys.modules}})"
        assert in_process("-c", code, folder=tmp_path).stdout == "set()\n"

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

    def test_dir_lists_them_before_they_are_loaded(self, tmp_path):
        code = "import focal_boost; print(*dir(focal_boost))"
        told = in_process("-c", code, folder=tmp_path).stdout
        assert set(told.split()) >= PUBLIC

    @pytest.mark.parametrize("name", ["FocalLoss", "FocalMetric", "FocalObjective"])
    def test_public_names_are_classes_of_the_package(self, name):
        assert getattr(focal_boost, name).__name__ == name
        assert getattr(focal_boost, name).__module__.startswith("focal_boost.")
