"""ONNX: converters of the focal classifiers, and ``export``.

Importing this module tells ``skl2onnx.to_onnx``, ``onnxmltools.convert_xgboost`` and
``onnxmltools.convert_lightgbm`` what the classifiers are; the converters themselves are
those of their parents, as the raw score is the log-odds here too.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import logit

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
    "xgboost": {
        "booster": ("gbtree",),
        "num_parallel_tree": (1,),
        "rate_drop": (0,),
        "multi_strategy": ("one_output_per_tree",),
    },
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
    "label", (n,), and "probabilities", float32, (n, K). Of a classifier that was
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
    _check_one_target(focal)
    if len(focal.classes_) < 2:
        raise ValueError(
            "model must know two classes, got 1 class:"
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


def _check_one_target(focal: Any) -> None:
    if isinstance(focal.classes_, list):
        raise ValueError(
            "model must be of classes to be one for ONNX, got one of a label matrix"
        )


def _convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert as the parent, which takes columns with names of its own only."""
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    model = operator.raw_operator
    booster = model.get_booster()
    if not isinstance(model.classes_, list) and len(model.classes_) > 2:
        # It finds the number of classes only if all rounds that were asked for count.
        model = copy(model)
        rounds = (
            getattr(booster, "best_iteration", booster.num_boosted_rounds() - 1) + 1
        )
        model._Booster = booster = booster[:rounds]
        model.n_estimators = rounds
        operator = _Replaced(operator, raw_operator=model)
    names, booster.feature_names = booster.feature_names, None
    try:
        _of_many(convert_xgboost, scope, operator, container)
    finally:
        booster.feature_names = names


class _Replaced:
    """An operator of which some attributes are others."""

    def __init__(self, operator: Any, **others: Any) -> None:
        self._operator = operator
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operator, name)


def _of_many(convert: Any, scope: Any, operator: Any, container: Any) -> None:
    """Convert, and have the probabilities of many classes be those of the classifier.

    The parents' converters take the scores of many classes for those of a softmax.
    """
    _check_one_target(operator.raw_operator)
    if len(operator.raw_operator.classes_) == 2:
        convert(scope, operator, container)
        return
    first = len(container.nodes)
    each, total, axis = map(scope.get_unique_variable_name, ("each", "total", "axis"))
    label, of_classes = operator.outputs
    outputs = [label, SimpleNamespace(full_name=each, onnx_name=each)]
    names = [label.full_name, each]
    operator = _Replaced(operator, outputs=outputs, output_full_names=names)
    convert(scope, operator, container)
    for node in container.nodes[first:]:
        for attribute in node.attribute:
            if attribute.name == "post_transform":
                attribute.s = b"LOGISTIC"
            if attribute.name == "base_values":
                # XGBoost's are probabilities, and LightGBM has none.
                attribute.floats[:] = logit(np.array(attribute.floats)).tolist()
    container.add_initializer(axis, onnx.TensorProto.INT64, [1], [1])
    for kind, inputs, output in (
        ("ReduceSum", [each, axis], total),
        ("Div", [each, total], of_classes.full_name),
    ):
        name = scope.get_unique_operator_name(kind)
        container.add_node(kind, inputs, [output], name=name, op_version=13)


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

    # By this name alone onnxmltools gives it two outputs.
    name = _parse.lightgbm_operator_name_map[Kind] = "LgbmClassifier"

    def convert(scope: Any, operator: Any, container: Any) -> None:
        if isinstance(operator.raw_operator, Kind):
            _of_many(convert_lightgbm, scope, operator, container)
        else:
            convert_lightgbm(scope, operator, container)

    register_converter(name, convert, overwrite=True)
    _register_scikit_learn(Kind, convert)
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
