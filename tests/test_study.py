"""The evidence study: its mathematics, splits, statistics, and that it resumes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from focal_boost import FocalLoss, FocalObjective
from focal_boost.datasets import make_imbalanced

STUDY = Path(__file__).parent / "benchmarks" / "study"
T = np.linspace(-30, 30, 241)


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


class Row:
    """A row's loss as a function of the raw score, in 40 digits."""

    def __init__(self, arm: Any, y: int) -> None:
        self.arm, self.sign = arm, 2 * y - 1
        self.weight = mp.mpf(arm.alpha if y else 1 - arm.alpha)

    def phi(self, t: Any) -> Any:
        p = 1 / (1 + mp.exp(-t))
        return (1 - p) ** self.arm.gamma * -mp.log(p)

    def posterior(self, z: Any) -> Any:
        """Where the expected loss has its minimum at z."""
        positive = self.arm.alpha * mp.diff(self.phi, z)
        negative = (1 - self.arm.alpha) * mp.diff(self.phi, -z)
        return negative / (positive + negative)

    def margin(self, raw: Any) -> Any:
        if self.arm.link == "z":
            return raw
        eta = 1 / (1 + mp.exp(-raw))
        return mp.findroot(lambda z: self.posterior(z) - eta, raw / 3)

    def loss(self, raw: Any) -> Any:
        return self.weight * self.phi(self.sign * self.margin(raw))

    def hessian(self, raw: Any) -> Any:
        return mp.diff(self.loss, raw, 2)

    def upper(self, raw: Any) -> Any:
        """The Hessian in z without its only negative term, carried over."""
        t = self.sign * self.margin(raw)
        p = 1 / (1 + mp.exp(-t))
        gamma = self.arm.gamma
        negative = -gamma * p * (1 - p) ** (gamma + 1) * -mp.log(p)
        slope = mp.diff(self.margin, raw)
        return self.weight * (mp.diff(self.phi, t, 2) - negative) * slope**2

    def expected(self, raw: Any) -> Any:
        eta = self.posterior(self.margin(raw))
        positive, negative = Row(self.arm, 1), Row(self.arm, 0)
        return eta * positive.hessian(raw) + (1 - eta) * negative.hessian(raw)


class TestCurves:
    @pytest.mark.parametrize("link", ["m", "z"])
    @pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 1.0), (0.75, 2.5)])
    def test_derivatives_are_those_of_the_loss(self, link, alpha, gamma):
        from arms import Arm
        from curves import Curve

        at = np.array([-9.0, -2.03, 0.4, 3.0])
        arms = {
            name: Arm("focal", alpha, gamma, link, name, "1")
            for name in ("upper", "expected", "exact")
        }
        y = np.tile([0, 1], at.size)
        found = {
            name: Curve(arm, y, None)(np.repeat(at, 2)) for name, arm in arms.items()
        }
        with mp.workdps(40):
            rows = [Row(arms["upper"], label) for label in (0, 1)]
            pairs = [(row, mp.mpf(raw)) for raw in at for row in rows]
            slope = [float(mp.diff(row.loss, raw)) for row, raw in pairs]
            expected = {
                "upper": [float(row.upper(raw)) for row, raw in pairs],
                "expected": [float(row.expected(raw)) for row, raw in pairs],
                "exact": [float(row.hessian(raw)) for row, raw in pairs],
            }
        for name, (grad, hess) in found.items():
            assert grad.dtype == hess.dtype == np.float32
            assert grad == pytest.approx(slope, rel=1e-4)
            off = 1e-4 * np.array(expected["upper"])
            assert np.all(np.abs(hess - expected[name]) <= off), name

    @pytest.mark.parametrize("scale", ["c", "start", "1"])
    @pytest.mark.parametrize("hessian", ["upper", "expected", "exact"])
    def test_gamma_0_is_log_loss(self, scale, hessian):
        from arms import Arm
        from curves import Curve

        y = np.arange(T.size) % 2
        weight = np.linspace(0.5, 2, T.size)
        arm = Arm("focal", 0.5, 0.0, "m", hessian, scale)
        curve = Curve(arm, y, weight)
        factor = weight * (0.5 if scale == "1" else 1)
        grad, hess = curve(T)
        assert grad == pytest.approx(factor * (expit(T) - y), rel=1e-4, abs=1e-12)
        assert hess == pytest.approx(factor * expit(T) * expit(-T), rel=1e-4, abs=1e-12)
        assert expit(curve.start) == pytest.approx(np.average(y, weights=weight))

    def test_weight_of_a_score_is_1_at_its_greatest_or_at_the_start(self):
        from arms import Arm
        from curves import Curve

        y = np.repeat([0, 1], [T.size, 3])
        for scale in ("c", "start"):
            curve = Curve(Arm(scale=scale), y, None)
            at = np.append(T, [curve.start, 0.0, 0.0])
            size = curve(at)[0][:-2] / (expit(at[:-2]) - y[:-2])
            if scale == "c":
                assert size.max() == pytest.approx(1, abs=1e-3)
            else:
                assert size[-1] == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize("gamma", [0.5, 3.0])
    def test_log_odds_of_the_margin_are_those_of_the_package(self, gamma):
        from arms import Arm
        from curves import Curve

        y = np.array([0, 0, 0, 1])
        z = Curve(Arm(gamma=gamma, link="z", scale="1"), y, None)
        at = np.linspace(-8, 8, 65)
        expected = FocalLoss(0.25, gamma).posterior(at)
        assert expit(z.log_odds(at)) == pytest.approx(expected, rel=1e-4)
        assert expit(z.log_odds(z.start)) == pytest.approx(0.25, rel=1e-4)

    def test_far_scores_are_finite(self):
        from arms import FACTORIAL
        from curves import Curve

        y, at = np.array([0, 1, 0, 1]), np.array([1e5, -1e5, -1e5, 1e5])
        for arm in FACTORIAL:
            curve = Curve(arm, y, None)
            assert np.isfinite(curve(at)).all()
            assert np.isfinite(curve.log_odds(at)).all()


