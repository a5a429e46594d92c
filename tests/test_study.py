"""The evidence study: its mathematics, splits, statistics, and that it resumes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from focal_boost import FocalObjective
from focal_boost.datasets import make_imbalanced

STUDY = Path(__file__).parent / "benchmarks" / "study"
T = np.linspace(-30, 30, 241)


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


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
        from records import Key, frame_of

        records = fits_of({"built-in": [0.5, 0.6], "other": [0.7, 0.8]})
        failed = {key: records[-1][key] for key in Key._fields}
        records[-1] = {**failed, "error": "ValueError: no"}
        means = cell_means(frame_of(records), "log_loss")
        assert means.loc[("xgboost", "careful", "a"), "built-in"] == pytest.approx(0.55)
        assert np.isnan(means.loc[("xgboost", "careful", "a"), "other"])

    def test_summary_has_ratios_and_the_worst_set(self):
        from sets import FRAUDS
        from tables import summary

        folds = {"built-in": [0.5, 0.5, 0.5], "focal": [0.6, 0.61, 0.59]}
        others = {"built-in": [0.4, 0.4, 0.4], "focal": [0.2, 0.15, 0.1]}
        table = summary(pd.DataFrame([*fits_of(folds), *fits_of(others, FRAUDS)]))
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

    def test_a_fold_that_lacks_a_fit_is_made_again(self, tmp_path):
        from study import ARMS, Plan, todo

        plan = Plan(tmp_path, folds=2, repeats=2)
        every = list(todo({"a": 100, "b": 40_000}, plan, set()))
        # Of the larger set there is one repetition; each fold is in both libraries.
        assert [(one.set, one.repeat, one.fold) for one in every[::2]] == [
            *(("a", repeat, fold) for repeat in (0, 1) for fold in (0, 1)),
            *(("b", 0, fold) for fold in (0, 1)),
        ]
        done = {every[0].key(one.name, arm) for one in plan.regimes for arm in ARMS}
        rows = {"a": 100, "b": 40_000}
        assert list(todo(rows, plan, done)) == every[1:]
        assert list(todo(rows, plan, {*list(done)[1:]})) == every


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
        assert done.stdout.count(", 2 sets:") == 4
        records = lines_in(tmp_path)
        # Sets, folds, libraries, regimes, arms.
        assert len(records) == 2 * 2 * 2 * 2 * 3
        assert {one["set"] for one in records} == {"first", "second"}
        # In the midst of a fold and of a line.
        whole = (tmp_path / "fits.jsonl").read_text("utf-8").splitlines()
        kept = "\n".join(whole[:33]) + "\n" + whole[33][:40]
        (tmp_path / "fits.jsonl").write_text(kept, "utf-8")
        again = study(*common)
        assert (again.returncode, again.stderr) == (0, "")
        assert lines_in(tmp_path)[:33] == records[:33]
        assert without_time(lines_in(tmp_path)) == without_time(records)
        self.check_report(tmp_path, common)

    def check_report(self, out, common):
        before = (out / "fits.jsonl").read_bytes()
        tables = out / "tables"
        only = study(*common, "--report", "--tables", str(tables))
        assert (only.returncode, only.stderr) == (0, "")
        assert (out / "fits.jsonl").read_bytes() == before
        assert len(list(tables.glob("*.csv"))) == 4
        table = pd.read_csv(tables / "study_lightgbm_careful.csv").set_index("arm")
        assert list(table.index) == ["built-in", "focal", "focal γ=1"]
        assert table.loc["built-in", "AP worst"] == 1
        others = study(*common, "--seed", "5")
        assert others.returncode == 2
        assert "must be a new folder for other settings" in others.stderr
        assert others.stderr.count("\n") == 1

    def test_quick_runs_on_the_shared_sets(self, shared_data, tmp_path):
        data = ("--data", str(shared_data), "--out", str(tmp_path))
        done = study("--quick", "--jobs", "2", *data)
        assert (done.returncode, done.stderr) == (0, "")
        assert {one["set"] for one in lines_in(tmp_path)} == {"ozone_1hr", "us_crime"}

    def test_at_gamma_zero_focal_loss_is_the_built_in_objective(self):
        """Both are trained by the study as they are, in either library."""
        import study
        from sets import DataSet, split

        X, y, _ = make_imbalanced(3_000, prevalence=0.1, seed=0)
        weight = np.random.default_rng(0).uniform(0.5, 2.0, y.size)
        data = DataSet(
            X.astype(np.float32), y.astype(np.int8), np.arange(y.size), weight
        )
        fold = split(data, "made", 0, 0, 0)
        regime = study.Regime("careful", 0.1, 60, 12)
        for fit in study._FITS.values():
            theirs, rounds = fit(None, fold, regime)
            ours, same = fit(FocalObjective(None, 0.0), fold, regime)
            assert rounds == same > 3
            np.testing.assert_allclose(ours, theirs, atol=1e-5)

    def test_report_of_nothing(self, made, tmp_path, capsys):
        from study import main

        quick = ["--quick", "--data", str(made), "--out", str(tmp_path), "--report"]
        assert main(quick) == 2
        assert capsys.readouterr().err.startswith("study.py: --out must hold fits")

    def test_absent_data_get_one_sentence(self, tmp_path, capsys):
        from study import main

        out = ["--out", str(tmp_path / "out")]
        assert main(["--data", str(tmp_path / "nowhere"), *out]) == 2
        assert main(["--data", str(tmp_path), *out]) == 2
        for line in capsys.readouterr().err.splitlines():
            assert line.startswith("study.py: --data must be a folder of binary sets, ")
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
