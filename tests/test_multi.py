"""MultiFocalObjective: every column is the binary objective, and bad input is named."""

import pickle

import numpy as np
import pytest
from grids import K, as_matrix, both_hessians, both_links, equal, of_columns
from scipy.special import logit

from focal_boost import FocalObjective, MultiFocalObjective
from focal_boost._rows import ColumnRows, labels_of_columns

ALPHA, GAMMA = (0.25, None, 0.6, 0.75), (2.0, 0.0, 1.7, 200.0)
orders = pytest.mark.parametrize("order", ["C", "F"])
numbers_or_matrix = pytest.mark.parametrize("labels", [0, 1], ids=["numbers", "matrix"])
kinds = pytest.mark.parametrize("kind", [np.float32, np.float64])


def assert_columns(objective, labels, scores, weight):
    """Assert the very bits of the binary objective of every column."""
    matrix = as_matrix(labels) if labels.ndim == 1 else labels
    found = objective(labels, scores, weight)
    for k, binary in enumerate(objective.of_columns(K)):
        expected = binary(matrix[:, k], scores[:, k], weight)
        assert equal([values[:, k] for values in found], expected)


class TestColumns:
    """The very bits of the binary objective."""

    def test_have_an_objective_each(self):
        objective = MultiFocalObjective(ALPHA, GAMMA, "focal", "exact")
        pairs = zip(ALPHA, GAMMA, strict=True)
        expected = [FocalObjective(a, g, "focal", "exact") for a, g in pairs]
        assert list(objective.of_columns(K)) == expected
        alike = MultiFocalObjective(0.3, 1.7).of_columns(K)
        assert alike == (FocalObjective(0.3, 1.7),) * K

    @orders
    @kinds
    @both_links
    @both_hessians
    @numbers_or_matrix
    @pytest.mark.parametrize("weighted", [False, True])
    def test_that_differ(self, weighted, labels, link, hessian, kind, order):
        *both, raw_score, weight = of_columns()
        scores = raw_score.astype(kind, order=order)
        objective = MultiFocalObjective(ALPHA, GAMMA, link, hessian)
        y = np.asarray(both[labels], order=order)
        assert_columns(objective, y, scores, weight if weighted else None)

    @orders
    @kinds
    @numbers_or_matrix
    @pytest.mark.parametrize("rows", [1, 7, 397, 1031])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("gamma", [0.0, 1.7, 2.0])
    def test_that_are_alike_are_computed_at_once(
        self, gamma, weighted, rows, labels, kind, order
    ):
        *both, raw_score, weight = of_columns(rows)
        scores = np.array(raw_score, kind, order=order)
        objective = MultiFocalObjective(0.3, gamma)
        assert_columns(objective, both[labels], scores, weight if weighted else None)

    def test_one_class_is_the_binary_objective(self):
        _, matrix, raw_score, weight = of_columns()
        y, at = matrix[:, 0], raw_score[:, 0]
        expected = FocalObjective()(y, at, weight)
        flat = MultiFocalObjective()(y, at, weight)
        column = MultiFocalObjective()(y, at[:, None], weight)
        for one, two, three in zip(expected, flat, column, strict=True):
            assert one.shape == two.shape
            assert three.shape == (len(y), 1)
            assert (one == two).all()
            assert (one == three[:, 0]).all()

    def test_gradient_is_the_derivative_of_the_value(self):
        y, _, raw_score, weight = of_columns()
        objective = MultiFocalObjective(0.3, (0.5, 1.0, 2.0, 3.0))
        h = 1e-3
        at = [objective.value(y, raw_score + i * h, weight) for i in (-2, -1, 1, 2)]
        slope = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
        grad, _ = objective(y, raw_score, weight)
        assert grad == pytest.approx(slope, rel=2e-7, abs=1e-9)

    def test_starts_that_differ_are_added_to_their_columns(self):
        y, _, raw_score, weight = of_columns()
        labels = labels_of_columns(y, weight, K)
        rows = ColumnRows(MultiFocalObjective(0.3).of_columns(K), labels)
        start = np.array([-1.0, 0.5, 0.0, 2.0])
        for offset in (start, 0.7):
            found = rows.gradient_hessian(raw_score, offset)
            expected = rows.gradient_hessian(raw_score + offset)
            for one, other in zip(found, expected, strict=True):
                assert one == pytest.approx(other, rel=1e-6)

    @pytest.mark.parametrize(
        ("order", "alpha", "calls"),
        [("F", 0.25, 1), ("F", ALPHA, K), ("C", 0.25, 1)],
    )
    def test_scores_are_not_copied(self, monkeypatch, order, alpha, calls):
        from focal_boost._rows import columns

        y, _, raw_score, _ = of_columns()
        scores = np.array(raw_score, order=order)
        seen = []
        own = columns.HostRows.gradient_hessian

        def spy(rows, at, *args, **kwargs):
            seen.append((np.shares_memory(at, scores), at.flags.c_contiguous))
            return own(rows, at, *args, **kwargs)

        monkeypatch.setattr(columns.HostRows, "gradient_hessian", spy)
        for array in MultiFocalObjective(alpha)(y, scores):
            assert array.flags.f_contiguous is (order == "F")
            assert array.flags.c_contiguous is (order == "C")
        assert seen == [(True, True)] * calls
        assert (scores == raw_score).all()