class TestArms:
    def test_all_arms_of_the_factorial_have_names_of_their_own(self):
        from arms import BY_NAME, FACTORIAL, FORMER, Arm, package_arms, step_arms

        # m: three curvatures at one scale, two more scales; z: three curvatures.
        assert len(FACTORIAL) == (5 + 3) * 3 * 4
        assert {arm.name for arm in (*FACTORIAL, FORMER)} < set(BY_NAME)
        assert all(BY_NAME[arm.name] == arm for arm in (*FACTORIAL, FORMER))
        names = [arm.name for arm in step_arms(Arm(0.5))]
        assert len(set(names)) == len(names) == 1 + 2 * 2
        assert len(step_arms(Arm(gamma=0.5))) == 1 + 2
        names = [arm.name for arm in package_arms(Arm())]
        assert names == ["built-in", "α=0.25 γ=1 m upper c", "package α=0.25 γ=1"]

    def test_candidates_are_the_best_in_m_and_what_they_are_compared_with(self):
        from arms import BUILT_IN, FORMER, candidates

        ordered = ["α=0.5 γ=1 z upper 1", "α=0.5 γ=2 m upper c", "built-in",
                   "α=0.25 γ=2 m upper c", "α=0.75 γ=2 m upper c"]  # fmt: skip
        names = [arm.name for arm in candidates(ordered, 2)]
        assert names[:4] == [BUILT_IN.name, FORMER.name, ordered[1], ordered[3]]
        assert set(names[4:]) == {
            "α=0.5 γ=2 m upper 1", "α=0.5 γ=2 m upper start", "α=0.5 γ=2 z upper 1",
            "α=0.5 γ=2 m expected c", "α=0.5 γ=2 m exact c",
            "α=0.25 γ=2 m upper 1", "α=0.25 γ=2 m upper start", "α=0.25 γ=2 z upper 1",
        }  # fmt: skip


