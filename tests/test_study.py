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

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from focal_boost import FocalLoss
from focal_boost.datasets import make_imbalanced

STUDY = Path(__file__).parent / "benchmarks" / "study"
T = np.linspace(-30, 30, 241)


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


class TestDerivatives:
    @pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0, 5.0])
    def test_gauss_newton_is_the_convex_part_of_the_chain_rule(self, gamma):
        import mpmath as mp
        from derivatives import gauss_newton

        def loss_of_p(p):
            return (1 - p) ** gamma * -mp.log(p)

        with mp.workdps(60):
            for t in (-20.0, -5.5, -2.79, -0.3, 0.0, 0.7, 4.0, 15.0):
                p = 1 / (1 + mp.exp(-mp.mpf(t)))
                h = min(p, 1 - p) * mp.mpf(10) ** -12
                second = (loss_of_p(p + h) - 2 * loss_of_p(p) + loss_of_p(p - h)) / h**2
                expected = float((p * (1 - p)) ** 2 * second)
                found = gauss_newton(np.array([t]), gamma)[0]
                assert found == pytest.approx(expected, rel=1e-13, abs=0)

    @pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
    def test_the_term_left_out_is_the_curvature_of_the_sigmoid(self, gamma):
        from derivatives import gauss_newton

        loss = FocalLoss(None, gamma)
        p, q = expit(T), expit(-T)
        # L′ = φ′ / (dp/dt), so that the term is φ′ (q − p).
        left_out = loss.gradient(np.ones_like(T), T) * (q - p)
        exact = loss.hessian(np.ones_like(T), T)
        scale = np.abs(exact) + np.abs(left_out)
        assert np.all(
            np.abs(gauss_newton(T, gamma) + left_out - exact) <= 1e-14 * scale
        )

    @pytest.mark.parametrize("gamma", [0.01, 0.5, 0.99, 1.0, 5.0])
    def test_gauss_newton_is_positive(self, gamma):
        from derivatives import gauss_newton

        assert np.all(gauss_newton(T, gamma) > 0)

    @pytest.mark.parametrize("hessian", ["upper", "exact", "absolute", "gauss-newton"])
    def test_rows_have_class_and_sample_weights_and_the_offset(self, hessian):
        from arms import Arm
        from derivatives import derivatives, gauss_newton

        loss = FocalLoss(0.25, 2.0)
        y = np.arange(T.size) % 2
        weight = np.linspace(0.5, 2, T.size)
        of = derivatives(Arm(hessian=hessian), loss)
        grad, hess = of(y, T - 0.3, weight, 0.3)
        exact = loss.hessian(y, T)
        expected = {
            "upper": loss.curvature(y, T),
            "exact": exact,
            "absolute": np.abs(exact),
            "gauss-newton": np.where(y == 1, 0.25, 0.75)
            * gauss_newton(np.where(y == 1, T, -T), 2.0),
        }[hessian]
        assert grad.dtype == hess.dtype == np.float32
        assert grad == pytest.approx(loss.gradient(y, T) * weight, rel=1e-5, abs=1e-12)
        assert hess == pytest.approx(expected * weight, rel=1e-5, abs=1e-6)
        unweighted = of(y, T, np.empty(0), 0.0)[1]
        assert unweighted == pytest.approx(expected, rel=1e-5, abs=1e-6)


