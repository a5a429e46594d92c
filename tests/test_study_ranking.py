"""The study's measures, statistics, rule and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.study.catboost_defaults import against_catboost
from benchmarks.study.equal_time import ARMS, of_pairs
from benchmarks.study.measures import MEASURES, ece, measures
from benchmarks.study.ranking import (
    by_rule,
    complete_cells,
    geometric_mean,
    mean_interval,
    mean_ranks,
    summary,
    wins_ties_losses,
)
from benchmarks.study.records import Key
from benchmarks.study.sets import FRAUDS
from benchmarks.study.trees import left_out
from scipy import stats
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss


def cells(values: dict[str, list[float]]) -> pd.DataFrame:
    """Return a column per arm, a row per set."""
    sets = range(len(next(iter(values.values()))))
    names = [("xgboost", "careful", f"set {i}") for i in sets]
    return pd.DataFrame(values, pd.MultiIndex.from_tuples(names))


def fits_of(values: dict[str, list[float]], name: str = "a") -> pd.DataFrame:
    """Return fits of an arm per list, a fold per value, which is every measure."""
    return pd.DataFrame([
        {
            **Key("small", "xgboost", "careful", name, 0, fold, arm)._asdict(),
            **dict.fromkeys((*MEASURES, "rounds", "seconds"), value),
        }
        for arm, folds in values.items()
        for fold, value in enumerate(folds)
    ])  # fmt: skip


class TestMeasures:
    def test_ece_of_one_posterior_is_its_distance_from_the_rate(self):
        y = np.repeat([0, 1], [80, 20])
        assert ece(y, np.full(100, 0.2)) == pytest.approx(0, abs=1e-15)
        assert ece(y, np.full(100, 0.5)) == pytest.approx(0.3)

    def test_ece_bins_have_equal_weight(self):
        rng = np.random.default_rng(0)
        posterior = np.sort(rng.random(300))
        y = rng.random(300) < posterior
        bins = zip(np.split(y, 15), np.split(posterior, 15), strict=True)
        gaps = [abs(a.mean() - b.mean()) for a, b in bins]
        assert ece(y, posterior) == pytest.approx(np.mean(gaps), rel=1e-12)

    def test_weight_2_is_the_row_twice(self):
        rng = np.random.default_rng(1)
        y, log_odds = rng.integers(0, 2, 500), rng.normal(size=500)
        weight = rng.integers(1, 3, 500)
        found = measures(y, log_odds, weight)
        twice = measures(np.repeat(y, weight), np.repeat(log_odds, weight), None)
        assert found == pytest.approx(twice, rel=1e-9)

    def test_proper_scores_are_those_of_scikit_learn(self):
        y, log_odds = np.array([0, 1, 0, 1, 0]), np.array([-2.0, 1, 0.5, 3, 700])
        found, posterior = measures(y, log_odds, None), expit(log_odds)
        assert found["log_loss"] == pytest.approx(log_loss(y, posterior))
        assert found["brier_score"] == pytest.approx(brier_score_loss(y, posterior))
        with pytest.raises(ValueError, match=r"NaN|nan"):
            measures(y, log_odds * np.nan, None)


class TestRule:
    def test_what_collapses_cannot_win(self):
        ap = cells({
            "best but once": [0.90, 0.90, 0.29],
            "steady": [0.80, 0.80, 0.60],
            "exactly half": [0.45, 0.85, 0.55],
        })  # fmt: skip
        loss = cells({
            "best but once": [0.1, 0.1, 0.1],
            "steady": [0.3, 0.2, 0.2],
            "exactly half": [0.2, 0.3, 0.3],
        })  # fmt: skip
        rule = by_rule(ap, loss)
        # Among the two that are left: AP 1 2 1 and 2 1 2, log loss 2 1 1 and 1 2 2.
        assert rule["collapses"].to_dict() == {
            "steady": 0, "exactly half": 0, "best but once": 1,
        }  # fmt: skip
        assert list(rule.index) == ["steady", "exactly half", "best but once"]
        expected = [4 / 3, 5 / 3, np.nan]
        assert rule["rank"].to_list() == pytest.approx(expected, nan_ok=True)

    @pytest.mark.parametrize("higher", [True, False])
    def test_ranks_are_those_of_scipy(self, higher):
        values = np.random.default_rng(0).integers(0, 5, (12, 6)).astype(float)
        table = cells({f"arm {i}": list(column) for i, column in enumerate(values.T)})
        expected = stats.rankdata(-values if higher else values, axis=1).mean(0)
        found = mean_ranks(table, higher_is_better=higher)
        assert found.to_numpy() == pytest.approx(expected)

    def test_the_set_left_out_has_no_say(self):
        """Arm x is the best of the first two sets, and of the last the worst."""
        ap = cells({"defaults": [0.5, 0.5, 0.5], "x": [0.6, 0.6, 0.4]})
        judged, losses = left_out(ap, 1 - ap)
        # Without either of the two the others are at one each: the first arm is kept.
        np.testing.assert_allclose(judged, [1.0, 1.0, 0.8])
        np.testing.assert_allclose(losses, [1.0, 1.0, 1.2])


class TestIntervals:
    def test_without_overlap_it_is_students(self):
        x = np.random.default_rng(0).normal(size=15)
        interval = stats.ttest_1samp(x, 0).confidence_interval(0.95)
        expected = (x.mean(), interval.low, interval.high)
        assert mean_interval(x) == pytest.approx(expected, rel=1e-12)

    def test_overlap_widens_it_as_nadeau_and_bengio_say(self):
        x = np.random.default_rng(0).normal(size=15)
        mean, low, high = mean_interval(x, overlap=0.25)
        plain = mean_interval(x)
        widening = np.sqrt((1 / 15 + 1 / 4) / (1 / 15))
        assert high - low == pytest.approx(widening * (plain[2] - plain[1]), rel=1e-12)
        assert mean == pytest.approx((low + high) / 2)
        assert np.isnan(mean_interval([1.0])[1:]).all()
        assert np.isnan(mean_interval([1.0, np.nan])).all()

    @pytest.mark.parametrize(("higher", "found"), [(True, "2/2/1"), (False, "1/2/2")])
    def test_wins_ties_losses(self, higher, found):
        others = [[0.6, 0.61], [0.7, 0.71], [0.4, 0.7], [0.5, 0.5], [0.2, 0.21]]
        frames = [
            fits_of({"built-in": [0.5, 0.5], "other": folds}, str(folds))
            for folds in others
        ]
        won = wins_ties_losses(pd.concat(frames), "ece", higher_is_better=higher)
        assert won.to_dict() == {"built-in": "0/5/0", "other": found}

    def test_geometric_mean_of_ratios(self):
        mean, low, high = geometric_mean([0.5, 2.0])
        assert mean == pytest.approx(1)
        assert low * high == pytest.approx(1)
        assert geometric_mean([1.1, 1.1, 1.1]) == pytest.approx((1.1, 1.1, 1.1))


class TestTables:
    def test_only_cells_with_every_arm_count(self):
        whole = fits_of({"built-in": [0.5, 0.6], "other": [0.7, 0.8]})
        short = fits_of({"built-in": [0.5, 0.6], "other": [0.7]}, "b")
        none = fits_of({"built-in": [0.5, 0.6]}, "c")
        found = complete_cells(pd.concat([whole, short, none]), ["built-in", "other"])
        pd.testing.assert_frame_equal(found, whole)

    def test_summary_has_ratios_and_the_worst_set(self):
        folds = {"built-in": [0.5, 0.5, 0.5], "focal": [0.6, 0.61, 0.59]}
        others = {"built-in": [0.4, 0.4, 0.4], "focal": [0.2, 0.15, 0.1]}
        table = summary(pd.concat([fits_of(folds), fits_of(others, FRAUDS)]))
        assert table.loc["built-in", "AP"] == "1.000 (1.000 to 1.000)"
        row = table.loc["focal"]
        ratios = np.array([0.6 / 0.5, 0.15 / 0.4])
        assert row["AP"].startswith(f"{np.sqrt(ratios.prod()):.3f} (")
        assert row["AP without frauds"] == pytest.approx(1.2)
        assert (row["AP won"], row["log loss won"]) == ("1 of 2", "1 of 2")
        assert (row["AP worst"], row["AP worst set"]) == (pytest.approx(0.375), FRAUDS)
        assert row["log loss worst"] == pytest.approx(1.2)
        assert row["log loss worst set"] == "a"
        assert (row["AP w/t/l"], row["log loss w/t/l"]) == ("1/0/1", "1/0/1")
        assert row["collapses"] == 1
        assert row["ece"] == pytest.approx((0.6 + 0.15) / 2)

    def test_ratios_are_of_the_named_arms(self):
        """Of two sets, AP is 1.1 and 1.2 times the other arm's, log loss half of it."""
        fits = pd.concat([
            fits_of({arm: [0.5] for arms in ARMS.values() for arm in arms}, name)
            for name in "xy"
        ])  # fmt: skip
        ours, first = fits["arm"] == "search", fits["set"] == "x"
        fits.loc[ours, "average_precision"] *= np.where(first[ours], 1.1, 1.2)
        fits.loc[ours, "log_loss"] /= 2
        table = of_pairs(fits).set_index("what")
        whole = table.loc["the whole"]
        assert whole["AP"].startswith(f"{np.sqrt(1.1 * 1.2):.3f}")
        assert whole["log loss"] == "0.500 (0.500 to 0.500)"
        won = table.loc["the engine", ["AP won", "log loss won"]]
        assert list(won) == ["0 of 2"] * 2

    def test_catboost_is_what_ratios_are_of(self):
        names = "library arm average_precision log_loss seconds rounds"
        values = [
            ("catboost", "defaults", 0.5, 0.2, 4.0, 1),
            ("xgboost", "recommended", 0.55, 0.1, 1.0, 1),
            ("xgboost", "averaged", 0.6, 0.2, 4.0, 4),
            ("lightgbm", "recommended", 0.25, 0.4, 2.0, 1),
            ("lightgbm", "averaged", 0.5, 0.2, 4.0, 2),
        ]
        rows = pd.DataFrame(values, columns=names.split())
        both: Any = pd.concat([rows.assign(set="a"), rows.assign(set="b")])
        table = against_catboost(both).set_index(["library", "arm"])
        assert table.loc[("xgboost", "recommended"), "AP"] == "1.100 (1.100 to 1.100)"
        assert table.loc[("xgboost", "recommended"), "log loss won"] == "2 of 2"
        assert table.loc[("lightgbm", "recommended"), "AP won"] == "0 of 2"
        assert table.loc[("xgboost", "averaged"), "time"] == "1.00"
        assert table.loc[("xgboost", "averaged"), "models"] == 4
