"""What is LightGBM's own: starts, data sets, kept boosters, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from boosters import LightGBM
from populations import Sample
from scipy.special import logit

import focal_boost.lightgbm as flgb
from focal_boost import FocalLGBMClassifier, FocalObjective
from focal_boost.lightgbm import _binned, _train

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
PLAIN = FocalObjective(alpha=None, gamma=0.0)
QUIET = {"verbosity": -1, "num_threads": 1}


def dataset(sample: Sample, **kwargs: Any) -> lgb.Dataset:
    given = {"weight": sample.weight, "free_raw_data": False, **kwargs}
    return lgb.Dataset(sample.X, sample.y, **given)


def raw_score_of(booster: Any, sample: Sample) -> Any:
    return booster.predict(sample.X, raw_score=True)


class TestStart:
    """The start value is in the model, as if it had been an initial score."""

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"linear_tree": True},
            {"data_sample_strategy": "goss"},
            {"bagging_fraction": 0.5, "bagging_freq": 1, "seed": 3},
            {"extra_trees": True, "path_smooth": 1.0},
            {"tree_learner": "serial", "max_depth": 1},
        ],
        ids=lambda p: next(iter(p), "default"),
    )
    def test_it_is_an_initial_score(
        self, sample: Sample, params: dict[str, Any]
    ) -> None:
        # LightGBM by itself, as it trains any Python objective.
        start = float(logit(np.average(sample.y, weights=sample.weight)))
        data = dataset(sample, init_score=np.full(len(sample.y), start))
        settings = {**QUIET, "objective": FOCAL, "metric": "None", **params}
        plain = lgb.train(settings, data, 12)
        booster = flgb.train({**QUIET, **params}, dataset(sample), 12)
        found, expected = (raw_score_of(one, sample) for one in (booster, plain))
        np.testing.assert_allclose(found, expected + start, rtol=0, atol=1e-6)

    def test_text_stays_consistent(self, sample: Sample) -> None:
        text = flgb.train(QUIET, dataset(sample), 4).model_to_string()
        head, _, _ = text.partition("\n\n")
        sizes = next(s for s in head.splitlines() if s.startswith("tree_sizes="))
        starts = [text.index(f"Tree={k}\n") for k in range(4)]
        starts.append(text.index("end of trees"))
        assert [int(v) for v in sizes[11:].split()] == np.diff(starts).tolist()
        assert head.count("objective=binary sigmoid:1") == 1


_DART = """
import json, sys
import numpy as np, lightgbm as lgb, focal_boost.lightgbm as flgb
from focal_boost import FocalObjective
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 5))
y = (rng.random(2000) < 1 / (1 + np.exp(3 - 2 * X[:, 0]))).astype(int)
p = {"boosting": "dart", "drop_rate": 0.7, "skip_drop": 0.3, "verbosity": -1,
     "num_threads": 1, "force_col_wise": True}
def of(train, p, rounds, **kwargs):
    m = train(p, lgb.Dataset(X, y), rounds, **kwargs)
    return m.predict(X[:50], raw_score=True).tolist()
found = {}
for rounds in (1, 2, 3, 20):
    found[f"own {rounds}"] = of(lgb.train, {**p, "objective": "binary"}, rounds)
    for gamma in (0.0, 2.0):
        objective = FocalObjective(None, gamma)
        found[f"{gamma} {rounds}"] = of(flgb.train, p, rounds, objective=objective)
