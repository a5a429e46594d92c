"""One class per library: its data, its training, its raw scores, with like settings.

Depth 6 or 31 leaves, 256 bins, the learning rate, rounds and threads of the task; all
else is the library's default, except what would make two runs differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.competitors import (
    ALPHA,
    BUILT_IN,
    GAMMA,
    LEARNING_RATE,
    OURS,
    objective_of,
)


class XGBoost:
    def __init__(self, method: str, threads: int) -> None:
        import xgboost

        self.library, self.method, self.threads = xgboost, method, threads
        self.objective = objective_of("xgboost", method)
        self.params = {
            "objective": "binary:logistic", "max_depth": 6, "max_bin": 256,
            "eta": LEARNING_RATE, "nthread": threads, "verbosity": 0,
        }  # fmt: skip

    def data(self, X: Any, y: Any) -> Any:
        # Unlike a DMatrix it is binned now and not in the first round.
        return self.library.QuantileDMatrix(X, y, max_bin=256, nthread=self.threads)

    def train(self, data: Any, rounds: int) -> Any:
        if self.method == BUILT_IN:
            return self.library.train(self.params, data, rounds)
        if self.method == OURS:
            from focal_boost import xgboost as focal_xgboost

            focal = self.objective
            return focal_xgboost.train(self.params, data, rounds, objective=focal)
        params = {**self.params, "base_score": 0.5}
        return self.library.train(params, data, rounds, obj=self.objective)

    def raw_score(self, model: Any, X: Any) -> Any:
        return model.predict(self.library.DMatrix(X), output_margin=True)

    def leaves(self, model: Any) -> int:
        return sum(tree.count("leaf=") for tree in model.get_dump())


class ImbalanceXGBoost(XGBoost):
    """imbalance-xgboost by its own class, which takes arrays only."""

    def data(self, X: Any, y: Any) -> Any:
        return X, y

    def train(self, data: Any, rounds: int) -> Any:
        from imxgboost.imbalance_xgb import imbalance_xgboost

        model = imbalance_xgboost(
            num_round=rounds, max_depth=6, eta=LEARNING_RATE,
            special_objective="focal", focal_gamma=GAMMA,
        )  # fmt: skip
        model.fit(*data)
        return model.boosting_model


class LightGBM:
    def __init__(self, method: str, threads: int) -> None:
        import lightgbm

        self.library, self.method = lightgbm, method
        self.objective = objective_of("lightgbm", method)
        self.params = {
            "objective": "binary", "num_leaves": 31, "max_bin": 255,
            "learning_rate": LEARNING_RATE, "num_threads": threads, "verbosity": -1,
            "force_col_wise": True,  # else it times two ways and takes the faster
        }  # fmt: skip

    def data(self, X: Any, y: Any) -> Any:
        return self.library.Dataset(X, y, params=dict(self.params)).construct()

    def train(self, data: Any, rounds: int) -> Any:
        params = dict(self.params)
        if self.method == BUILT_IN:
            return self.library.train(params, data, rounds)
        if self.method == OURS:
            from focal_boost import lightgbm as focal_lightgbm

            focal = self.objective
            return focal_lightgbm.train(params, data, rounds, objective=focal)
        if self.method == "imlightgbm":
            import imlightgbm

            params |= {"objective": "binary_focal", "gamma": GAMMA}
            return imlightgbm.train(params, data, rounds)
        params["objective"] = self.objective
        return self.library.train(params, data, rounds)

    def raw_score(self, model: Any, X: Any) -> Any:
        return model.predict(X, raw_score=True)

    def leaves(self, model: Any) -> int:
        lines = model.model_to_string().splitlines()
        return sum(int(one[11:]) for one in lines if one.startswith("num_leaves="))


class CatBoost:
    objective = None

    def __init__(self, method: str, threads: int) -> None:
        import catboost

        self.library = catboost
        focal = f"Focal:focal_alpha={ALPHA};focal_gamma={GAMMA}"
        self.params = {
            "loss_function": "Logloss" if method == BUILT_IN else focal, "depth": 6,
            "learning_rate": LEARNING_RATE, "boosting_type": "Plain",
            "bootstrap_type": "No", "thread_count": threads,
            "allow_writing_files": False, "verbose": False,
        }  # fmt: skip

    def data(self, X: Any, y: Any) -> Any:
        pool = self.library.Pool(X, y)
        pool.quantize(border_count=254)
        return pool

    def train(self, data: Any, rounds: int) -> Any:
        model = self.library.CatBoost({**self.params, "iterations": rounds})
        return model.fit(data)

    def raw_score(self, model: Any, X: Any) -> Any:
        return model.predict(X, prediction_type="RawFormulaVal")

    def leaves(self, model: Any) -> int:
        return int(model.get_leaf_values().size)


class YDF:
    objective = None

    def __init__(self, method: str, threads: int) -> None:
        import ydf

        self.library = ydf
        ydf.verbose(0)
        focal = {"loss": "BINARY_FOCAL_LOSS",
                 "focal_loss_alpha": ALPHA, "focal_loss_gamma": GAMMA}  # fmt: skip
        own = {"loss": "BINOMIAL_LOG_LIKELIHOOD"}
        self.params = {
            "label": "label", "max_depth": 7,  # the root counts
            "shrinkage": LEARNING_RATE, "validation_ratio": 0.0,
            "early_stopping": "NONE", "num_threads": threads,
            "apply_link_function": False, **(own if method == BUILT_IN else focal),
        }  # fmt: skip

    def data(self, X: Any, y: Any) -> Any:
        label = self.library.Column("label", self.library.Semantic.CATEGORICAL)
        return self.library.create_vertical_dataset(
            {"X": X, "label": y.astype(np.int64)}, columns=[label],
            include_all_columns=True, discretize_numerical_columns=True,
            num_discretized_numerical_bins=255, label="label",
            label_classes=["0", "1"],
        )  # fmt: skip

    def train(self, data: Any, rounds: int) -> Any:
        learner = self.library.GradientBoostedTreesLearner(
            num_trees=rounds, **self.params
        )
        return learner.train(data, verbose=0)

    def raw_score(self, model: Any, X: Any) -> Any:
        return model.predict({"X": X})

    def leaves(self, model: Any) -> int:
        return (model.num_nodes() + model.num_trees()) // 2


_LIBRARIES = {
    "xgboost": XGBoost, "lightgbm": LightGBM, "catboost": CatBoost, "ydf": YDF,
}  # fmt: skip


def trainer_of(library: str, method: str, threads: int) -> Any:
    if method == "imbalance-xgboost":
        return ImbalanceXGBoost(method, threads)
    return _LIBRARIES[library](method, threads)