def grouped_rows(seed: int) -> tuple[Any, Any]:
    """Return labels and groups of 1 to 6 rows, with 5 % positives."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(900), rng.integers(1, 7, 900))
    y = (rng.random(groups.size) < 0.05).astype(np.int8)
    order = rng.permutation(groups.size)
    return y[order], groups[order]


class TestSplits:
    @pytest.mark.parametrize("seed", range(5))
    def test_groups_never_straddle_and_classes_are_even(self, seed):
        from splits import fold_of_rows

        y, groups = grouped_rows(seed)
        fold = fold_of_rows(y, groups, 5, np.random.default_rng(seed))
        assert set(fold) == set(range(5))
        for rows in pd.Series(fold).groupby(groups):
            assert rows[1].nunique() == 1
        positives = np.bincount(fold, weights=y)
        assert np.ptp(positives) <= 5
        assert np.ptp(np.bincount(fold)) <= 0.05 * y.size

    def test_rows_alone_are_stratified(self):
        from splits import fold_of_rows

        y = np.repeat([0, 1], [9_801, 203])
        fold = fold_of_rows(y, np.arange(y.size), 5, np.random.default_rng(0))
        for label in (0, 1):
            # One block may hold both classes, and the last one is not full.
            assert np.ptp(np.bincount(fold[y == label])) <= 2

    def test_equal_rows_are_one_group(self):
        from splits import equal_rows

        X = np.array([[0, 1], [-0.0, 1], [np.nan, 1], [-np.nan, 1], [1, 1]], np.float32)
        a, b, c, d, e = equal_rows(X)
        assert a == b
        assert c == d
        assert len({a, c, e}) == 3

    def test_sample_keeps_the_shares(self):
        from splits import stratified_sample

        strata = np.repeat([0, 1, 2], [7_000, 2_000, 1_000])
        rows = stratified_sample(strata, 1_000, np.random.default_rng(0))
        assert np.bincount(strata[rows]).tolist() == [700, 200, 100]
        assert np.all(np.diff(rows) > 0)
        everything = stratified_sample(strata, 10_000, np.random.default_rng(0))
        assert np.array_equal(everything, np.arange(10_000))

    def test_every_row_is_tested_once_and_no_group_is_on_two_sides(self):
        from sets import DataSet, split

        y, groups = grouped_rows(0)
        row = np.arange(y.size, dtype=np.float32)
        data = DataSet(row[:, None], y, groups)
        tested = []
        for fold in range(5):
            parts = split(data, "some", 0, fold, 0)
            sides = [
                set(part.groups) for part in (parts.train, parts.valid, parts.test)
            ]
            assert sum(map(len, sides)) == len(set.union(*sides)) == 900
            share = parts.valid.y.size / (parts.valid.y.size + parts.train.y.size)
            assert share == pytest.approx(0.2, abs=0.01)
            tested.append(parts.test.X[:, 0])
        assert np.array_equal(np.sort(np.concatenate(tested)), row)
        again = split(data, "some", 1, 0, 0).test
        assert not np.array_equal(again.X[:, 0], tested[0])
        same = split(data, "some", 0, 0, 0).test
        assert np.array_equal(same.X[:, 0], tested[0])

    def test_official_test_part_is_kept_and_its_twins_are_not_trained_on(self):
        from sets import DataSet, split

        y, groups = grouped_rows(1)
        is_test = np.random.default_rng(2).random(y.size) < 0.3
        data = DataSet(np.zeros((y.size, 1), np.float32), y, groups, y + 1.0, is_test)
        first, second = (split(data, "official", 0, fold, 0) for fold in (0, 1))
        for parts in (first, second):
            assert np.array_equal(parts.test.groups, groups[is_test])
            assert np.array_equal(parts.test.weight, y[is_test] + 1.0)
            trained = {*parts.train.groups, *parts.valid.groups}
            assert trained == set(groups) - set(groups[is_test])
        assert set(first.valid.groups) != set(second.valid.groups)

    def test_shared_sets_are_read_as_their_readme_says(self, shared_data):
        from sets import FLIGHTS, FRAUDS, Size, binary_sets, load_set

        rows = binary_sets(shared_data)
        assert len(rows) == 19
        assert not {"shuttle_multiclass", "mc_yeast", "mc_page_blocks"} & set(rows)
        size = Size(5_000)
        assert load_set(shared_data, FRAUDS, size, 0).y.size == 284_807
        few = load_set(shared_data, FRAUDS, Size(5_000, 10_000), 0).y
        assert (few.size, few.sum()) == (10_000, 492)
        rare = load_set(shared_data, "swmotorcycle_claim", Size(5_000, None, 200), 0).y
        assert rare.sum() == 200
        assert rare.size < 20_000
        flights = load_set(shared_data, FLIGHTS, size, 0)
        assert flights.groups.max() == 365
        assert flights.X.shape == (5_000, 15)
        assert load_set(shared_data, "nycflights13_cancelled", size, 0).X.shape[1] == 18
        census = load_set(shared_data, "census_income_kdd", size, 0)
        assert census.is_test.mean() == pytest.approx(1 / 3, abs=1e-3)
        assert census.weight.mean() == pytest.approx(1, abs=0.05)
        mammography = load_set(shared_data, "mammography", Size(), 0)
        assert np.unique(mammography.groups).size == 7_848


@pytest.fixture(scope="module")
def fold() -> Any:
    """Weighted rows with one positive in ten, split in three."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        from sets import DataSet, split

        X, y, _ = make_imbalanced(3_000, prevalence=0.1, seed=0)
        weight = np.random.default_rng(0).uniform(0.5, 2.0, y.size)
        X = X.astype(np.float32)
        data = DataSet(X, y.astype(np.int8), np.arange(y.size), weight)
        return split(data, "made", 0, 0, 0)


def regimes(rounds: int = 60) -> Any:
    """Return two regimes whose LightGBM trainings are one."""
    from fits import Regime

    return Regime("defaults", None, rounds, 5), Regime("careful", 0.1, rounds, 12)