class TestArms:
    def test_all_arms_of_the_factorial_have_names_of_their_own(self):
        from arms import BASELINES, BY_NAME, FACTORIAL, PACKAGE_DEFAULT, step_arms

        assert len(FACTORIAL) == 4 * 2 * 5 * 5
        assert len(BY_NAME) == len(FACTORIAL) + len(BASELINES)
        assert PACKAGE_DEFAULT in FACTORIAL
        steps = step_arms("α=0.5 γ=1 exact zero")
        assert len({arm.name for arm in steps}) == len(steps) == 1 + 3 * 5
        assert {arm.max_delta_step for arm in steps[1:]} == {0, 1, 2, 5, 10}
        # The package's default is not fitted twice where it is the chosen one.
        assert len(step_arms(PACKAGE_DEFAULT.name)) == len(step_arms(None)) == 1 + 2 * 5

    def test_few_rounds_are_the_finalists_and_the_whole_built_in(self):
        from arms import BUILT_IN, finalists, short_arms

        final = finalists(["α=0.5 γ=1 exact zero"], 1)
        names = [arm.name for arm in short_arms(final)]
        assert names[:2] == ["built-in", "built-in rounds=20"]
        assert names[2:] == [f"{arm.name} rounds=20" for arm in final[2:]]
        assert short_arms(final)[0] == BUILT_IN

    def test_finalists_are_baselines_the_best_and_the_default(self):
        from arms import BASELINES, PACKAGE_DEFAULT, finalists

        best = ["α=None γ=5 exact zero", "built-in", "α=0.5 γ=1 upper best"]
        names = [arm.name for arm in finalists(best, 2)]
        expected = [arm.name for arm in BASELINES]
        assert names == [*expected, best[0], best[2], PACKAGE_DEFAULT.name]
        assert [arm.name for arm in finalists(best, 1)][2:] == [
            best[0],
            PACKAGE_DEFAULT.name,
        ]

    def test_class_weights_are_taken_out_of_the_posterior(self):
        from arms import Arm

        y = np.repeat([0, 1], [90, 10])
        link = Arm("class-weights").loss(y, None)
        margin = logit(0.3) + np.log(90 / 10)
        assert link.posterior(margin) == pytest.approx(0.3, rel=1e-12)
        weight = np.where(y == 1, 3.0, 1.0)
        balanced = Arm(alpha="balanced", gamma=1).loss(y, weight)
        assert balanced.alpha == pytest.approx(90 / 120)
        assert Arm("built-in").loss(y, None) == FocalLoss(None, 0.0)


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
        from sets import FLIGHTS, Size, binary_sets, load_set

        rows = binary_sets(shared_data)
        assert len(rows) == 19
        assert not {"shuttle_multiclass", "mc_yeast", "mc_page_blocks"} & set(rows)
        size = Size(5_000)
        assert size.of("creditcard_fraud", 284_807) == 284_807
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


