"""Arguments of every kind, drawn by Hypothesis, and what has to hold for each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import long_double
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from oracles import float32_ulps

from focal_boost import FocalObjective, MultiFocalObjective
from focal_boost.metrics import METRICS, FocalMetric

GAMMAS = (0.0, 1e-12, 1e-3, 0.5, 1.0, 2.0, 3.7, 10.0, 25.0)
ALPHAS = (None, 0.25, 0.75, 0.01, 1e-6)
#: How many calls of the package have been made and looked at.
calls = 0

_SCORES = (0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-8, 16.5, -16.5, 36.7, -36.7, 88.8)
_SCORES += (-88.8, 104.0, 709.8, -709.8, 745.2, -745.2, 1e4, -1e4, 3e38, -3e38)
_WEIGHTS = (0.0, 1e-30, 1e-12, 0.1, 1.0, 3.0, 1e6, 1e30)
_LABELS = ("?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", ">f8", "g", "O")
_FLOATS = ("f8", "f4", "f2", ">f8", ">f4", "g", "O")


class Case(NamedTuple):
    """One drawn call: what it means, and how it is handed over."""

    gamma: float
    alpha: float | None
    link: str
    hessian: str
    y: Any
    score: Any
    weight: Any
    shapes: tuple[str, str, str]
    fault: str


def _read_only(values: Any) -> Any:
    values = values.copy()
    values.flags.writeable = False
    return values


def _series(values: Any) -> Any:
    if values.dtype == np.longdouble:
        return values.copy()
    return pd.Series(values.astype(values.dtype.newbyteorder("=")))


#: Values as somebody may hold them.
SHAPES: dict[str, Callable[[Any], Any]] = {
    "plain": lambda values: values.copy(),
    "list": lambda values: values.tolist(),
    "series": _series,
    "column": lambda values: values.copy()[:, None],
    "every second": lambda values: np.repeat(values, 2)[::2],
    "backwards": lambda values: values[::-1].copy()[::-1],
    "row of a matrix": lambda values: np.asfortranarray(np.stack([values] * 3))[1],
    "masked": lambda values: np.ma.masked_array(values.copy(), False),
    "read-only": _read_only,
}
FAULTS = ("nan", "inf", "label", "weight", "length", "empty", "mask", "zeros")


@st.composite
def cases(draw: Any) -> Case:
    """Draw a call."""
    n = draw(st.sampled_from((1, 1, 2, 3, 5, 8)))
    one = st.sampled_from(_SCORES) | st.floats(-60, 60) | st.floats(-1e30, 1e30)
    kind = draw(st.sampled_from(_FLOATS))
    score = np.array(draw(st.lists(one, min_size=n, max_size=n)))
    if kind == "f2":
        score = np.clip(score, -6e4, 6e4)
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    weight = None
    if draw(st.booleans()):
        of_row = st.sampled_from(_WEIGHTS) | st.floats(1e-3, 1e3)
        weight = np.array(draw(st.lists(of_row, min_size=n, max_size=n)))
        weight[0] += 1.0
        weight = weight.astype(draw(st.sampled_from(("f8", "f4", ">f8", "O"))))
    return Case(
        draw(st.sampled_from(GAMMAS)),
        draw(st.sampled_from(ALPHAS)),
        draw(st.sampled_from(("logit", "focal"))),
        draw(st.sampled_from(("upper", "exact"))),
        np.array(labels).astype(draw(st.sampled_from(_LABELS))),
        score.astype(kind),
        weight,
        draw(st.tuples(*[st.sampled_from([*SHAPES])] * 3)),
        draw(st.sampled_from((*["none"] * 6, *FAULTS))),
    )


def check(case: Case) -> None:
    """Raise AssertionError where the package breaks a promise on these arguments."""
    given = [
        None if values is None else SHAPES[shape](values)
        for values, shape in zip(case[4:7], case.shapes, strict=True)
    ]
    before = [_bytes(one) for one in given]
    objective = FocalObjective(case.alpha, case.gamma, case.link, case.hessian)
    if case.fault == "none":
        expected = _expected(case)
        _check_gradients(case, objective, given, expected)
        _check_value(case, objective, given, expected["loss"])
        _check_posterior(case, objective, given)
        _check_loss(case, objective)
        _check_metrics(case, objective, given, expected["loss"])
        _check_many(case, given)
    else:
        _check_refused(case, objective, given)
    assert [_bytes(one) for one in given] == before, "an argument was changed"


def _bytes(values: Any) -> Any:
    return values if isinstance(values, list | None) else np.asarray(values).tobytes()


def _plain(case: Case) -> tuple[Any, Any, Any]:
    """Return labels, scores and weights in the precision that they are read in."""
    weight = 1.0 if case.weight is None else case.weight.astype(np.float64)
    return case.y.astype(int), case.score.astype(np.float64), weight


def _expected(case: Case) -> dict[str, Any]:
    """Return loss, gradient and both curvatures in the raw score, without weights."""
    y, score, _ = _plain(case)
    rows = y, score, case.gamma, case.alpha
    if case.link == "logit":
        found = long_double.in_log_odds(*rows)
    else:
        found = {one: long_double.in_margin(one, *rows) for one in long_double.NAMES}
    return {name: values.astype(np.float64) for name, values in found.items()}


def _counted(result: Any, n: int = 1) -> Any:
    global calls  # noqa: PLW0603
    calls += n
    return result


def _check_gradients(
    case: Case, objective: FocalObjective, given: Any, exact_of: dict[str, Any]
) -> None:
    grad, hess = _counted(objective(*given))
    for one in (grad, hess):
        assert one.dtype == np.float32
        assert one.flags.c_contiguous
        assert np.isfinite(one).all()
        assert not any(np.may_share_memory(one, np.asarray(g)) for g in given)
    _, _, weight = _plain(case)
    expected = exact_of["gradient"] * weight
    # XGBoost's own objective in log-odds rounds p to single precision.
    single = case.score.dtype.str[1:] == "f4" and case.gamma == 0
    coarse = 1.3e-7 * weight if single and case.link == "logit" else 0.0
    off = np.abs(grad - expected) <= coarse
    assert ((float32_ulps(grad, expected) <= 2) | off).all(), (grad, expected)
    name = "hessian" if case.hessian == "exact" else "curvature"
    exact = exact_of[name] * weight
    near = 1.2e-5 * np.abs(exact) + 2e-16 * weight + 2.0**-148 + coarse
    if name == "hessian":
        # Where it changes its sign its terms are as large as the gradient.
        near = near + 1e-6 * np.abs(expected)
    assert (np.abs(hess - exact) <= near).all(), (hess, exact)
    if name == "curvature":
        assert (hess >= 0).all()


def _check_value(case: Case, objective: FocalObjective, given: Any, loss: Any) -> None:
    value = _counted(objective.value(*given))
    _, _, weight = _plain(case)
    np.testing.assert_allclose(value, loss * weight, rtol=1e-9, atol=1e-290)


def _check_posterior(case: Case, objective: FocalObjective, given: Any) -> None:
    score = np.asarray(given[1]) if not isinstance(given[1], list) else given[1]
    found = _counted(objective.posterior(score))
    _, plain, _ = _plain(case)
    rows = plain, case.gamma, case.alpha, case.link
    exact = np.exp(long_double.log_posterior(np.ones(len(plain)), *rows))
    shaped = np.asarray(exact, np.float64).reshape(found.shape)
    np.testing.assert_allclose(found, shaped, rtol=1e-9, atol=1e-305)
    back = _counted(objective.raw_score(found))
    inside = (shaped > 1e-300) & (shaped < 0.999)
    raw = plain.reshape(found.shape)
    np.testing.assert_allclose(back[inside], raw[inside], rtol=1e-9, atol=1e-9)


def _check_loss(case: Case, objective: FocalObjective) -> None:
    y, z, _ = _plain(case)
    for name in ("loss", "gradient", "hessian", "curvature"):
        exact = long_double.in_margin(name, y, z, case.gamma, case.alpha)
        result = _counted(getattr(objective.loss, name)(case.y, case.score))
        near = 1e-300
        if name == "hessian":
            other = long_double.in_margin("gradient", y, z, case.gamma, case.alpha)
            near = np.abs(other.astype(np.float64)) * 1e-10 + 1e-300
        assert (np.abs(result - exact) <= 1e-10 * np.abs(exact) + near).all(), name


def _check_metrics(
    case: Case, objective: FocalObjective, given: Any, loss: Any
) -> None:
    y, score, weight = _plain(case)
    weight = np.broadcast_to(weight, y.shape)
    posterior = objective.posterior(case.score)
    # scikit-learn's clip; but of both posteriors, and not of one less the other.
    right = long_double.log_posterior(y, score, case.gamma, case.alpha, case.link)
    most = -np.log(2.0**-52)
    # Where everyone computes 1 − p with p rounded, so does the metric.
    rounded = (y == 0) & (case.gamma == 0 or case.link == "logit")
    slack = np.where(rounded, 3e-16 * np.exp(np.minimum(-right, most)), 0.0)
    slack = float(np.average(slack.astype(float), weights=weight))
    each = {
        "focal_loss": loss,
        "log_loss": np.clip(-right, -np.log1p(-(2.0**-52)), most).astype(float),
        "brier_score": (y - posterior) ** 2,
    }
    for name in METRICS:
        found = _counted(FocalMetric(name, objective)(*given))
        if name == "average_precision":
            expected = _average_precision(y, posterior, weight)
        else:
            expected = np.average(each[name], weights=weight)
        assert np.isclose(found, expected, rtol=1e-9, atol=1e-12 + slack), (name, found)


def _average_precision(y: Any, posterior: Any, weight: Any) -> float:
    """Return the area below the steps, threshold by threshold."""
    total, area, before = weight[y == 1].sum(), 0.0, 0.0
    if not total:
        return 0.0
    for threshold in np.unique(posterior)[::-1]:
        called = posterior >= threshold
        caught = weight[called & (y == 1)].sum()
        if caught > before:
            area += (caught - before) / total * caught / weight[called].sum()
        before = caught
    return float(area)


def _check_many(case: Case, given: Any) -> None:
    """Columns side by side have the gradients that each of them has alone."""
    y, score, weight = case.y.astype(int), np.asarray(case.score), given[2]
    matrix = np.stack([score, -score, score], axis=1)
    for order in "CF":
        objective = MultiFocalObjective(case.alpha, case.gamma, case.link)
        labels = np.stack([y, 1 - y, y], axis=1)
        found = _counted(objective(labels, np.asarray(matrix, order=order), weight))
        binary = FocalObjective(case.alpha, case.gamma, case.link)
        for k in range(3):
            alone = binary(labels[:, k], matrix[:, k], weight)
            for several, one in zip(found, alone, strict=True):
                np.testing.assert_array_equal(several[:, k], one)


def _check_refused(case: Case, objective: FocalObjective, given: Any) -> None:
    """One sentence, whatever is wrong."""
    y, score, weight = _plain(case)
    weight = np.broadcast_to(weight, y.shape).copy()
    wrong: dict[str, Any] = {
        "nan": lambda: (y, np.where(score == score[0], np.nan, score), weight),
        "inf": lambda: (y, np.where(score == score[0], -np.inf, score), weight),
        "label": lambda: (y - 1 - y[0], score, weight),
        "weight": lambda: (y, score, np.where(weight == weight[0], -1.0, weight)),
        "length": lambda: (y, np.append(score, 0.0), weight),
        "empty": lambda: (y[:0], score[:0], None),
        "mask": lambda: (y, np.ma.masked_array(score, score == score[0]), weight),
        "zeros": lambda: (y, score, 0 * weight),
    }
    labels, scores, of_rows = wrong[case.fault]()
    metric = FocalMetric("log_loss", objective)
    for call in (objective, objective.value, metric):
        try:
            _counted(call(labels, scores, of_rows))
        except ValueError as error:
            text = str(error)
            _counted(None)
            assert " must " in text, text
            assert ", got " in text, text
            assert "\n" not in text, text
            assert len(text) < 220, text
        else:
            raise AssertionError(f"{case.fault} was taken by {call}")
