"""The scoring service of the docs gives the classifier's posterior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM
from estimators import make, quiet
from scoring import asked, started

from focal_boost.datasets import make_imbalanced

for _package in ("httpx", "fastapi", "uvicorn"):
    pytest.importorskip(_package, reason=f"the service's test needs {_package}")

pytestmark = quiet

X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan


@pytest.fixture(scope="module")
def model() -> Any:
    return make(LightGBM, n_estimators=50).fit(X, y)


@pytest.fixture(scope="module")
def client(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("service") / "model.txt"
    model.save_model(file)
    with started(file) as client:
        yield client


def test_the_service_gives_the_classifiers_posterior(client: Any, model: Any) -> None:
    answer = client.post("/score", json=asked(X[:500]))
    assert answer.status_code == 200
    np.testing.assert_array_equal(
        answer.json()["probability"], model.predict_proba(X[:500])[:, 1]
    )


@pytest.mark.parametrize(
    "body", [[], [[1.0, 2.0]], [["a"] * 10]], ids=["none", "narrow", "text"]
)
def test_what_are_no_rows_is_refused(client: Any, body: Any) -> None:
    assert client.post("/score", json={"rows": body}).status_code == 422
