"""The replay of searches: what it chooses is what a search chooses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from estimators import quiet

sys.path.insert(0, str(Path(__file__).with_name("benchmarks")))

import halving

from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV
from focal_boost.tuning._pruner import FACTOR, KEEP, RungPruner
from focal_boost.tuning._scoring import SCORINGS

pytestmark = quiet
ROUNDS = 20


@pytest.mark.parametrize("library", list(halving.LIBRARIES))
def test_chooses_what_a_search_chooses(library: str) -> None:
    case = halving.Case(library, "2 %", ROUNDS, few=True)
    X, y, _ = case.rows()
    candidates, order = case.candidates(), range(25)
    curves = halving.curves_of(case)
    for scoring, own, settings in zip(
        SCORINGS, curves, [(2, 1 / 3), (3, 0.5), (FACTOR, KEEP)], strict=True
    ):
        factor, keep = settings
        given = {"factor": factor, "pruner": RungPruner(keep), "scoring": scoring}
        model = candidates[0].estimator
        search = FocalSearchCV(model, DEFAULT_SPACE, refit=False, **given).fit(X, y)
        chosen, share = halving.replayed(own, candidates, factor, keep, order)
        assert chosen == search.best_index_
        rounds = search.cv_results_["n_rounds"]
        assert share == rounds.sum() / (25 * ROUNDS)
        whole = rounds == ROUNDS
        np.testing.assert_allclose(
            own[whole, -1], search.cv_results_["mean_test_score"][whole], rtol=1e-12
        )


def test_the_best_of_all_has_rank_0() -> None:
    rng = np.random.default_rng(0)
    known = halving.Case("lightgbm", "2 %", ROUNDS, few=True).candidates()[:9]
    # Curves that never cross: the best cannot be missed.
    curves = rng.random(9)[:, None] + np.linspace(0, 1, ROUNDS)
    falling = np.argsort(-curves[:, -1])
    share, rank, best, worse = halving._figures(curves, known, 2, 1 / 3, falling)
    assert (rank, best, worse) == (0, 1.0, 0.0)
    # The first goes on, of four two, of seven three, and there are two rungs.
    assert share == (9 * 10 + 10) / (9 * ROUNDS)
    # The best one is behind until the last round, and comes last.
    late = curves.copy()
    last = int(falling[-1])
    late[last, -1] = 5.0
    share, rank, best, worse = halving._figures(late, known, 2, 1 / 3, falling)
    assert (rank, best) == (1, 0.0)
    assert worse == pytest.approx(100 * (5 - curves[:, -1].max()) / 5)


def test_the_command_prints_a_row_per_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "halving.json"
    assert halving.main(["--quick", "--jobs", "1", "--out", str(out)]) == 0
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert len(rows) == len(halving.SETTINGS)
    assert all(0 < row["share of rounds"] <= 1 for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(rows)