class TestPosterior:
    def test_columns_have_links_of_their_own(self):
        # Where a posterior has all its digits.
        raw_score = np.minimum(of_columns()[2], 0)
        objective = MultiFocalObjective(ALPHA, 2.0, "focal")
        posterior = objective.posterior(raw_score)
        for k in range(K):
            one = FocalObjective(ALPHA[k], 2.0, "focal")
            assert (posterior[:, k] == one.posterior(raw_score[:, k])).all()
        assert objective.raw_score(posterior) == pytest.approx(raw_score, rel=1e-9)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_start_is_the_log_odds_of_the_shares(self, weighted):
        y, _, _, weight = of_columns()
        of_rows = weight if weighted else None
        shares = np.average(as_matrix(y), axis=0, weights=of_rows)
        found = MultiFocalObjective().initial_score(y, of_rows)
        assert found == pytest.approx(logit(shares), rel=1e-12)

    def test_balanced_is_the_share_of_the_others(self):
        _, matrix, _, weight = of_columns()
        found = MultiFocalObjective.balanced(matrix, 1.0, weight)
        shares = np.average(matrix, axis=0, weights=weight)
        assert found.alpha == pytest.approx(1 - shares, rel=1e-12)
        assert found.gamma == 1.0


class TestValue:
    def test_equal_hashable_and_picklable(self):
        one = MultiFocalObjective([0.25, 0.5], 2)
        assert one == MultiFocalObjective((0.25, 0.5), 2.0)
        assert one != MultiFocalObjective(0.25, 2.0)
        assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
        assert one.__name__ == "multi_focal_objective"
        assert repr(one) == (
            "MultiFocalObjective(alpha=(0.25, 0.5), gamma=2.0, link='logit',"
            " hessian='upper')"
        )


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"alpha": (0.2, 1.0)}, r"alpha must be None or a number in \(0, 1\), got"),
            ({"alpha": ()}, r"alpha must not be empty, got \(\)"),
            ({"gamma": (1.0, -1.0)}, r"gamma must be a finite number >= 0, got -1"),
            (
                {"alpha": (0.2, 0.3), "gamma": (1.0, 2.0, 3.0)},
                "gamma must have one value per class, as alpha has, 2, got 3",
            ),
        ],
    )
    def test_parameters(self, given, message):
        with pytest.raises(ValueError, match=f"^{message}"):
            MultiFocalObjective(**given)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([0, 3, 4], "y_true must contain only whole numbers from 0 to 2, got 3"),
            ([0, -1], "y_true must contain only whole numbers from 0 to 2, got -1"),
            ([0, 0.5], "y_true must contain only whole numbers from 0 to 2, got 0.5"),
            ([[0, 1, 2], [0, 1, 1]], "y_true must contain only 0 and 1, got 2"),
            (
                [[0, 1], [1, 0]],
                r"y_true must have one class number per row, or one column per class,"
                r" 3, got shape \(2, 2\)",
            ),
            ([0, 1, 2], r"raw_score must have shape \(3, 3\), got \(2, 3\)"),
        ],
    )
    def test_labels(self, y, message):
        with pytest.raises(ValueError, match=f"^{message}$"):
            MultiFocalObjective()(y, np.zeros((2, 3)))

    def test_number_of_classes(self):
        message = "^alpha must have one value per class, 3, got 2$"
        with pytest.raises(ValueError, match=message):
            MultiFocalObjective((0.2, 0.3))([0, 1], np.zeros((2, 3)))

    @pytest.mark.parametrize(
        ("y", "message"),
        [([0, 2, 0], "class 1 in none"), ([[1, 0], [1, 1]], "class 0 in all")],
    )
    def test_class_with_no_rows_or_all(self, y, message):
        message = f"some rows and not in all, got {message}"
        with pytest.raises(ValueError, match=message):
            MultiFocalObjective().initial_score(y)

    def test_scores(self):
        with pytest.raises(ValueError, match=r"^raw_score must be finite numbers, got"):
            MultiFocalObjective()([0, 1], [[0.0, np.inf], [0.0, 0.0]])