class TestRegimes:
    def test_a_training_ends_when_every_regime_has_waited_enough(self):
        from fits import Regime

        losses = [5.0, 4, 6, 6, 3, 6, 6, 6, 2]
        assert Regime("", rounds=9, patience=2).best(losses) == 2
        assert Regime("", rounds=9, patience=3).best(losses) == 5
        assert Regime("", rounds=4, patience=3).best(losses) == 2
        assert Regime("", rounds=9, patience=9).best(losses) == 9
        assert Regime("", rounds=9, patience=1).best([np.nan, 1.0]) == 1
        for rounds, patience, end in ((9, 2, 4), (9, 3, 8), (4, 3, 4), (9, 9, 9)):
            regime = Regime("", rounds=rounds, patience=patience)
            over = [regime.is_over(losses[:n]) for n in range(1, 10)]
            assert over.index(True) + 1 == end

    @pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
    def test_it_is_the_library_that_stops_early(self, fold, library):
        from arms import BUILT_IN
        from fits import Binned, fit

        found = {
            one.regime: one for one in fit(library, BUILT_IN, Binned(fold), regimes())
        }
        for regime in regimes():
            rounds, margin = self.own(library, fold, regime)
            assert found[regime.name].rounds == rounds < regime.rounds
            assert found[regime.name].log_odds == pytest.approx(margin, abs=1e-6)

    def own(self, library, fold, regime):
        import lightgbm as lgb
        import xgboost as xgb

        parts = (fold.train, fold.valid)
        if library == "xgboost":
            made = (xgb.QuantileDMatrix, xgb.DMatrix)
            train, valid = (
                m(p.X, label=p.y, weight=p.weight)
                for m, p in zip(made, parts, strict=True)
            )
            params = {"objective": "binary:logistic", "nthread": 1, "eta": 0.3}
            if regime.rate:
                params["eta"] = regime.rate
            booster = xgb.train(
                params, train, regime.rounds, evals=[(valid, "valid")],
                early_stopping_rounds=regime.patience, verbose_eval=False,
            )  # fmt: skip
            rounds = booster.best_iteration + 1
            given = {"output_margin": True, "iteration_range": (0, rounds)}
            return rounds, booster.predict(xgb.DMatrix(fold.test.X), **given)
        train = lgb.Dataset(fold.train.X, fold.train.y, weight=fold.train.weight)
        valid = train.create_valid(fold.valid.X, fold.valid.y, weight=fold.valid.weight)
        params = {"objective": "binary", "num_threads": 1, "verbosity": -1}
        booster = lgb.train(
            params, train, regime.rounds, valid_sets=[valid],
            callbacks=[lgb.early_stopping(regime.patience, verbose=False)],
        )  # fmt: skip
        return booster.best_iteration, booster.predict(fold.test.X, raw_score=True)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
class TestFits:
    def judged(self, library, arm, fold):
        """Return the measures in both regimes, one after the other."""
        from fits import Binned, fit
        from measures import measures

        found = fit(library, arm, Binned(fold), regimes())
        test = fold.test
        assert [one.regime for one in found] == ["defaults", "careful"]
        assert all(0 < one.seconds < 60 for one in found)
        return [measures(test.y, one.log_odds, test.weight) for one in found]

    def test_gamma_0_is_the_built_in_objective(self, fold, library):
        from arms import BUILT_IN, Arm

        built_in = self.judged(library, BUILT_IN, fold)
        found = self.judged(library, Arm("focal", 0.5, 0.0), fold)
        for one, expected in zip(found, built_in, strict=True):
            assert one == pytest.approx(expected, rel=2e-3)

    def test_every_kind_of_arm_learns(self, fold, library):
        from arms import BUILT_IN, FACTORIAL, FORMER, Arm
        from measures import measures

        blind = np.full(fold.test.y.size, logit(np.average(fold.test.y)))
        blind = measures(fold.test.y, blind, fold.test.weight)
        focal = [arm for arm in FACTORIAL if (arm.alpha, arm.gamma) == (0.25, 1)]
        for arm in (BUILT_IN, FORMER, *focal, Arm(max_delta_step=0.5)):
            for judged in self.judged(library, arm, fold):
                assert judged["log_loss"] < 0.95 * blind["log_loss"], arm.name
                assert judged["average_precision"] > 2 * blind["average_precision"]

    def test_the_package_trains_as_the_study_does(self, fold, library):
        from arms import Arm

        if not hasattr(FocalObjective, "initial_score"):
            pytest.skip("the package's raw score is not m yet")
        own = self.judged(library, Arm(), fold)
        package = self.judged(library, Arm("package"), fold)
        for one, expected in zip(package, own, strict=True):
            assert one == pytest.approx(expected, rel=2e-3)


class TestMeasures:
    def test_ece_of_one_posterior_is_its_distance_from_the_rate(self):
        from measures import ece

        y = np.repeat([0, 1], [80, 20])
        assert ece(y, np.full(100, 0.2)) == pytest.approx(0, abs=1e-15)
        assert ece(y, np.full(100, 0.5)) == pytest.approx(0.3)

    def test_ece_bins_have_equal_weight(self):
        from measures import ece

        rng = np.random.default_rng(0)
        posterior = np.sort(rng.random(300))
        y = rng.random(300) < posterior
        bins = zip(np.split(y, 15), np.split(posterior, 15), strict=True)
        gaps = [abs(a.mean() - b.mean()) for a, b in bins]
        assert ece(y, posterior) == pytest.approx(np.mean(gaps), rel=1e-12)

    def test_weight_2_is_the_row_twice(self):
        from measures import measures

        rng = np.random.default_rng(1)
        y, log_odds = rng.integers(0, 2, 500), rng.normal(size=500)
        weight = rng.integers(1, 3, 500)
        found = measures(y, log_odds, weight)
        twice = measures(np.repeat(y, weight), np.repeat(log_odds, weight), None)
        assert found == pytest.approx(twice, rel=1e-9)

    def test_proper_scores_are_those_of_scikit_learn(self):
        from measures import measures
        from sklearn.metrics import brier_score_loss, log_loss

        y, log_odds = np.array([0, 1, 0, 1, 0]), np.array([-2.0, 1, 0.5, 3, 700])
        found = measures(y, log_odds, None)
        assert found["log_loss"] == pytest.approx(log_loss(y, expit(log_odds)))
        assert found["brier_score"] == pytest.approx(
            brier_score_loss(y, expit(log_odds))
        )
        with pytest.raises(ValueError, match=r"NaN|nan"):
            measures(y, log_odds * np.nan, None)


