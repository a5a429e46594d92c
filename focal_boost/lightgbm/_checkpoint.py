"""``checkpoint``: a training by LightGBM that goes on where it was stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import lightgbm as lgb

from focal_boost._adapter import kept
from focal_boost._adapter.saved import description
from focal_boost._validation import check_integer, shown
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._saved import text_in, with_line

_FIELDS = (
    "model",
    "params",
    "iteration",
    "begin_iteration",
    "end_iteration",
    "evaluation_result_list",
)
# LightGBM's callbacks that have to know what was evaluated before.
_REMEMBER = tuple(
    type(one) for one in (lgb.early_stopping(1), lgb.record_evaluation({}))
)


def checkpoint(path: str | os.PathLike[str], every: int = 10) -> Checkpoint:
    """Return a callback that writes a training to a file, and goes on from that file.

    It is for :func:`train` and :class:`FocalLGBMClassifier`. The same call, made again
    after it was interrupted, reads the file and trains the rounds that are left:
    evaluations and early stopping go on, and the model has the trees of a training that
    was not interrupted. The file is a model that LightGBM and :func:`load` read.

    Parameters
    ----------
    path : path
        The file. It is replaced as a whole, never in parts.
    every : int, default 10
        Rounds from one writing to the next.

    Returns
    -------
    callable
        When a training begins it raises a ValueError if the file is that of another
        one: another loss, other parameters, other rows, labels or weights. Only the
        number of rounds, threads and the patience of early stopping may differ; and if
        LightGBM cannot go on to the same model: with ``boosting="dart"``, GOSS or
        several machines, with initial scores, and from an ``init_model``.

    Notes
    -----
    LightGBM samples rows and columns anew after a model is read, so that with bagging
    or ``feature_fraction`` the trees after it are others.

    Examples
    --------
    >>> import tempfile
    >>> import lightgbm as lgb
    >>> from focal_boost.datasets import make_imbalanced
    >>> from focal_boost.lightgbm import train
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     point = checkpoint(f"{folder}/training.txt", every=2)
    ...     data = lgb.Dataset(X, y)
    ...     booster = train({"verbosity": -1}, data, 5, callbacks=[point])
    >>> booster.num_trees()
    5
    """
    return Checkpoint(Path(path), check_integer(every, "every", 1))


class Checkpoint:
    """What :func:`checkpoint` returns."""

    before_iteration = False
    # After the evaluations of a round are recorded, and before it can be the last.
    order = 25

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every
        self._begin()

    def _begin(self) -> None:
        self._said: dict[str, Any] = {}
        self._objective: Any = None
        self._training: dict[str, Any] = {}
        #: The evaluations of all rounds, those of the file first.
        self.log: list[list[Any]] = []
        self.rounds = 0

    def found(self, **absent: Any) -> Path | None:
        """Return the file that a training goes on from, if there is one.

        Raises
        ------
        ValueError
            If it is none of a checkpoint, and for what the model in it would lack.
        """
        self._begin()
        for name, value in absent.items():
            if value is not None:
                kind = type(value).__name__
                raise ValueError(f"{name} must be absent with a checkpoint, got {kind}")
        if kept.read(self.path) is None:
            return None
        text = text_in(self.path)
        if text is None or '"rounds"' not in text:
            raise ValueError(kept.SOMETHING_ELSE.format(shown(str(self.path))))
        self._said = json.loads(text)
        self.rounds, self.log = self._said["rounds"], self._said["log"]
        return self.path

    def settle(
        self, params: dict[str, Any], rounds: int, callbacks: list[Any]
    ) -> dict[str, Any]:
        """Return parameters for the rounds that are left; callbacks go on from there.

        Early stopping becomes a callback, so that it can.
        """
        if names_machines(params):
            raise ValueError("machines must be absent with a checkpoint, got several")
        choose = lgb.basic._choose_param_value
        params = choose("num_iterations", params, rounds)
        left = params["num_iterations"] - self.rounds
        if left <= 0:
            raise ValueError(kept.TOO_FEW.format(self.rounds, params["num_iterations"]))
        params = choose("early_stopping_round", params, None)
        patience = params.pop("early_stopping_round")
        if patience is not None and patience > 0:
            first = params.get("first_metric_only", False)
            delta = params.get("early_stopping_min_delta", 0.0)
            verbose = choose("verbosity", dict(params), 1)["verbosity"] > 0
            callbacks.append(lgb.early_stopping(patience, first, verbose, delta))
        if self.rounds:
            callbacks[:] = [
                one if one is self else _Continued(one, self.log) for one in callbacks
            ]
        return {**params, "num_iterations": left}

    def begin(self, objective: Any, settings: dict[str, str], data: Any) -> None:
        """Compare a training that begins with that of the file.

        Raises
        ------
        ValueError
            If it is another one, or one that LightGBM cannot go on with.
        """
        self._objective = objective
        if settings["boosting"] == "dart" or _samples_by_gradient(settings):
            raise ValueError(
                "boosting must be gbdt without GOSS with a checkpoint, because LightGBM"
                " cannot go on with others, got another"
            )
        self._training = {
            **kept.of_loss(objective),
            "parameters": {name: str(value) for name, value in settings.items()},
            "number of rows": data.num_data(),
            "number of columns": data.num_feature(),
            "fingerprint of labels and weights": kept.fingerprint(
                data.get_label(), data.get_weight()
            ),
        }
        if self.rounds:
            kept.check_same(self._said, self._training, self.path)

    def __call__(self, env: Any) -> None:
        if not self._training:
            raise ValueError(
                "checkpoint must be given to focal_boost.lightgbm.train or"
                f" FocalLGBMClassifier, got a {type(env.model).__name__} of another"
                " training"
            )
        self.log.append([list(one)[:4] for one in env.evaluation_result_list or ()])
        done = env.iteration + 1
        if done % self.every == 0 and done < env.end_iteration:
            more = {"rounds": done, "log": self.log, "training": self._training}
            said = description(self._objective, None, **more)
            text = with_line(env.model.model_to_string(num_iteration=-1), said)
            kept.write(self.path, text.encode())

    def complete(self, evaluations: dict[str, Any]) -> None:
        """Put the evaluations of all rounds into those of the last ones."""
        for data, metric, *_ in self.log[0] if self.log else ():
            evaluations[data][metric] = [
                value
                for round_ in self.log
                for of, name, value, _ in round_
                if (of, name) == (data, metric)
            ]


def among(callbacks: Any) -> Checkpoint | None:
    """Return the checkpoint among callbacks, if there is one."""
    return next((one for one in callbacks or () if isinstance(one, Checkpoint)), None)


class _Continued:
    """A callback to which a training looks as if it had not been interrupted."""

    def __init__(self, callback: Any, log: list[list[Any]]) -> None:
        self._callback = callback
        self._past = list(log) if isinstance(callback, _REMEMBER) else []
        for name in ("order", "before_iteration"):
            if hasattr(callback, name):
                setattr(self, name, getattr(callback, name))

    def __call__(self, env: Any) -> None:
        fields = {name: getattr(env, name) for name in _FIELDS}
        fields["begin_iteration"] = 0
        past, self._past = self._past, []
        result: Any = getattr(lgb.basic, "EvalResult", lambda *one: one)
        for i, several in enumerate(past):
            results = [result(*one) for one in several]
            then = {"iteration": i, "evaluation_result_list": results}
            self._callback(type(env)(**{**fields, **then}))
        self._callback(type(env)(**fields))


def _samples_by_gradient(settings: dict[str, str]) -> bool:
    return "goss" in (settings["boosting"], settings["data_sample_strategy"])
