"""A study of Optuna's that prunes by what a callback reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna


def pruned_study(train_one: Callable[[float, Any], float]) -> dict[str, Any]:
    """Try some learning rates, as Optuna's callbacks for both libraries do.

    `train_one` trains at a rate, calls report(round, score) after every round, and
    returns the last score.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1),
    )
    for rate in (0.3, 0.01, 0.5, 0.02):
        study.enqueue_trial({"rate": rate})

    def objective(trial: optuna.Trial) -> float:
        def report(step: int, score: float) -> None:
            trial.report(score, step)
            if trial.should_prune():
                raise optuna.TrialPruned(f"Trial was pruned at iteration {step}.")

        return train_one(trial.suggest_float("rate", 0.005, 1.0), report)

    study.optimize(objective, n_trials=4)
    return {
        "states": [trial.state.name for trial in study.trials],
        "reported": [trial.intermediate_values for trial in study.trials],
        "best": study.best_value,
    }