def cells(values: dict[str, list[float]]) -> pd.DataFrame:
    sets = range(len(next(iter(values.values()))))
    index = pd.MultiIndex.from_tuples(
        [("xgboost", "careful", f"set {i}") for i in sets],
        names=["library", "regime", "set"],
    )
    return pd.DataFrame(values, index=index)


class TestRule:
    def test_what_collapses_cannot_win(self):
        from ranking import by_rule

        average_precision = cells({
            "best but once": [0.90, 0.90, 0.29],
            "steady": [0.80, 0.80, 0.60],
            "exactly half": [0.45, 0.85, 0.55],
            "failed": [0.90, np.nan, 0.90],
        })  # fmt: skip
        average_precision.loc[("xgboost", "careful", "set 2"), "failed"] = 0.5
        log_loss = cells({
            "best but once": [0.1, 0.1, 0.1],
            "steady": [0.3, 0.2, 0.2],
            "exactly half": [0.2, 0.3, 0.3],
            "failed": [0.1, np.nan, 0.1],
        })  # fmt: skip
        rule = by_rule(average_precision, log_loss)
        # Among the two that are left: AP 1 2 1 and 2 1 2, log loss 2 1 1 and 1 2 2.
        assert list(rule.index[:2]) == ["steady", "exactly half"]
        assert rule["collapses"].to_dict() == {
            "steady": 0, "exactly half": 0, "best but once": 1, "failed": 1,
        }  # fmt: skip
        assert rule.loc["steady", "rank"] == pytest.approx((4 / 3 + 4 / 3) / 2)
        assert rule.loc["exactly half", "rank"] == pytest.approx((5 / 3 + 5 / 3) / 2)
        assert rule["rank"].isna().tolist() == [False, False, True, True]

    def test_defaults_are_arms_in_m_whose_shape_never_collapses(self):
        from tables import defaults

        collapses = {
            "built-in": 0, "α=0.5 γ=1 z upper 1": 0, "α=0.5 γ=2 m upper 1": 0,
            "α=0.5 γ=2 m upper c": 0, "α=0.25 γ=2 m upper c": 0,
            "α=0.5 γ=2 m exact c": 1, "α=0.25 γ=2 m upper 1": 2,
        }  # fmt: skip
        rule = pd.DataFrame({"collapses": collapses})
        assert defaults(rule) == ["α=0.5 γ=2 m upper c", "α=0.25 γ=2 m upper c"]

    def test_ranks_are_those_of_scipy(self):
        from ranking import mean_ranks

        values = np.random.default_rng(0).integers(0, 5, (12, 6)).astype(float)
        table = cells({f"arm {i}": list(column) for i, column in enumerate(values.T)})
        low = mean_ranks(table, higher_is_better=False)
        assert low.to_numpy() == pytest.approx(stats.rankdata(values, axis=1).mean(0))
        high = mean_ranks(table, higher_is_better=True)
        assert high.to_numpy() == pytest.approx(stats.rankdata(-values, axis=1).mean(0))
        table.iloc[0, 3] = np.nan
        for higher in (True, False):
            ranks = table.rank(axis=1, ascending=not higher, na_option="bottom")
            assert ranks.iloc[0, 3] == 6
            found = mean_ranks(table, higher_is_better=higher)
            assert found["arm 3"] == ranks["arm 3"].mean()


class TestIntervals:
    def test_without_overlap_it_is_students(self):
        from ranking import mean_interval

        x = np.random.default_rng(0).normal(size=15)
        interval = stats.ttest_1samp(x, 0).confidence_interval(0.95)
        expected = (x.mean(), interval.low, interval.high)
        assert mean_interval(x) == pytest.approx(expected, rel=1e-12)

    def test_overlap_widens_it_as_nadeau_and_bengio_say(self):
        from ranking import mean_interval

        x = np.random.default_rng(0).normal(size=15)
        mean, low, high = mean_interval(x, overlap=0.25)
        plain = mean_interval(x)
        widening = np.sqrt((1 / 15 + 1 / 4) / (1 / 15))
        assert high - low == pytest.approx(widening * (plain[2] - plain[1]), rel=1e-12)
        assert mean == pytest.approx((low + high) / 2)
        assert np.isnan(mean_interval([1.0])[1:]).all()
        assert np.isnan(mean_interval([1.0, np.nan])).all()

    @pytest.mark.parametrize(("higher", "found"), [(True, "1/2/2"), (False, "1/2/2")])
    def test_wins_ties_losses(self, higher, found):
        from ranking import wins_ties_losses

        sign = 1 if higher else -1
        rows = [(0.2, 0.1, 0.3), (0.1, -0.1, 0.3), (0, 0, 0), (-0.2, -0.3, -0.1)]
        table = pd.DataFrame(
            [tuple(sorted(sign * x for x in row)) for row in rows]
            + [(np.nan, np.nan, np.nan)],
            columns=["low", "difference", "high"],
        )
        assert wins_ties_losses(table, higher_is_better=higher) == found

    def test_geometric_mean_of_ratios(self):
        from ranking import geometric_mean, ratios

        table = cells({"built-in": [0.2, 0.5], "other": [0.1, 1.0]})
        ratio = ratios(table, "built-in")
        assert ratio["other"].tolist() == [0.5, 2.0]
        mean, low, high = geometric_mean(ratio["other"])
        assert mean == pytest.approx(1)
        assert low * high == pytest.approx(1)
        assert geometric_mean([1.1, 1.1, 1.1]) == pytest.approx((1.1, 1.1, 1.1))


