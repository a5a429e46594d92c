"""Average precision by hand, and the weight of the rows at a threshold or above."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from focal_boost import FocalMetric, FocalObjective
from focal_boost.metrics import weight_from


class TestAveragePrecision:
    """The area under the step-wise precision-recall curve."""

    metric = FocalMetric("average_precision", FocalObjective())

    @pytest.mark.parametrize(
        ("y", "raw_score", "weight", "expected"),
        [
            # Precision 1/1 and 2/3 at the two positives.
            ([0, 1, 0, 1], [0.1, 3.0, 1.0, 0.5], None, (1 + 2 / 3) / 2),
            ([0, 0, 0, 1], np.zeros(4), None, 0.25),
            ([0, 0, 0, 1], np.zeros(4), [1, 1, 1, 3], 0.5),
            ([0, 1, 0], [0.0, 1.0, 2.0], [1, 0, 1], 0),
            ([0, 1, 0, 1], [9.0, 1.0, 0.0, -1.0], [0, 1, 1, 1], 5 / 6),
            ([1, 1], [0.0, 3.0], None, 1),
            ([0, 1, 0, 1], [-0.5, 0.5, -0.5, 0.5], None, 1),
            # One positive gives 1 over its rank.
            *(
                (np.arange(400) == rank - 1, -np.arange(400) / 100, None, 1 / rank)
                for rank in (1, 2, 10, 400)
            ),
        ],
    )
    def test_by_hand(self, y, raw_score, weight, expected):
        assert self.metric(y, raw_score, weight) == pytest.approx(expected, rel=1e-15)

    def test_no_positives_give_zero_silently(self):
        y, raw_score = np.zeros(5, int), np.arange(5.0)
        with pytest.warns(UserWarning, match="No positive class found"):
            expected = average_precision_score(y, raw_score)
        assert self.metric(y, raw_score) == expected == 0


class TestWeightFrom:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("spread", [1e-3, 1.0, 20.0, 400.0])
    def test_is_the_weight_of_the_rows_at_or_above(self, spread, dtype):
        """Sums of whole numbers are exact in any order."""
        rng = np.random.default_rng(int(spread))
        ends = [0.0, 5e-324, 0.5, 1.0]
        for digits in (0, 2, 9):
            scores = np.round(rng.normal(0, spread, (2, 900)), digits)
            rank, known = FocalObjective().posterior(scores)
            thresholds = np.unique(known if digits else [*known, *ends])
            weight = rng.integers(0, 9, rank.size).astype(dtype)
            expected = [weight[rank >= one].sum() for one in thresholds]
            found = weight_from(rank, weight, thresholds)
            np.testing.assert_array_equal(found, expected)
            ones = weight_from(rank, None, thresholds)
            counts = weight_from(rank, np.ones_like(weight), thresholds)
            np.testing.assert_array_equal(ones, counts)

    def test_of_no_thresholds_there_is_none(self):
        assert weight_from(np.ones(2), np.ones(2), np.empty(0)).shape == (0,)
