"""A scoring service on a LightGBM model file: FastAPI and LightGBM, nothing else.

    MODEL=model.txt uvicorn scoring_service:app --port 8000

The model comes from ``FocalLGBMClassifier.save_model`` or ``Booster.save_model``.
"""

import os

import lightgbm as lgb
import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
booster = lgb.Booster(model_file=os.environ["MODEL"])


class Rows(BaseModel):
    """Feature values, (n, n_features); null is missing."""

    rows: list[list[float | None]]


@app.post("/score")
def score(body: Rows) -> dict[str, list[float]]:
    """Return the posterior of the positive class of every row."""
    width = booster.num_feature()
    if not body.rows or {len(row) for row in body.rows} != {width}:
        raise HTTPException(422, f"rows must be lists of {width} numbers or null each")
    # One thread, as requests come at the same time.
    found = booster.predict(np.array(body.rows, np.float64), num_threads=1)
    return {"probability": np.asarray(found).tolist()}