def fits_of(
    values: dict[str, list[float]], name: str = "a", regime: str = "careful"
) -> list[dict[str, Any]]:
    """Return records of an arm per list, a fold per value."""
    from measures import MEASURES
    from records import Key

    return [
        {
            **Key("small", "xgboost", regime, name, 0, fold, arm)._asdict(),
            "rounds": 3,
            "seconds": 0.1,
            "error": None,
            **dict.fromkeys(MEASURES, value),
        }
        for arm, folds in values.items()
        for fold, value in enumerate(folds)
    ]


class TestTables:
    def test_only_cells_with_every_arm_count(self):
        from ranking import complete_cells

        whole = fits_of({"built-in": [0.5, 0.6], "other": [0.7, 0.8]})
        short = fits_of({"built-in": [0.5, 0.6], "other": [0.7]}, "b")
        none = fits_of({"built-in": [0.5, 0.6]}, "c")
        frame = pd.DataFrame([*whole, *short, *none])
        found = complete_cells(frame, ["built-in", "other"])
        assert found.to_dict("records") == whole

    def test_a_failed_fold_fails_the_arm_on_the_set(self):
        from ranking import cell_means
        from records import Key
        from stages import frame_of

        records = fits_of({"built-in": [0.5, 0.6], "other": [0.7, 0.8]})
        failed = {key: records[-1][key] for key in Key._fields}
        records[-1] = {**failed, "error": "ValueError: no"}
        means = cell_means(frame_of(records), "log_loss")
        assert means.loc[("xgboost", "careful", "a"), "built-in"] == pytest.approx(0.55)
        assert np.isnan(means.loc[("xgboost", "careful", "a"), "other"])

    def test_summary_has_ratios_and_the_worst_set(self):
        from sets import FRAUDS
        from tables import everywhere

        arm = "α=0.5 γ=1 m upper c"
        folds = {"built-in": [0.5, 0.5, 0.5], arm: [0.6, 0.61, 0.59]}
        others = {"built-in": [0.4, 0.4, 0.4], arm: [0.2, 0.15, 0.1]}
        frame = pd.DataFrame(
            [
                *fits_of(folds),
                *fits_of(others, FRAUDS),
                *fits_of(folds, "c", "defaults"),
            ]
        )
        table = everywhere(frame).set_index(["library", "regime", "arm"])
        assert len(table) == 4
        assert table.loc[("xgboost", "defaults", arm), "AP ratio"] == pytest.approx(1.2)
        row = table.loc[("xgboost", "careful", arm)]
        ratios = np.array([0.6 / 0.5, 0.15 / 0.4])
        assert row["AP ratio"] == pytest.approx(np.exp(np.log(ratios).mean()))
        assert row["AP median"] == pytest.approx(ratios.mean())
        assert row["AP without frauds"] == pytest.approx(1.2)
        assert (row["AP won"], row["log loss won"]) == (1, 1)
        assert (row["AP worst"], row["AP worst set"]) == (pytest.approx(0.375), FRAUDS)
        assert row["log loss worst"] == pytest.approx(1.2)
        assert row["log loss worst set"] == "a"
        assert (row["AP w/t/l"], row["log loss w/t/l"]) == ("1/0/1", "1/0/1")
        assert row["AP rank"] == row["rank"] == 1.5
        assert row["collapses"] == 1

    def test_factors_compare_arms_that_differ_in_nothing_else(self):
        from tables import by_factor

        measured = {
            "built-in": 0.1, "α=0.25 γ=1 m upper c": 0.5, "α=0.25 γ=1 m upper 1": 0.4,
            "α=0.25 γ=2 m upper c": 0.6, "α=0.25 γ=2 m upper 1": 0.3,
            "α=0.25 γ=2 m exact c": 0.2, "α=0.25 γ=1 z upper 1": 0.45,
        }  # fmt: skip
        frame = pd.DataFrame(fits_of({arm: [v, v] for arm, v in measured.items()}))
        table = by_factor(frame).set_index(["factor", "level"])
        assert table["pairs"].to_dict() == {
            ("link", "z"): 1, ("scale", "1"): 2, ("hessian", "exact"): 1,
            ("gamma", "2.0"): 2,
        }  # fmt: skip
        for at, ratio in (
            (("link", "z"), 0.9),
            (("scale", "1"), np.sqrt(0.8 * 0.5)),
            (("hessian", "exact"), 1 / 3),
            (("gamma", "2.0"), np.sqrt(1.2 * 0.75)),
        ):
            for column in ("AP all", "AP xgboost careful", "log loss all"):
                assert table.loc[at, column] == pytest.approx(ratio)

    def test_duels_are_with_the_neighbours_and_the_built_in(self):
        from tables import duels

        chosen, other = "α=0.25 γ=1 m upper c", "α=0.25 γ=1 z upper 1"
        parts = {"built-in": [0.5] * 2, chosen: [0.6] * 2, other: [0.8] * 2}
        table = duels(pd.DataFrame(fits_of(parts)), chosen).set_index("against")
        assert table["AP ratio"].to_dict() == pytest.approx(
            {"built-in": 1.2, other: 0.75}
        )
        assert table["AP won"].tolist() == ["1 of 1", "0 of 1"]
        assert table["log loss won"].tolist() == ["0 of 1", "1 of 1"]


