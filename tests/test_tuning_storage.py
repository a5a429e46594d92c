"""A search that is interrupted goes on from its storage, and from no other's."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet, words
from populations import Sample
from searches import RANDOM, figures, make_search

from focal_boost.tuning._folds import Course

pytestmark = quiet


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "search.db"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was trained: one (candidate, rounds) per call."""
    calls: list[Any] = []
    advance = Course.advance

    def counted(course: Any, points: Any) -> None:
        calls.append((course.candidate.number, points[-1]))
        advance(course, points)

    monkeypatch.setattr(Course, "advance", counted)
    return calls


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the user interrupt after so many trainings."""

    def after(number: int) -> None:
        advance, left = Course.advance, [number]

        def limited(course: Any, points: Any) -> None:
            if left[0] == 0:
                monkeypatch.setattr(Course, "advance", advance)
                raise KeyboardInterrupt
            left[0] -= 1
            advance(course, points)

        monkeypatch.setattr(Course, "advance", limited)

    return after


# A grid, and a space that is suggested from.
KINDS: dict[str, dict[str, Any]] = {
    "grid": {},
    "suggested": {"grid": "focal", "n_candidates": 14, "n_models": 3},
}
kinds = pytest.mark.parametrize("kind", KINDS)


class TestResume:
    @both
    @kinds
    @pytest.mark.parametrize("after", [0, 1, 8])
    def test_gives_what_no_interruption_gives(
        self,
        library: Any,
        kind: str,
        after: int,
        file: Path,
        sample: Sample,
        trained: list[Any],
        interrupt: Any,
    ) -> None:
        model = make(library, **RANDOM[library.name])
        given = {**KINDS[kind], "model": model, "random_state": 5}
        expected = make_search(library, **given).fit(sample.X, sample.y)
        interrupt(after)
        search = make_search(library, **given, storage=file)
        with pytest.raises(KeyboardInterrupt):
            search.fit(sample.X, sample.y)
        trained.clear()
        again = make_search(library, **given, storage=str(file))
        again.fit(sample.X, sample.y)
        # What was finished is not trained again, but for what is to be averaged.
        if kind == "grid":
            finished = {0: 0, 1: 0, 8: 4}[after]
            assert min(number for number, _ in trained) >= finished
        assert figures(again) == figures(expected)
        assert again.best_params_ == expected.best_params_
        assert again.chosen_.tolist() == expected.chosen_.tolist()
        np.testing.assert_array_equal(
            again.predict_proba(sample.X), expected.predict_proba(sample.X)
        )

    def test_of_more_candidates_goes_on(
        self, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        given = {"grid": "focal", "random_state": 0}
        make_search(XGBoost, **given, n_candidates=3, storage=file).fit(
            sample.X, sample.y
        )
        trained.clear()
        more = make_search(XGBoost, **given, n_candidates=5, storage=file)
        more.fit(sample.X, sample.y)
        assert {number for number, _ in trained} == {3, 4}
        whole = make_search(XGBoost, **given, n_candidates=5).fit(sample.X, sample.y)
        assert figures(more) == figures(whole)

    def test_does_not_depend_on_threads(
        self, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        make_search(LightGBM, storage=file).fit(sample.X, sample.y)
        trained.clear()
        search = make_search(LightGBM, storage=file, n_jobs=2)
        search.set_params(estimator__n_jobs=2).fit(sample.X, sample.y)
        assert trained == []

    @both
    def test_after_being_killed(self, library: Any, tmp_path: Path) -> None:
        name = library.focal_classifier.__name__
        code = (
            "import sys\n"
            f"from focal_boost import {name}, FocalSearchCV\n"
            "from focal_boost.datasets import make_imbalanced\n"
            "X, y, _ = make_imbalanced(2000, 0.1, seed=0)\n"
            f"model = {name}(**{library.quiet_estimator!r})\n"
            "given = dict(n_candidates=12, cv=3, random_state=0, refit=False)\n"
            "print('begins', flush=True)\n"
            "search = FocalSearchCV(model, 'focal', storage=sys.argv[1], **given)\n"
            "print(search.fit(X, y).cv_results_['mean_test_score'].tolist())\n"
        )

        def begin(name: str) -> Any:
            command = [sys.executable, "-c", code, str(tmp_path / name)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            process.stdout.readline()
            return process

        waits = np.random.default_rng(0).uniform(0.1, 1.0, 2)
        for wait in waits:
            process = begin("killed")
            try:
                process.wait(float(wait))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        found = [begin(name).communicate()[0] for name in ("killed", "whole")]
        assert found[0] == found[1] != ""
        # A kill takes the candidate in training, and none that is finished.
        states = [one.state.name for one in trials_of(tmp_path / "killed")]
        assert len(states) - states.count("RUNNING") == 12
        assert states.count("RUNNING") <= len(waits)


def trials_of(file: Path) -> list[Any]:
    """Return what Optuna finds in the file of a search."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    try:
        trials: list[Any] = optuna.load_study(study_name=None, storage=storage).trials
    finally:
        storage.remove_session()
        storage.engine.dispose()
    return trials