class TestFits:
    """The study's training is that of the package, where the package has it."""

    ROUNDS, PATIENCE = 60, 5

    def fitted(self, library, arm, fold):
        from fits import Binned, Stopping, fit

        return fit(library, arm, Binned(fold), Stopping(self.ROUNDS, self.PATIENCE))

    @pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (None, 0.5)])
    def test_xgboost_trains_as_the_package_does(self, fold, alpha, gamma):
        import xgboost as xgb
        from arms import Arm

        import focal_boost.xgboost as fxgb
        from focal_boost import FocalObjective

        objective = FocalObjective(alpha, gamma)
        train, valid = (
            made(part.X, label=part.y, weight=part.weight)
            for made, part in (
                (xgb.QuantileDMatrix, fold.train),
                (xgb.DMatrix, fold.valid),
            )
        )
        booster = fxgb.train(
            {"nthread": 1},
            train,
            self.ROUNDS,
            objective=objective,
            evals=[(valid, "valid")],
            early_stopping_rounds=self.PATIENCE,
            verbose_eval=False,
        )
        rounds = booster.best_iteration + 1
        test = xgb.DMatrix(fold.test.X)
        margin = booster.predict(test, output_margin=True, iteration_range=(0, rounds))
        found = self.fitted("xgboost", Arm("focal", alpha, gamma), fold)
        assert found.rounds == rounds < self.ROUNDS
        assert found.margin == pytest.approx(margin, abs=1e-5)
        assert found.loss == objective.loss

    @pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (None, 0.5)])
    def test_lightgbm_trains_as_the_package_does(self, fold, alpha, gamma):
        import lightgbm as lgb
        from arms import Arm

        import focal_boost.lightgbm as flgb
        from focal_boost import FocalObjective

        train = lgb.Dataset(fold.train.X, fold.train.y, weight=fold.train.weight)
        valid = train.create_valid(fold.valid.X, fold.valid.y, weight=fold.valid.weight)
        booster = flgb.train(
            {"num_threads": 1, "verbosity": -1},
            train,
            self.ROUNDS,
            objective=FocalObjective(alpha, gamma),
            valid_sets=[valid],
            callbacks=[lgb.early_stopping(self.PATIENCE, verbose=False)],
        )
        margin = booster.predict(fold.test.X, raw_score=True)
        found = self.fitted("lightgbm", Arm("focal", alpha, gamma), fold)
        assert found.rounds == booster.best_iteration < self.ROUNDS
        # LightGBM keeps weights in float32, and the start value comes from them.
        assert found.margin == pytest.approx(margin, abs=1e-6)

    def test_gamma_0_is_xgboosts_own_objective_from_the_prevalence(self, fold):
        import xgboost as xgb
        from arms import Arm

        found = self.fitted("xgboost", Arm("focal", None, 0.0), fold)
        # XGBoost before 3 starts elsewhere if it is not told.
        prevalence = np.average(fold.train.y, weights=fold.train.weight)
        params = {"objective": "binary:logistic", "base_score": prevalence}
        booster = xgb.train(
            {**params, "nthread": 1},
            xgb.QuantileDMatrix(
                fold.train.X, label=fold.train.y, weight=fold.train.weight
            ),
            found.rounds,
        )
        margin = booster.predict(xgb.DMatrix(fold.test.X), output_margin=True)
        assert found.margin == pytest.approx(margin, abs=1e-4)

    def test_gamma_0_is_lightgbms_own_objective(self, fold):
        from arms import BUILT_IN, Arm

        built_in = self.fitted("lightgbm", BUILT_IN, fold)
        zero = Arm("focal", None, 0.0, max_delta_step=0.0)
        found = self.fitted("lightgbm", zero, fold)
        assert found.rounds == built_in.rounds < self.ROUNDS
        assert found.margin == pytest.approx(built_in.margin, abs=1e-6)

    @pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
    def test_every_kind_of_arm_learns(self, fold, library):
        from arms import BASELINES, HESSIANS, Arm
        from measures import measures

        starts = [Arm(hessian=name, start="zero") for name in HESSIANS]
        constant = np.full(fold.test.y.size, np.average(fold.test.y))
        blind = measures(fold.test.y, logit(constant), None, FocalLoss(None, 0.0))
        for arm in (*BASELINES, *starts, Arm(alpha="balanced", hessian="absolute")):
            found = self.fitted(library, arm, fold)
            judged = measures(fold.test.y, found.margin, None, found.loss)
            assert judged["log_loss"] < 0.95 * blind["log_loss"], arm.name
            assert judged["average_precision"] > 2 * blind["average_precision"]
            assert 0 < found.seconds < 60


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
        y, margin = rng.integers(0, 2, 500), rng.normal(size=500)
        weight = rng.integers(1, 3, 500)
        loss = FocalLoss(0.25, 2.0)
        found = measures(y, margin, weight, loss)
        twice = measures(np.repeat(y, weight), np.repeat(margin, weight), None, loss)
        assert found == pytest.approx(twice, rel=1e-9)
        assert found["sigma_log_loss"] != pytest.approx(found["log_loss"], rel=1e-2)

    def test_posterior_of_the_built_in_is_sigma(self):
        from measures import measures

        y, margin = np.array([0, 1, 0, 1]), np.array([-2.0, 1, 0.5, 3])
        found = measures(y, margin, None, FocalLoss(None, 0.0))
        for name in ("log_loss", "brier_score", "ece"):
            assert found[name] == found[f"sigma_{name}"]
        with pytest.raises(ValueError, match=r"NaN|nan"):
            measures(y, margin * np.nan, None, FocalLoss(None, 0.0))


