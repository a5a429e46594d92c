"""The parent of ``FocalLGBMClassifier`` as it fits, and what it trains by."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb

from focal_boost.lightgbm._booster import FocalBooster
from focal_boost.lightgbm._checkpoint import among
from focal_boost.lightgbm._many import ManyTraining
from focal_boost.lightgbm._metrics import apart
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._start import starts_from_average
from focal_boost.lightgbm._train import runs_code, settings_of
from focal_boost.lightgbm._training import Training, injected
from focal_boost.metrics import focal_metrics
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MULTI_METRICS, multi_metrics


class Inner(lgb.LGBMClassifier):
    """The parent, as it fits: its own in all but the objective of the engine."""

    _training: Training | None = None

    def train(self, training: Training, given: dict[str, Any]) -> None:
        """Fit with focal loss."""
        self._training, self._seen = training, dict[str, Any]()
        callbacks = list(given.get("callbacks") or ())
        self._callbacks = [*callbacks, injected(training, self._seen)]
        self.fit(**{**given, "callbacks": self._callbacks})
        if training.checkpoint is not None:
            training.checkpoint.complete(self._evals_result)
        self.release()

    def release(self) -> None:
        """Leave a plain booster behind, once."""
        if "_training" not in vars(self):
            return
        if not isinstance(self._Booster, FocalBooster):
            raise RuntimeError(
                "lightgbm must call _process_params and callbacks in fit as its"
                f" versions 4.6 and 4.7 do, got version {lgb.__version__}"
            )
        FocalBooster.release(self._Booster)
        del self._training, self._seen, self._callbacks

    def starts_from_average(self, given: dict[str, Any]) -> bool:
        """Return whether LightGBM's own objective would choose the start."""
        free = given.get("init_score") is None and given.get("init_model") is None
        params = self.get_params(deep=False)
        return free and not names_machines(params) and starts_from_average(params)

    def _process_params(self, stage: str) -> dict[str, Any]:
        params: dict[str, Any] = super()._process_params(stage)
        if self._training is not None and stage == "fit":
            params, seen = settings_of(params, self._training.asked)
            if isinstance(seen.get("metric"), str):
                # LightGBM makes a list of it, but afterwards.
                seen["metric"] = [seen["metric"]]
            self._seen.update(seen)
            checkpoint = self._training.checkpoint
            if checkpoint is not None:
                # LightGBM copies the list later.
                params = checkpoint.settle(params, self.n_estimators, self._callbacks)
        return params


def training_of(objective: Any, given: dict[str, Any], n_classes: int) -> Training:
    """Return the training of an objective; `given` keeps LightGBM's own metrics."""
    many = isinstance(objective, MultiFocalObjective)
    theirs, ours = apart(given.get("eval_metric"), *([MULTI_METRICS] if many else []))
    given["eval_metric"] = theirs
    may_change = runs_code([theirs, given.get("callbacks")])
    training = (
        ManyTraining(
            objective,
            n_classes,
            multi_metrics(ours, objective),
            may_change=may_change,
            normalises=True,
        )
        if many
        else Training(objective, focal_metrics(ours, objective), may_change=may_change)
    )
    checkpoint = training.checkpoint = among(given.get("callbacks"))
    if checkpoint is not None:
        own = {name: given.get(name) for name in ("init_model", "init_score")}
        given["init_model"] = checkpoint.found(**own)
    return training