class TestStorage:
    def test_may_be_an_object_of_optuna(self, sample: Sample) -> None:
        storage = optuna.storages.InMemoryStorage()
        search = make_search(LightGBM, storage=storage).fit(sample.X, sample.y)
        study = optuna.load_study(study_name="focal_boost", storage=storage)
        assert len(study.trials) == len(search.cv_results_["params"]) == 6

    def test_is_read_by_optuna(self, file: Path, sample: Sample) -> None:
        search = make_search(LightGBM, storage=file).fit(sample.X, sample.y)
        complete = [
            one.value for one in trials_of(file) if one.state.name == "COMPLETE"
        ]
        assert max(complete) == search.best_score_


class TestOtherSearch:
    """The storage of other data or settings is refused."""

    @staticmethod
    def refuses(file: str, search: Any, *data: Any, **given: Any) -> None:
        sentence = (
            "storage must belong to the same data, estimator, folds, scoring and search"
            f" space, got '{file}' of others"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            search.fit(*data, **given)

    def test_other_data(self, file: Path, sample: Sample) -> None:
        place = str(file)
        search = make_search(LightGBM, storage=place).fit(sample.X, sample.y)
        X = sample.X.copy()
        X[17, 3] += 1e-9
        self.refuses(place, search, X, sample.y)
        self.refuses(place, search, sample.X.astype(np.float32), sample.y)
        y = sample.y.copy()
        y[17] = 1 - y[17]
        self.refuses(place, search, sample.X, y)
        self.refuses(place, search, sample.X, words(sample.y))
        self.refuses(place, search, sample.X, sample.y, sample_weight=sample.weight)
        groups = np.arange(len(y)) % 20
        self.refuses(place, search, sample.X, sample.y, groups=groups)

    def test_other_settings(self, file: Path, sample: Sample) -> None:
        place, data = str(file), (sample.X, sample.y)
        make_search(XGBoost, storage=place).fit(*data)
        for settings in (
            {"scoring": "average_precision"},
            {"cv": 4},
            {"halving": False},
            {"grid": {"focal_gamma": [0.0, 1.0]}},
            {"grid": "focal"},
            {"model": make(XGBoost, max_depth=3)},
            {"model": make(LightGBM)},
        ):
            self.refuses(place, make_search(XGBoost, storage=place, **settings), *data)

    def test_frames(self, file: Path, sample: Sample) -> None:
        pd = pytest.importorskip("pandas")
        place, frame = str(file), pd.DataFrame(sample.X.copy()).add_prefix("x")
        frame["kind"] = pd.Categorical(np.where(sample.X[:, 0] > 0, "a", "b"))
        search = make_search(LightGBM, storage=place).fit(frame, sample.y)
        before = figures(search)
        assert figures(search.fit(frame.copy(), sample.y)) == before
        self.refuses(place, search, frame.rename(columns={"x0": "y0"}), sample.y)
        changed = frame.copy()
        changed.loc[5, "x2"] = 0.5
        self.refuses(place, search, changed, sample.y)

    def test_sparse(self, file: Path, sample: Sample) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        place, X = str(file), sparse.csr_matrix(np.where(sample.X > 0, sample.X, 0))
        search = make_search(XGBoost, storage=place).fit(X, sample.y)
        before = figures(search)
        assert figures(search.fit(X.copy(), sample.y)) == before
        self.refuses(place, search, X * 2, sample.y)


class TestOtherFile:
    @pytest.mark.parametrize("content", [b"alpha,gamma\n1,2\n" * 200, b"\xff\xfe\n"])
    def test_is_refused_and_left_as_it_is(
        self, content: bytes, file: Path, sample: Sample
    ) -> None:
        file.write_bytes(content)
        sentence = (
            "storage must be a file that a search has written, or a new one, got"
            f" '{file}'"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            make_search(LightGBM, storage=str(file)).fit(sample.X, sample.y)
        assert file.read_bytes() == content

    @pytest.mark.parametrize("name", ["", "missing/search.db"])
    def test_folder(self, name: str, tmp_path: Path, sample: Sample) -> None:
        path = tmp_path / name
        sentence = f"storage must be a file in an existing folder, got '{path}'"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            make_search(LightGBM, storage=path).fit(sample.X, sample.y)