class TestRecords:
    def test_an_unfinished_last_line_is_dropped(self, tmp_path):
        from records import Records, key_of

        path = tmp_path / "fits.jsonl"
        first, second = fits_of({"built-in": [0.5, 0.6]})
        Records(path).add([first])
        with path.open("a", encoding="utf-8") as file:
            file.write('{"library": "xgboost", "se')
        records = Records(path)
        assert records.all == [first]
        records.add([second])
        again = Records(path)
        assert again.all == [first, second]
        assert again.keys == {key_of(first), key_of(second)}

    @pytest.mark.parametrize("line", ["not json", "[1]", '{"library": "xgboost"}'])
    def test_what_is_no_record_is_named(self, tmp_path, line):
        from records import Records

        path = tmp_path / "fits.jsonl"
        path.write_text(line + "\n", "utf-8")
        with pytest.raises(ValueError, match=r"must hold a record per line, got .* 1$"):
            Records(path)

    def test_what_is_recorded_is_not_recorded_again(self, tmp_path):
        from records import Records

        both = fits_of({"built-in": [0.5, 0.6]})
        records = Records(tmp_path / "fits.jsonl")
        records.add(both[:1])
        records.add(both)
        assert records.all == Records(records.path).all == both

    def test_what_is_recorded_is_not_fitted_again(self):
        from arms import BUILT_IN, FORMER
        from records import Key
        from stages import Plan, Stage, screening, tasks

        plan = Plan(Path())
        rows = {"few": 29_999, "many": 30_000, "others": 5, "z": 1}
        arms = (BUILT_IN, FORMER)
        stage = Stage("some", "whole", ("few", "many"), arms)
        everything = list(tasks(stage, plan, rows, set()))
        assert len(everything) == 2 * 5 * 3 + 2 * 5 * 1
        small = Stage("some", "small", ("few", "many"), arms)
        assert len(list(tasks(small, plan, rows, set()))) == 2 * 3 * 2
        done = {
            task.key(arm, regime)
            for task in everything
            for arm in task.arms
            for regime in plan.regimes
        }
        assert len(done) == 2 * 2 * len(everything)
        left = Key("whole", "lightgbm", "careful", "few", 2, 3, "built-in")
        (task,) = tasks(stage, plan, rows, done - {left})
        assert task.arms == (BUILT_IN,)
        assert task.key(BUILT_IN, plan.regimes[1]) == left
        assert list(tasks(stage, plan, rows, done)) == []
        assert screening(plan, rows).sets == ("few", "z")
        assert len(screening(plan, rows).arms) == 97

    def test_a_fit_that_fails_is_a_record(self, monkeypatch):
        import stages
        from arms import BUILT_IN, FORMER
        from fits import Fitted

        def fit(library, arm, binned, regimes):
            if arm == BUILT_IN:
                raise RuntimeError("no such luck")
            odds = np.zeros(2) if library == "xgboost" else np.array([0, np.nan])
            return [Fitted(one.name, odds, 1, 0.0) for one in regimes]

        test = SimpleNamespace(y=np.array([0, 1]), weight=None)
        binned = SimpleNamespace(fold=SimpleNamespace(test=test))
        monkeypatch.setattr(stages, "fit", fit)
        monkeypatch.setattr(stages, "_binned", lambda task, plan: binned)
        for library, sound in (("xgboost", True), ("lightgbm", False)):
            task = stages.Task("few", library, "a", 0, 0, (BUILT_IN, FORMER))
            found = stages.work(task, stages.Plan(Path()))
            assert [one["regime"] for one in found] == ["defaults", "careful"] * 2
            assert {one["error"] for one in found[:2]} == {"RuntimeError: no such luck"}
            assert [one["error"] is None for one in found[2:]] == [sound] * 2
            json.dumps(found, allow_nan=False)