print(json.dumps(found))
"""


def test_dart_is_lightgbms_and_the_same_in_every_process() -> None:
    runs = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", _DART], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        runs.append(json.loads(done.stdout))
    assert all(run == runs[0] for run in runs)
    for rounds in (1, 2, 3, 20):
        np.testing.assert_allclose(
            runs[0][f"0.0 {rounds}"], runs[0][f"own {rounds}"], rtol=0, atol=1e-12
        )
        assert runs[0][f"2.0 {rounds}"] != runs[0][f"0.0 {rounds}"]


def start_of(data: lgb.Dataset) -> Any:
    """Return the initial scores that a set holds, in LightGBM and in Python."""
    held, given = data.init_score, data.init_score
    if data._handle:
        held = data.get_field("init_score")
    assert (held is None) == (given is None)
    return None if given is None else np.asarray(given).tolist()


def fail(env: Any) -> None:
    raise RuntimeError("enough")


# Trainings that end by an error: before LightGBM begins, when it does, and later.
ERRORS: dict[str, dict[str, Any]] = {
    "refused parameter": {"params": {"sigmoid": 2.0}},
    "refused metric": {"params": {"metric": "tweedie"}},
    "refused by LightGBM": {"params": {"num_leaves": 1}},
    "unknown metric": {"metrics": "auc"},
    "callback": {"callbacks": [fail]},
    "labels of a set": {"spoil": True},
}


class TestDatasets:
    """Sets are the caller's: they hold afterwards what they held before."""

    @pytest.mark.parametrize("constructed", [False, True])
    @pytest.mark.parametrize("own", [False, True], ids=["no start", "own start"])
    @pytest.mark.parametrize("how", [None, *ERRORS])
    def test_they_have_what_they_had(
        self, sample: Sample, validation: Sample, how: str | None, own: bool,
        constructed: bool,
    ) -> None:  # fmt: skip
        train = dataset(sample)
        start = np.linspace(-1, 1, len(validation.y)) if own else None
        valid = train.create_valid(
            validation.X, validation.y, weight=validation.weight, init_score=start
        )
        if constructed:
            train.construct(), valid.construct()
        given = dict(ERRORS.get(how or "", {}))
        params = {**QUIET, **given.pop("params", {})}
        sets = [valid, train]
        if given.pop("spoil", False):
            sets.append(train.create_valid(validation.X, validation.y[:9]))
        try:
            flgb.train(params, train, 3, valid_sets=sets, **given)
        except (ValueError, RuntimeError, lgb.basic.LightGBMError):
            assert how is not None
        else:
            assert how is None
        assert start_of(train) is None
        assert start_of(valid) == (None if start is None else start.tolist())
        np.testing.assert_array_equal(train.get_label(), sample.y)
        np.testing.assert_array_equal(valid.get_weight(), validation.weight)

    @pytest.mark.parametrize("constructed", [False, True])
    def test_trainings_one_after_the_other_know_nothing_of_each_other(
        self, sample: Sample, validation: Sample, constructed: bool
    ) -> None:
        train, valid = dataset(sample), dataset(validation)
        if constructed:
            train.construct()
        given = {"valid_sets": [valid]}
        first = flgb.train(QUIET, train, 3, **given)
        second = flgb.train(QUIET, train, 3, objective=FocalObjective(0.9, 1), **given)
        own = LightGBM.train(train, 3, **given)
        again = flgb.train(QUIET, train, 3, **given)
        scores = [raw_score_of(one, sample) for one in (first, second, own, again)]
        np.testing.assert_array_equal(scores[0], scores[3])
        fresh = LightGBM.train(dataset(sample), 3)
        np.testing.assert_array_equal(scores[2], raw_score_of(fresh, sample))
        assert len({one.tobytes() for one in scores}) == 3

    def test_a_set_that_was_continued_on_is_what_lightgbm_makes_of_it(
        self, sample: Sample
    ) -> None:
        found = []
        for objective in (None, PLAIN):
            data = dataset(sample)
            first = LightGBM.train(data, 3, objective)
            LightGBM.train(data, 2, objective, init_model=first)
            found.append(raw_score_of(LightGBM.train(data, 3, objective), sample))
        np.testing.assert_allclose(*found, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("kind", ["file", "subset", "without labels"])
    def test_sets_may_hide_their_labels(
        self, sample: Sample, validation: Sample, kind: str, tmp_path: Path
    ) -> None:
        rows, logs = np.column_stack([validation.y, validation.X]), []
        np.savetxt(tmp_path / "rows.csv", rows, "%.17g", delimiter=",")

        def valid_of(train: lgb.Dataset) -> lgb.Dataset:
            if kind == "file":
                return lgb.Dataset(tmp_path / "rows.csv", reference=train)
            if kind == "subset":
                return train.subset(range(500))
            return lgb.Dataset(validation.X, reference=train)

        params = {"force_col_wise": True, "metric": ["auc", "l2"]}
        for objective in (None, PLAIN):
            train, log = dataset(sample), {}
            watching = LightGBM.watching({"valid": valid_of(train)}, log)
            LightGBM.train(train, 5, objective, params, **watching)
            logs.append(log["valid"])
            assert start_of(train) is None
        assert list(logs[0]) == list(logs[1])
        for name, values in logs[0].items():
            np.testing.assert_allclose(logs[1][name], values, rtol=1e-10)


def test_a_kept_booster_goes_on_with_focal_loss(sample: Sample) -> None:
    whole = flgb.train(QUIET, dataset(sample), 20)
    kept = flgb.train(QUIET, dataset(sample), 8, keep_training_booster=True)
    for _ in range(12):
        kept.update()
    np.testing.assert_array_equal(
        raw_score_of(kept, sample), raw_score_of(whole, sample)
    )
    np.testing.assert_array_equal(kept.predict(sample.X), whole.predict(sample.X))


class TestArguments:
    """What is refused in one sentence, and whose line a warning names."""

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("pos_bagging_fraction", 0.5, "pos_bagging_fraction must be 1 with focal"),
            ("neg_bagging", 0.5, "neg_bagging_fraction must be 1 with focal loss, "),
            ("sigmoid", 2.0, "sigmoid must be 1 with focal loss, because LightGBM"),
            ("boosting", "rf", 'boosting must be "gbdt" or "dart" with a custom'),
            ("boosting_type", "random_forest", 'boosting must be "gbdt" or "dart"'),
            ("boost", "rf", 'boosting must be "gbdt" or "dart" with a custom'),
            ("objective", "rank", 'objective in params must be "binary" or absent,'),
            ("application", "xentropy", 'objective in params must be "binary" or'),
        ],
    )
    @pytest.mark.parametrize("by_classifier", [False, True])
    @pytest.mark.filterwarnings("ignore:Found 'application' in params")
    def test_refused_parameters(
        self, sample: Sample, name: str, value: Any, message: str, by_classifier: bool
    ) -> None:
        params = {**QUIET, "bagging_freq": 1, name: value}
        data = dataset(sample)
        model = FocalLGBMClassifier(**params)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}") as raised:
            model.fit(data.data, data.label) if by_classifier else flgb.train(
                params, data, 1
            )
        said = str(raised.value)
        assert "\n" not in said
        # "rf" is what is named, by whatever name it goes.
        assert re.search(r", got (0\.5|2|\"rf\"|'rank'|'xentropy')$", said)

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class_is_warned_of_as_often_as_by_lightgbm(
        self, sample: Sample, label: int, capfd: Any
    ) -> None:
        # A callback might have changed the labels: they are read in every round.
        given = {"callbacks": [lambda env: None], "params": {"verbosity": 1}}
        said = []
        for objective in (None, FOCAL):
            data = lgb.Dataset(sample.X, sample.y * 0 + label)
            LightGBM.train(data, 3, objective, **given)
            said.append(capfd.readouterr().out.count("Contains only one class"))
        assert said == [1, 1]


ALIASES = {
    "objective": _train.OBJECTIVE,
    "boosting": _train.BOOSTING,
    "metric": _train.METRIC,
    "early_stopping_round": _binned.STOPPING,
    # n_estimators is the estimator's own.
    "num_iterations": (*_binned.ROUNDS, "n_estimators"),
    "seed": _binned.SEED,
    "min_data_in_leaf": _binned.LEAST_ROWS,
}


@pytest.mark.parametrize("name", ALIASES)
def test_aliases_are_lightgbms(name: str) -> None:
    dumped = lgb.basic._ConfigAliases.get(name)
    assert set(ALIASES[name]) == dumped
    assert len(set(ALIASES[name])) == len(ALIASES[name])
