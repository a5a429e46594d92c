"""FocalBooster: the booster while it trains with focal loss.

LightGBM's engine makes the booster itself. The class of what it has made is changed
before the first round, and back after the last: the engine, its callbacks, early
stopping and scikit-learn's interface are then LightGBM's own, and whatever they ask the
booster gets the answer that one of the objective "binary" would give.
"""

from __future__ import annotations

import copyreg
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy.special import expit

from focal_boost._adapter.whole import write_text

if TYPE_CHECKING:
    from focal_boost.lightgbm._training import Training

# Where a booster in training keeps its training.
_TRAINING = "_focal_training"
# Set, LightGBM does not reset all parameters before the first custom gradient, which
# would draw other columns. It also forbids the refit of what was trained.
_IS_RESET = "_Booster__set_objective_to_none"
# By set, whether its scores have been read in this round.
_IS_READ = "_Booster__is_predicted_cur_iter"


class FocalBooster(lgb.Booster):
    """A booster whose next trees are those of the focal loss."""

    @classmethod
    def take(cls, booster: Any, training: Training) -> FocalBooster:
        """Have a fresh booster train with focal loss from now on."""
        booster.__class__ = cls
        setattr(booster, _TRAINING, training)
        training.begin(booster)
        if hasattr(booster, _IS_RESET):
            setattr(booster, _IS_RESET, True)
        taken: FocalBooster = booster
        return taken

    @staticmethod
    def release(booster: Any, *, keeps_training: bool = False) -> Any:
        """Return a plain booster, unless it shall go on training."""
        if not keeps_training and isinstance(booster, FocalBooster):
            booster.__class__ = lgb.Booster
            delattr(booster, _TRAINING)
            if hasattr(booster, _IS_RESET):
                setattr(booster, _IS_RESET, False)
        return booster

    @property
    def _training(self) -> Training:
        training: Training = getattr(self, _TRAINING)
        return training

    def update(self, train_set: Any = None, fobj: Any = None) -> bool:  # noqa: ARG002
        """Train one round; see ``lightgbm.Booster.update``."""
        training = self._training
        if train_set is not None or self.train_set_version != self.train_set.version:
            self._forget_scores()
        training.before_round(self)
        done = bool(super().update(train_set, training.gradients))
        training.after_round(self)
        return done

    def _forget_scores(self) -> None:
        """Have the training scores read anew.

        Of rows that are set again, as by a callback that sets labels, LightGBM drops
        the scores that it has read, and not the note that it has.
        """
        getattr(self, _IS_READ)[0] = False

    def eval(self, data: Any, name: str, feval: Any = None) -> Any:
        """Evaluate a set; see ``lightgbm.Booster.eval``."""

        def evaluate(metrics: Any) -> Any:
            return super(FocalBooster, self).eval(data, name, metrics)

        return self._training.evaluations.of(evaluate, feval)

    def eval_train(self, feval: Any = None) -> Any:
        """Evaluate the training set; see ``lightgbm.Booster.eval_train``."""
        return self._training.evaluations.of_training_set(self, feval)

    def eval_valid(self, feval: Any = None) -> Any:
        """Evaluate the other sets; see ``lightgbm.Booster.eval_valid``."""
        evaluations = self._training.evaluations
        if evaluations.second is None:
            return evaluations.of(super().eval_valid, feval)
        pairs = zip(self.valid_sets, self.name_valid_sets, strict=True)
        sets = [(data, name) for data, name in pairs if data is not evaluations.second]
        return [one for data, name in sets for one in self.eval(data, name, feval)]

    def raw_scores(self) -> Any:
        """Return the raw scores of the first set beside the training set, (n,)."""
        return self._training.evaluations.raw_scores(super().eval_valid)

    def model_to_string(self, *args: Any, **kwargs: Any) -> str:
        """Return the model of the objective "binary" with its start value."""
        return self._training.completed(super().model_to_string(*args, **kwargs))

    def save_model(self, filename: Any, *args: Any, **kwargs: Any) -> FocalBooster:
        """Save what :meth:`model_to_string` returns."""
        text = self.model_to_string(*args, **kwargs)
        write_text(filename, text)
        return self

    def plain(self) -> Any:
        """Return a booster of LightGBM's own with the same trees."""
        booster = lgb.Booster(model_str=self.model_to_string(num_iteration=-1))
        booster.best_iteration, booster.best_score = (
            self.best_iteration,
            self.best_score,
        )
        booster.params = dict(self.params)
        return booster

    def dump_model(self, *args: Any, **kwargs: Any) -> Any:
        """Return the model as a dict; see ``lightgbm.Booster.dump_model``."""
        return self._training.completed_dump(super().dump_model(*args, **kwargs))

    def lower_bound(self) -> float:
        """Return the least raw score that the trees can give."""
        return float(super().lower_bound() + np.sum(self._training.missing_start))

    def upper_bound(self) -> float:
        """Return the largest raw score that the trees can give."""
        return float(super().upper_bound() + np.sum(self._training.missing_start))

    def refit(self, *args: Any, **kwargs: Any) -> Any:
        """Return a refitted booster; see ``lightgbm.Booster.refit``."""
        return self.plain().refit(*args, **kwargs)

    def predict(
        self,
        data: Any,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        raw_score: bool = False,
        pred_leaf: bool = False,
        pred_contrib: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Predict like the objective "binary"; see ``lightgbm.Booster.predict``."""
        given = (data, start_iteration, num_iteration)
        if pred_leaf or pred_contrib:
            kinds = {"pred_leaf": pred_leaf, "pred_contrib": pred_contrib}
            return super().predict(*given, **kinds, **kwargs)
        found = super().predict(*given, raw_score=True, **kwargs)
        if start_iteration <= 0:
            found = found + self._training.missing_start
        return found if raw_score else expit(found)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        # What is written in mid-training is read where this package is not.
        state: Any = self.__getstate__()
        del state[_TRAINING]
        if _IS_RESET in state:
            state[_IS_RESET] = False
        return copyreg._reconstructor, (lgb.Booster, object, None), state  # type: ignore[attr-defined]


def forget_drops(booster: Any) -> None:
    """Have DART begin as it does with LightGBM's own objective.

    It keeps a flag for whether it has dropped trees in this round, which nothing sets
    before the first one: in some processes that draws a random number and in others it
    does not. A round without gradients sets it, and fails before it does anything else;
    what LightGBM then writes to standard error is not for the reader.
    """
    with _quiet_standard_error():
        try:
            lgb.Booster.update(booster)
        except lgb.basic.LightGBMError:
            return


# Two threads that put the descriptor aside at once would not both get it back.
_standard_error = threading.Lock()


@contextmanager
def _quiet_standard_error() -> Iterator[None]:
    with _standard_error:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