def study(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(STUDY / "study.py"), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small binary sets and one of three classes."""
    folder = tmp_path_factory.mktemp("sets")
    for seed, name in enumerate(("first", "second", "three_classes")):
        X, y, _ = make_imbalanced(400 + seed, prevalence=0.2, seed=seed)
        names = np.array([f"x{i}" for i in range(X.shape[1])])
        y = y.astype(np.int8)
        if name == "three_classes":
            y[:9] = 2
        extra = {"sample_weight": np.where(y == 1, 2, 1)} if seed else {}
        np.savez(
            folder / name, X=X.astype(np.float32), y=y, feature_names=names, **extra
        )
    return folder


def lines_in(out: Path) -> list[dict[str, Any]]:
    lines = (out / "fits.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def without_time(records: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps({**one, "seconds": 0}, sort_keys=True) for one in records)


class TestCommand:
    def test_interrupted_study_goes_on_where_it_stopped(self, made, tmp_path):
        common = ("--quick", "--jobs", "1", "--data", str(made), "--out", str(tmp_path))
        done = study(*common)
        assert (done.returncode, done.stderr) == (0, "")
        assert "package: first, second\n" in done.stdout
        records = lines_in(tmp_path)
        assert {one["set"] for one in records} == {"first", "second"}
        assert {one["library"] for one in records} == {"xgboost", "lightgbm"}
        assert {one["regime"] for one in records} == {"defaults", "careful"}
        assert [one["error"] for one in records] == [None] * len(records)
        summary = (tmp_path / "summary.md").read_text("utf-8")
        assert "Named by the rule: **α=0.25 γ=2 m " in summary
        # In the midst of the screening, of a task, and of a line.
        whole = (tmp_path / "fits.jsonl").read_text("utf-8").splitlines()
        kept = "\n".join(whole[:33]) + "\n" + whole[33][:40]
        (tmp_path / "fits.jsonl").write_text(kept, "utf-8")
        again = study(*common)
        assert (again.returncode, again.stderr) == (0, "")
        assert lines_in(tmp_path)[:33] == records[:33]
        assert without_time(lines_in(tmp_path)) == without_time(records)
        self.check_report(made, tmp_path, common)

    def check_report(self, made, out, common):
        before = (out / "fits.jsonl").read_bytes()
        tables = out / "tables"
        only = study(*common, "--report", "--tables", str(tables))
        assert (only.returncode, only.stderr) == (0, "")
        assert (out / "fits.jsonl").read_bytes() == before
        for name in (
            "screening", "factors", "naming", "naming_rule", "duels", "max_delta_step",
            "few_rows", "final", "final_rule", "final_sets", "package",
        ):  # fmt: skip
            lines = (tables / f"{name}.csv").read_text("utf-8").splitlines()
            assert len(lines) > 1
            assert all(line.count(",") >= 2 for line in lines)
            # The rule orders the four arms of the final alone.
            assert name == "final_rule" or sum(map(len, lines)) > 300
        final = pd.read_csv(tables / "final.csv").set_index(
            ["library", "regime", "arm"]
        )
        assert final.loc[("lightgbm", "careful", "built-in"), "AP ratio"] == 1
        assert "α=0.25 γ=2 z upper 1 step=5" in final.index.get_level_values("arm")
        others = study(*common, "--seed", "5")
        assert others.returncode == 2
        assert "must be a new folder for other settings" in others.stderr
        assert others.stderr.count("\n") == 1

    def test_quick_runs_on_the_shared_sets(self, shared_data, tmp_path):
        data = ("--data", str(shared_data), "--stages", "screening", "naming")
        done = study("--quick", "--jobs", "2", "--out", str(tmp_path), *data)
        assert (done.returncode, done.stderr) == (0, "")
        assert "naming: ozone_1hr, us_crime\n" in done.stdout
        assert "final: " not in done.stdout
        assert [one["error"] for one in lines_in(tmp_path) if one["error"]] == []

    def test_report_of_a_study_that_has_begun(self, made, tmp_path):
        from study import main

        quick = ["--quick", "--data", str(made), "--out", str(tmp_path), "--report"]
        assert main(quick) == 2
        records = fits_of({"built-in": [0.5, 0.6]}, "first")
        text = "".join(json.dumps(one) + "\n" for one in records)
        (tmp_path / "fits.jsonl").write_text(text, "utf-8")
        assert main(quick) == 0
        assert "No set is finished yet." in (tmp_path / "summary.md").read_text("utf-8")

    def test_absent_data_get_one_sentence(self, tmp_path, capsys):
        from study import main

        out = ["--out", str(tmp_path / "out")]
        assert main(["--data", str(tmp_path / "nowhere"), *out]) == 2
        assert main(["--data", str(tmp_path), *out]) == 2
        first, second = capsys.readouterr().err.splitlines()
        assert first.startswith("study.py: --data must be a folder of data sets, got ")
        assert second.startswith("study.py: --data must hold binary sets, got ")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("arguments", "rule"),
        [
            (("--jobs", "0"), "--jobs: must be an integer >= 1, got '0'"),
            (("--seed", "-1"), "--seed: must be an integer >= 0, got '-1'"),
            (("--speed",), "unrecognized arguments: --speed"),
        ],
    )
    def test_bad_options_get_one_sentence(self, capsys, arguments, rule):
        from study import main

        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        err = capsys.readouterr().err
        assert err.startswith("study.py: ")
        assert rule in err
        assert err.count("\n") == 1


def test_modules_of_the_benchmarks_have_names_of_their_own() -> None:
    """They are found by their names alone."""
    files = [
        *STUDY.glob("*.py"),
        *STUDY.parent.glob("*.py"),
        *Path(__file__).parent.glob("*.py"),
    ]
    for name, following in pairwise(sorted(path.name for path in files)):
        assert name != following
