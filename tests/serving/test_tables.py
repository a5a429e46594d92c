"""Tables of every kind in scikit-learn's tools: as for the parents, refusals too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from estimators import both, make, quiet
from tools import BOUNDARIES, INSPECTIONS, LOG_LOSS, TOOLS, answers, parent

from focal_boost.tuning import FocalSearchCV

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from populations import Sample

pa = pytest.importorskip("pyarrow", reason="Arrow tables need pyarrow")
pl = pytest.importorskip("polars", reason="frames of Polars need polars")

# Tools and libraries warn of names, types and each other.
pytestmark = [*quiet, pytest.mark.filterwarnings("ignore")]

ROWS = 300
SMALL = {"n_estimators": 4}


def columns_of(X: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"x{i}": column for i, column in enumerate(X.T)}


def nullable(X: NDArray[Any], **given: Any) -> Any:
    frame = pd.DataFrame(columns_of(X))
    frame.iloc[::7, 0] = np.nan
    return frame.convert_dtypes(**given)


TABLES: dict[str, Callable[[NDArray[Any]], Any]] = {
    "pandas": lambda X: pd.DataFrame(columns_of(X)),
    "nullable": nullable,
    "pandas of Arrow": lambda X: nullable(X, dtype_backend="pyarrow"),
    "Arrow": lambda X: pa.table(columns_of(X)),
    "Polars": lambda X: pl.DataFrame(columns_of(X)),
    "sparse matrix": sp.csr_matrix,
    "sparse array": sp.csc_array,
}
CASES = {**TOOLS, **INSPECTIONS, **BOUNDARIES}


def found_by(name: str, model: Any, table: Any, rows: Sample) -> dict[str, Any]:
    if name in TOOLS:
        tool, labels = TOOLS[name]
        return answers(tool(model).fit(table(rows.X), labels(rows)), table(rows.X))
    X = rows.X[:, :2] if name in BOUNDARIES else rows.X
    return {"found": {**INSPECTIONS, **BOUNDARIES}[name](model, table(X), rows)}


def attempt(*given: Any) -> dict[str, Any] | Exception:
    """Return what a tool tells, or what it raises."""
    try:
        return found_by(*given)
    except Exception as error:
        return error


@both
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_tool_takes_a_table_as_it_does_of_the_parent(
    library: Any, sample: Sample, table: Any, name: str
) -> None:
    rows = sample[:ROWS]
    theirs, ours, focal = (
        attempt(name, model, table, rows)
        for model in (
            parent(library, **SMALL),
            make(library, **SMALL, **LOG_LOSS),
            make(library, **SMALL),
        )
    )
    if isinstance(theirs, Exception):
        assert type(ours) is type(focal) is type(theirs)
        assert str(ours)[:40] == str(focal)[:40] == str(theirs)[:40]
        return
    assert not isinstance(ours, Exception), ours
    assert not isinstance(focal, Exception), focal
    assert ours.keys() == focal.keys() == theirs.keys()
    for answer, expected in theirs.items():
        # Calibrators and stacks are fitted to the scores, and their rounding.
        np.testing.assert_allclose(ours[answer], expected, rtol=0, atol=1e-5)
        assert np.shape(focal[answer]) == np.shape(expected)
        assert np.isfinite(focal[answer]).all()


def test_most_tools_take_most_tables(sample: Sample) -> None:
    """What is refused is named here, so that no refusal of all goes unseen."""
    rows, refused = sample[:ROWS], set()
    from boosters import XGBoost

    for kind, table in TABLES.items():
        for name in CASES:
            model = make(XGBoost, n_estimators=1)
            if isinstance(attempt(name, model, table, rows), Exception):
                refused.add((name, kind))
    missing, sparse = ("nullable", "pandas of Arrow"), ("sparse matrix", "sparse array")
    expected = {("chain", kind) for kind in missing}
    expected |= {("vote", kind) for kind in (*missing, *sparse)}
    expected |= {("scaled, as a frame", kind) for kind in sparse}
    expected |= {("permutation importance", kind) for kind in sparse}
    for of in ("log-odds", "posteriors"):
        dependence = f"partial dependence of {of}"
        expected |= {(dependence, k) for k in ("Arrow", "Polars", "sparse array")}
    expected |= {(name, "Arrow") for name in BOUNDARIES}
    assert refused == expected


@both
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_search_takes_a_table(library: Any, sample: Sample, table: Any) -> None:
    rows, space = sample[:ROWS], {"focal_gamma": [0.5, 2.0]}
    try:
        parent(library, **SMALL).fit(table(rows.X), rows.y)
    except ValueError as error:
        pytest.skip(f"the parent says: {error}")
    search = FocalSearchCV(make(library, **SMALL), space, cv=2, halving=False)
    search.fit(table(rows.X), rows.y)
    alone = make(library, **SMALL, **search.best_params_).fit(table(rows.X), rows.y)
    np.testing.assert_array_equal(
        search.predict_proba(table(rows.X)), alone.predict_proba(table(rows.X))
    )