def cells(values: dict[str, list[float]]) -> pd.DataFrame:
    sets = range(len(next(iter(values.values()))))
    index = pd.MultiIndex.from_tuples([("xgboost", f"set {i}") for i in sets])
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
        average_precision.loc[("xgboost", "set 2"), "failed"] = 0.5
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

    def test_default_is_a_focal_arm_that_keeps_up(self):
        from tables import best_focal

        names = ["built-in", "α=0.5 γ=1 upper best", "α=0.5 γ=2 upper best"]
        rule = pd.DataFrame({"collapses": [0, 0, 0]}, names)
        assert best_focal(rule) == names[1]
        assert best_focal(rule.assign(collapses=[0, 2, 2])) is None

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

    @pytest.mark.parametrize(("arms", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
    def test_critical_difference_is_demsars(self, arms, q):
        from ranking import nemenyi

        # Demšar (2006), table 5 (a).
        expected = q * np.sqrt(arms * (arms + 1) / (6 * 19))
        assert nemenyi(arms, 19) == pytest.approx(expected, rel=5e-4)


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


def fits_of(values: dict[str, list[float]], name: str = "a") -> list[dict[str, Any]]:
    """Return records of an arm per list, a fold per value."""
    from measures import MEASURES
    from records import Key

    return [
        {
            **dict(zip(Key._fields, ("xgboost", name, 0, fold, arm), strict=True)),
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
        from stages import frame_of

        records = fits_of({"built-in": [0.5, 0.6], "other": [0.7, 0.8]})
        failed = {key: records[-1][key] for key in ("library", "set", "repeat", "fold")}
        records[-1] = {**failed, "arm": "other", "error": "ValueError: no"}
        means = cell_means(frame_of(records), "log_loss")
        assert means.loc[("xgboost", "a"), "built-in"] == pytest.approx(0.55)
        assert np.isnan(means.loc[("xgboost", "a"), "other"])

    def test_summary_has_ratios_and_the_worst_set(self):
        from tables import summary

        arm = "α=0.5 γ=1 upper best"
        folds = {"built-in": [0.5, 0.5, 0.5], arm: [0.6, 0.61, 0.59]}
        frame = pd.DataFrame(
            fits_of(folds)
            + fits_of({"built-in": [0.4, 0.4, 0.4], arm: [0.2, 0.15, 0.1]}, "b")
        )
        row = summary(frame, "xgboost").loc[arm]
        ratios = np.array([0.6 / 0.5, 0.15 / 0.4])
        assert row["AP ratio"] == pytest.approx(np.exp(np.log(ratios).mean()))
        assert row["AP median"] == pytest.approx(ratios.mean())
        assert (row["AP worst"], row["AP worst set"]) == (pytest.approx(0.375), "b")
        assert row["log loss worst"] == pytest.approx(1.2)
        assert row["log loss worst set"] == "a"
        assert (row["AP w/t/l"], row["log loss w/t/l"]) == ("1/0/1", "1/0/1")
        assert row["AP rank"] == row["rank"] == 1.5
        assert row["collapses"] == 1


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

    def test_what_is_recorded_is_not_fitted_again(self):
        from arms import BASELINES
        from records import Key
        from stages import Plan, Stage, screening, tasks

        plan = Plan(Path())
        rows = {"few": 29_999, "many": 30_000, "others": 5, "z": 1}
        stage = Stage("some", ("few", "many"), BASELINES)
        everything = list(tasks(stage, plan, rows, set()))
        assert len(everything) == 2 * 5 * 3 + 2 * 5 * 1
        done = {
            Key(task.library, task.set, task.repeat, task.fold, arm.name)
            for task in everything
            for arm in task.arms
        }
        assert len(done) == 2 * len(everything)
        left = Key("lightgbm", "few", 2, 3, "built-in")
        (task,) = tasks(stage, plan, rows, done - {left})
        assert task.arms == BASELINES[:1]
        assert (task.library, task.set, task.repeat, task.fold) == left[:4]
        assert list(tasks(stage, plan, rows, done)) == []
        assert screening(plan, rows).sets == ("few", "z")
        assert len(screening(plan, rows).arms) == 202

    def test_a_fit_that_fails_is_a_record(self, monkeypatch):
        import stages
        from arms import BASELINES

        def fit(library, arm, binned, stopping):
            if arm == BASELINES[0]:
                raise RuntimeError("no such luck")
            loss = FocalLoss(None, 0.0)
            margin = np.zeros(2) if library == "xgboost" else np.array([0, np.nan])
            return SimpleNamespace(margin=margin, loss=loss, rounds=1, seconds=0.0)

        test = SimpleNamespace(y=np.array([0, 1]), weight=None)
        binned = SimpleNamespace(fold=SimpleNamespace(test=test))
        monkeypatch.setattr(stages, "fit", fit)
        monkeypatch.setattr(stages, "_binned", lambda task, plan: binned)
        for library, sound in (("xgboost", True), ("lightgbm", False)):
            task = stages.Task(library, "a", 0, 0, BASELINES)
            failed, other = stages.work(task, stages.Plan(Path()))
            assert failed["error"] == "RuntimeError: no such luck"
            assert (other["error"] is None) == sound
            json.dumps(other, allow_nan=False)


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
        assert "final: first, second\n" in done.stdout
        records = lines_in(tmp_path)
        assert {one["set"] for one in records} == {"first", "second"}
        assert {one["library"] for one in records} == {"xgboost", "lightgbm"}
        assert [one["error"] for one in records] == [None] * len(records)
        summary = (tmp_path / "summary.md").read_text("utf-8")
        assert "Defaults by the rule: " in summary
        # In the midst of the screening, and of a line.
        whole = (tmp_path / "fits.jsonl").read_text("utf-8").splitlines()
        kept = "\n".join(whole[:60]) + "\n" + whole[60][:40]
        (tmp_path / "fits.jsonl").write_text(kept, "utf-8")
        again = study(*common)
        assert (again.returncode, again.stderr) == (0, "")
        assert lines_in(tmp_path)[:60] == records[:60]
        assert without_time(lines_in(tmp_path)) == without_time(records)
        self.check_report(made, tmp_path, common)

    def check_report(self, made, out, common):
        before = (out / "fits.jsonl").read_bytes()
        tables = out / "tables"
        only = study(*common, "--report", "--tables", str(tables))
        assert (only.returncode, only.stderr) == (0, "")
        assert (out / "fits.jsonl").read_bytes() == before
        for name in ("screening", "final", "max_delta_step", "few_rounds"):
            assert (tables / f"{name}.csv").stat().st_size > 500
        assert (tables / "final_sets.csv").stat().st_size > 500
        assert (tables / "critical_difference.png").stat().st_size > 10_000
        final = pd.read_csv(tables / "final.csv").set_index(["library", "arm"])
        assert final.loc[("lightgbm", "built-in"), "AP ratio"] == 1
        assert "α=0.25 γ=2 upper best" in final.index.get_level_values("arm")
        others = study(*common, "--seed", "5")
        assert others.returncode == 2
        assert "must be a new folder for other settings" in others.stderr
        assert others.stderr.count("\n") == 1

    def test_quick_runs_on_the_shared_sets(self, shared_data, tmp_path):
        data = ("--data", str(shared_data))
        done = study("--quick", "--jobs", "2", "--out", str(tmp_path), *data)
        assert (done.returncode, done.stderr) == (0, "")
        assert "final: ozone_1hr, us_crime\n" in done.stdout
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
