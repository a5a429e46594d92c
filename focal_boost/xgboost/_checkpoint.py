"""``Checkpoint``: a training by XGBoost that goes on where it was stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from focal_boost._adapter import kept
from focal_boost._adapter.saved import description
from focal_boost._validation import check_integer, shown
from focal_boost.xgboost._collective import (
    first_of,
    is_distributed,
    summed,
    together,
)
from focal_boost.xgboost._saved import holding, taken_from, text_in
from focal_boost.xgboost._start import Settings

# What rows that may move from worker to worker do not have.
_FINGERPRINT = "fingerprint of labels and weights"


class Checkpoint(xgb.callback.TrainingCallback):
    """Write a training to a file as it goes, and go on from that file.

    It is given to :func:`train` or :class:`FocalXGBClassifier`. The same call, made
    again after it was interrupted, reads the file and trains the rounds that are left:
    evaluations and early stopping go on, and the model is that of a training that was
    not interrupted. The file is a model that XGBoost and :func:`load` read.

    Parameters
    ----------
    path : path
        The file. It is replaced as a whole, never in parts. Of several workers the
        first one writes it, and they all go on from the one that the first of them
        finds: let it be where all of them see it.
    every : int, default 10
        Rounds from one writing to the next.

    Raises
    ------
    ValueError
        When a training begins, if the file is that of another one: another loss, other
        parameters, other rows, labels or weights. Only the number of rounds, threads
        and the patience of early stopping may differ.

    Notes
    -----
    Other callbacks are called for the rounds in the file too, with the metrics of these
    rounds and the model of the file. Rows and columns that are sampled are the same
    ones with XGBoost 3.4 and its parameter ``seed_per_iteration=True`` only.

    Examples
    --------
    >>> import tempfile
    >>> import xgboost as xgb
    >>> from focal_boost.datasets import make_imbalanced
    >>> from focal_boost.xgboost import train
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     point = Checkpoint(f"{folder}/training.ubj", every=2)
    ...     booster = train({}, xgb.DMatrix(X, y), 5, callbacks=[point])
    >>> booster.num_boosted_rounds()
    5
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 10) -> None:
        super().__init__()
        self.path = Path(path)
        self.every = check_integer(every, "every", 1)
        self._begin()

    def _begin(self) -> None:
        #: The number of rounds that need no training.
        self.rounds = 0
        self._log: dict[str, dict[str, list[float]]] = {}
        self._training: dict[str, Any] = {}
        self._objective: Any = None
        self._fault: OSError | None = None

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        if epoch:
            if epoch > self.rounds and epoch % self.every == 0:
                # Had it been the last that workers do together, one might have left
                # before XGBoost 2 told the other.
                together(self._check_written)
            return False
        if not hasattr(model, "keep"):
            raise ValueError(
                "Checkpoint must be given to focal_boost.xgboost.train or"
                f" FocalXGBClassifier, got a {type(model).__name__} of another training"
            )
        self._begin()
        model.keep(self)
        return False

    def go_on(self, booster: Any, objective: Any, data: Any) -> None:
        """Give a fresh booster the trees of the file, if there is one."""
        self._objective = objective
        config = booster.save_config()
        self._training = {
            **kept.of_loss(objective),
            **_settings(config),
            **_of_rows(data),
        }
        content = first_of(together(lambda: kept.read(self.path)))
        if content is not None:
            said = together(lambda: self._checked(content))
            updater = Settings.of(booster).updater
            self.rounds, self._log = said["rounds"], said["log"]
            booster.load_model(bytearray(content))
            # With a model XGBoost takes over that of its parameters, too.
            booster.load_config(config)
            if updater is not None:
                booster.set_param({"updater": updater})
            taken_from(booster)

    def _checked(self, content: bytes) -> dict[str, Any]:
        # Of what is no model XGBoost may end the process.
        whole = content[:1] + content[-1:] == b"{}" and b'"rounds"' in content
        text = text_in(xgb.Booster(model_file=bytearray(content))) if whole else None
        if text is None:
            raise ValueError(kept.SOMETHING_ELSE.format(shown(str(self.path))))
        said: dict[str, Any] = json.loads(text)
        here = dict(self._training)
        if _FINGERPRINT not in said.get("training", {}):
            # Several workers have written it.
            here.pop(_FINGERPRINT, None)
        kept.check_same(said, here, self.path)
        return said

    def evaluated(self, iteration: int) -> str:
        """Return the evaluations of a round in the file, as XGBoost writes them."""
        values = (
            f"\t{data}-{metric}:{several[iteration]!r}"
            for data, of_data in self._log.items()
            for metric, several in of_data.items()
        )
        return f"[{iteration}]{''.join(values)}"

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        done = epoch + 1
        if done > self.rounds and done % self.every == 0:
            more = {"rounds": done, "log": evals_log, "training": self._training}
            with holding(model, description(self._objective, None, **more)):
                content = bytes(model.save_raw("ubj"))
            self._write(content)
        self._done = done
        return False

    def _write(self, content: bytes) -> None:
        try:
            if xgb.collective.get_rank() == 0:
                kept.write(self.path, content)
        except OSError as error:
            self._fault = error

    def _check_written(self) -> None:
        if self._fault is not None:
            raise self._fault

    def after_training(self, model: Any) -> Any:
        self._check_written()
        if self._done < self.rounds:
            raise ValueError(kept.TOO_FEW.format(self.rounds, self._done))
        return model


def _settings(config: str) -> dict[str, Any]:
    """Return XGBoost's own reading of all parameters."""
    found = json.loads(config)["learner"]
    found.pop("learner_model_param")
    return {"parameters": found}


def _of_rows(data: Any) -> dict[str, Any]:
    """Return what has to be the same of all workers' rows."""
    label, weight = data.get_label(), data.get_weight()
    sums = [data.num_row(), np.sum(label, dtype=float), np.sum(weight, dtype=float)]
    # Rows may have moved to another worker.
    found: dict[str, Any] = {
        "number of rows, sum of labels and of weights": [
            f"{one:.9g}" for one in summed(np.asarray(sums))
        ],
        "number of columns": data.num_col(),
    }
    if not is_distributed():
        found[_FINGERPRINT] = kept.fingerprint(label, weight)
    return found
