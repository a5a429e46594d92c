"""ONNX: converters of the focal classifiers, and ``export``.

Importing this module tells ``skl2onnx.to_onnx``, ``onnxmltools.convert_xgboost`` and
``onnxmltools.convert_lightgbm`` what the classifiers are; the converters themselves are
those of their parents, as the raw score is the log-odds here too.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from focal_boost import __version__

try:
    import onnx
    import skl2onnx
    from onnxmltools.convert.common._registration import (
        register_converter,
        register_shape_calculator,
    )
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
    )
except ImportError as error:
    raise ImportError(
        "focal_boost.onnx needs ONNX, skl2onnx and onnxmltools:"
        " pip install onnx skl2onnx onnxmltools"
    ) from error

__all__ = ["export"]

# The newest operators that the converters of both libraries write.
_OPERATORS = {"": 15, "ai.onnx.ml": 3}
# Parameters with which the converters lose a part of the model, and what they may be.
_PLAIN: dict[str, dict[str, tuple[Any, ...]]] = {
    "xgboost": {"booster": ("gbtree",), "num_parallel_tree": (1,), "rate_drop": (0,)},
    "lightgbm": {
        "linear_tree": (False,),
        "linear_trees": (False,),
        "zero_as_missing": (False,),
    },
}
_OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def export(model: Any, path: Any) -> None:
    """Write a fitted focal classifier, or a pipeline that ends in one, as ONNX.

    The graph takes "input", float32, (n, n_features), missing values as NaN, and gives
    "label", (n,), and "probabilities", float32, (n, 2). Of a classifier that was
    stopped early it holds the rounds up to the best one. Its metadata say what was
    trained with: focal_alpha, focal_gamma, focal_link and focal_boost, the version.

    Parameters
    ----------
    model : FocalXGBClassifier, FocalLGBMClassifier or sklearn.pipeline.Pipeline
        Fitted to numbers; categories as the codes that the library gave them.
    path : str or pathlib.Path

    Raises
    ------
    ValueError
        If the model is something else, not fitted, or of one class, and for linear
        leaves, zeros as missing values, forests, and XGBoost's linear models and
        dropout, of which the converters would lose a part.
    """
    focal = model.steps[-1][1] if hasattr(model, "steps") else model
    if not isinstance(focal, tuple(_CLASSIFIERS)):
        known = " or ".join(kind.__name__ for kind in _CLASSIFIERS)
        raise ValueError(
            f"model must be a {known}, or a pipeline that ends in one,"
            f" got {type(focal).__name__}"
        )
    objective = getattr(focal, "focal_objective_", None)
    if objective is None:
        raise ValueError(f"model must be fitted, got {type(focal).__name__} as made")
    _check(focal)
    converted = skl2onnx.to_onnx(
        model,
        initial_types=[("input", FloatTensorType([None, model.n_features_in_]))],
        options={id(focal): {"zipmap": False}},
        target_opset=_OPERATORS,
    )
    said = {
        "focal_alpha": objective.alpha,
        "focal_gamma": objective.gamma,
        "focal_link": objective.link,
        "focal_boost": __version__,
    }
    onnx.helper.set_model_props(converted, {k: str(v) for k, v in said.items()})
    Path(path).write_bytes(converted.SerializeToString())


def _check(focal: Any) -> None:
    """Raise for models of which the converters would lose a part."""
    if np.shape(focal.classes_) != (2,):
        several, one = len(focal.classes_), len(focal.classes_) == 1
        raise ValueError(
            f"model must know two classes, got {several} class{'' if one else 'es'}:"
            f" {np.asarray(focal.classes_).tolist()}"
        )
    params = focal.get_params(deep=False)
    if hasattr(focal, "booster_"):
        params = {**focal.booster_.params, **params}
    for name, plain in _PLAIN[type(focal).__module__.split(".")[1]].items():
        if params.get(name) not in (None, *plain):
            raise ValueError(
                f"{name} of a model for ONNX must be {plain[0]!r}, because the"
                f" converters read no other trees, got {params[name]!r}"
            )


def _convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert as the parent, which takes columns with names of its own only."""
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    booster = operator.raw_operator.get_booster()
    names, booster.feature_names = booster.feature_names, None
    try:
        convert_xgboost(scope, operator, container)
    finally:
        booster.feature_names = names


def _register_xgboost() -> type:
    from onnxmltools.convert.xgboost import _parse
    from onnxmltools.convert.xgboost.shape_calculators.Classifier import (
        calculate_xgboost_classifier_output_shapes as shapes,
    )

    from focal_boost.xgboost import FocalXGBClassifier as Kind

    name = Kind.__name__
    _parse.xgboost_operator_name_map[Kind] = name
    _parse.xgboost_classifier_list.append(Kind)
    register_converter(name, _convert_xgboost, overwrite=True)
    register_shape_calculator(name, shapes, overwrite=True)
    _register_scikit_learn(Kind, _convert_xgboost)
    return Kind


def _register_lightgbm() -> type:
    from onnxmltools.convert.lightgbm import _parse
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import (
        convert_lightgbm,
    )

    from focal_boost.lightgbm import FocalLGBMClassifier as Kind

    _parse.lightgbm_operator_name_map[Kind] = "LgbmClassifier"
    _register_scikit_learn(Kind, convert_lightgbm)
    return Kind


def _register_scikit_learn(kind: type, convert: Any) -> None:
    skl2onnx.update_registered_converter(
        kind,
        kind.__name__,
        calculate_linear_classifier_output_shapes,
        convert,
        options=_OPTIONS,
    )


def _registered() -> list[type]:
    """Register the classifiers whose library is there."""
    found = []
    for register in (_register_xgboost, _register_lightgbm):
        # Only one of the libraries needs to be there.
        with suppress(ImportError):
            found.append(register())
    return found


_CLASSIFIERS = _registered()
