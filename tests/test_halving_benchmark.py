"""The replay of searches: what it chooses is what a search chooses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimators import quiet

sys.path.insert(0, str(Path(__file__).with_name("benchmarks")))

import halving

from focal_boost.tuning import FocalSearchCV
from focal_boost.tuning._ladder import Ladder
from focal_boost.tuning._scoring import SCORINGS

pytestmark = quiet
ROUNDS = 20


@pytest.fixture(scope="module", params=list(halving.LIBRARIES))
def case(request: pytest.FixtureRequest) -> Any:
    return halving.Case(request.param, "2 %", ROUNDS, few=True)


@pytest.fixture(scope="module")
def curves(case: Any) -> Any:
    return halving.curves_of(case)


@pytest.mark.parametrize(
    ("scoring", "settings"),
    list(zip(SCORINGS, [(2, 2, 1 / 3), (3, 1, 0.5), (2, 3, 0.2)], strict=True)),
)
def test_chooses_what_a_search_chooses(
    case: Any, curves: Any, scoring: str, settings: Any
) -> None:
    X, y, _ = case.rows()
    factor, least, keep = settings
    given = {"factor": factor, "min_rounds": least, "keep": keep, "refit": False}
    model = case.candidates()[0].estimator
    search = FocalSearchCV(model, scoring=scoring, **given).fit(X, y)
    candidates = case.candidates()
    ladder = Ladder.of(ROUNDS, len(candidates), *settings)
    own = curves[list(SCORINGS).index(scoring)]
    assert halving.chosen(own, candidates, ladder) == search.best_index_
    whole = search.cv_results_["n_rounds"] == ROUNDS
    np.testing.assert_allclose(
        own[whole, :, -1].mean(axis=1),
        search.cv_results_["mean_test_score"][whole],
        rtol=1e-12,
    )


def test_the_best_of_all_has_rank_0() -> None:
    rng = np.random.default_rng(0)
    known = halving.Case("lightgbm", "2 %", ROUNDS, few=True).candidates()[:9]
    # Curves that never cross: no ladder can miss the best.
    start = rng.random(9)[:, None, None]
    curves = start + np.zeros((9, 5, 1)) + np.linspace(0, 1, ROUNDS)
    share, rank, best, worse = halving._figures(curves, known, (2, 5, 1 / 3))
    assert (rank, best, worse) == (0, 1.0, 0.0)
    assert share == (9 * 5 + 3 * 5 + 1 * 10) / (9 * ROUNDS)
    # The best one is behind until the last round.
    late = curves.copy()
    last = int(np.argmin(start))
    late[last, :, -1] = 5.0
    share, rank, best, worse = halving._figures(late, known, (2, 5, 1 / 3))
    assert (rank, best) == (1, 0.0)
    assert worse == pytest.approx(100 * (5 - (start.max() + 1)) / 5)


def test_the_command_prints_a_row_per_ladder_and_gain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "halving.json"
    before = halving._race.GAIN
    assert halving.main(["--quick", "--jobs", "1", "--out", str(out)]) == 0
    assert before == halving._race.GAIN
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert len(rows) == len(halving.LADDERS) * len(halving.GAINS)
    assert all(0 < row["share of rounds"] <= 1 for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(rows)
