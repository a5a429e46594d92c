"""A search that is interrupted goes on from its checkpoint, and from no other's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet, words
from populations import Sample
from searches import GRID, RANDOM, figures, make_search

from focal_boost.tuning._fold import Fold

pytestmark = quiet


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "search.jsonl"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was trained: one (candidate, rounds, fold) per call."""
    calls: list[Any] = []
    advance = Fold.advance

    def counted(fold: Any, candidate: Any, points: Any) -> Any:
        calls.append((candidate.number, points[-1], fold.number))
        return advance(fold, candidate, points)

    monkeypatch.setattr(Fold, "advance", counted)
    return calls


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the user interrupt after so many trainings; 0 never."""

    def after(number: int) -> None:
        advance, left = Fold.advance, [number]

        def limited(fold: Any, candidate: Any, points: Any) -> Any:
            if left[0] == 0:
                monkeypatch.setattr(Fold, "advance", advance)
                raise KeyboardInterrupt
            left[0] -= 1
            return advance(fold, candidate, points)

        monkeypatch.setattr(Fold, "advance", limited)

    return after


class TestResume:
    @both
    @pytest.mark.parametrize("after", [1, 7, 18, 20])
    def test_gives_what_no_interruption_gives(
        self,
        library: Any,
        after: int,
        file: Path,
        sample: Sample,
        trained: list[Any],
        interrupt: Any,
    ) -> None:
        model = make(library, **RANDOM[library.name])
        expected = make_search(library, model=model).fit(sample.X, sample.y)
        whole = sorted(trained)
        trained.clear()

        interrupt(after)
        search = make_search(library, model=model, checkpoint=file)
        with pytest.raises(KeyboardInterrupt):
            search.fit(sample.X, sample.y)
        assert len(trained) == after
        again = make_search(library, model=model, checkpoint=str(file))
        again.fit(sample.X, sample.y)
        assert sorted(trained) == whole
        assert figures(again) == figures(expected)
        assert again.best_params_ == expected.best_params_

    @both
    def test_of_a_finished_search_trains_nothing(
        self, library: Any, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        first = make_search(library, checkpoint=file).fit(sample.X, sample.y)
        content = file.read_bytes()
        trained.clear()
        again = make_search(library, checkpoint=file).fit(sample.X, sample.y)
        assert trained == []
        assert file.read_bytes() == content
        assert figures(again) == figures(first)
        times = again.cv_results_["mean_fit_time"]
        assert times.tolist() == first.cv_results_["mean_fit_time"].tolist()

    @pytest.mark.parametrize("cut", [1, 2, 20])
    def test_drops_a_last_line_that_was_not_finished(
        self, cut: int, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        first = make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        content = file.read_bytes()
        file.write_bytes(content[:-cut])
        trained.clear()
        again = make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        assert len(trained) == 1
        assert figures(again) == figures(first)
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        assert len(lines) == len(content.splitlines())

    @pytest.mark.parametrize("kept", [0, 1, 10])
    def test_begins_anew_where_not_even_the_first_line_was_finished(
        self, kept: int, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        content = file.read_bytes()
        count = len(trained)
        file.write_bytes(content[:kept])
        make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        assert len(trained) == 2 * count
        assert len(file.read_bytes().splitlines()) == len(content.splitlines())

    def test_of_a_wider_grid_takes_what_is_known(
        self, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        settings = {"halving": False, "checkpoint": file}
        make_search(XGBoost, **settings).fit(sample.X, sample.y)
        trained.clear()
        wider = {**GRID, "focal_gamma": [0.0, 1.0, 2.0]}
        search = make_search(XGBoost, wider, **settings).fit(sample.X, sample.y)
        assert len(trained) == 3 * 3
        new = [i for i, p in enumerate(search.cv_results_["params"])
               if p["focal_gamma"] == 1.0]  # fmt: skip
        assert {number for number, _, _ in trained} == set(new)

    def test_does_not_depend_on_threads(
        self, file: Path, sample: Sample, trained: list[Any]
    ) -> None:
        make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        trained.clear()
        search = make_search(LightGBM, checkpoint=file, n_jobs=2)
        search.set_params(estimator__n_jobs=2).fit(sample.X, sample.y)
        assert trained == []

    def test_of_early_stopping(
        self, file: Path, sample: Sample, trained: list[Any], interrupt: Any
    ) -> None:
        model = make(XGBoost, n_estimators=40, early_stopping_rounds=4)
        expected = make_search(XGBoost, model=model).fit(sample.X, sample.y)
        whole = sorted(trained)
        trained.clear()
        interrupt(25)
        search = make_search(XGBoost, model=model, checkpoint=file)
        with pytest.raises(KeyboardInterrupt):
            search.fit(sample.X, sample.y)
        search.fit(sample.X, sample.y)
        assert sorted(trained) == whole
        assert figures(search) == figures(expected)
        assert search.best_n_estimators_ == expected.best_n_estimators_


class TestOtherSearch:
    """A checkpoint of other data or settings is refused."""

    @staticmethod
    def refuses(file: Path, search: Any, *data: Any, **given: Any) -> None:
        before = file.read_bytes()
        sentence = (
            "checkpoint must belong to the same data, estimator, folds and scoring,"
            f" got '{file}' of others"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            search.fit(*data, **given)
        assert file.read_bytes() == before

    def test_other_data(self, file: Path, sample: Sample) -> None:
        search = make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        X = sample.X.copy()
        X[17, 3] += 1e-9
        self.refuses(file, search, X, sample.y)
        self.refuses(file, search, sample.X.astype(np.float32), sample.y)
        y = sample.y.copy()
        y[17] = 1 - y[17]
        self.refuses(file, search, sample.X, y)
        self.refuses(file, search, sample.X, words(sample.y))
        self.refuses(file, search, sample.X, sample.y, sample_weight=sample.weight)
        groups = np.arange(len(y)) % 20
        self.refuses(file, search, sample.X, sample.y, groups=groups)

    def test_other_settings(self, file: Path, sample: Sample) -> None:
        data = (sample.X, sample.y)
        make_search(XGBoost, checkpoint=file).fit(*data)
        for settings in (
            {"scoring": "average_precision"},
            {"cv": 4},
            {"halving": False},
            {"model": make(XGBoost, max_depth=3)},
            {"model": make(LightGBM)},
        ):
            self.refuses(file, make_search(XGBoost, checkpoint=file, **settings), *data)

    def test_frames(self, file: Path, sample: Sample) -> None:
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(sample.X).add_prefix("x")
        frame["kind"] = pd.Categorical(np.where(sample.X[:, 0] > 0, "a", "b"))
        search = make_search(LightGBM, checkpoint=file).fit(frame, sample.y)
        before = figures(search)
        assert figures(search.fit(frame.copy(), sample.y)) == before
        self.refuses(file, search, frame.rename(columns={"x0": "y0"}), sample.y)
        changed = frame.copy()
        changed.loc[5, "x2"] = 0.5
        self.refuses(file, search, changed, sample.y)

    def test_sparse(self, file: Path, sample: Sample) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        X = sparse.csr_matrix(np.where(sample.X > 0, sample.X, 0))
        search = make_search(XGBoost, checkpoint=file).fit(X, sample.y)
        before = figures(search)
        assert figures(search.fit(X.copy(), sample.y)) == before
        self.refuses(file, search, X * 2, sample.y)


class TestOtherFile:
    @pytest.mark.parametrize(
        "content",
        ["alpha,gamma\n1,2\n", "[]\n", '{"a": 1}\n', "\xff\xfe\n", "1\n2\n"],
    )
    def test_is_refused_and_left_as_it_is(
        self, content: str, file: Path, sample: Sample
    ) -> None:
        file.write_bytes(content.encode("latin-1"))
        sentence = f"checkpoint must be a file that a search has written, got '{file}'"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        assert file.read_bytes() == content.encode("latin-1")

    def test_a_broken_line_in_the_middle_is_refused(
        self, file: Path, sample: Sample
    ) -> None:
        make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join([*lines[:3], "half a li\n", *lines[4:]]), "utf-8")
        with pytest.raises(ValueError, match="a file that a search has written"):
            make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)

    def test_content_without_an_end_of_line_is_kept(
        self, file: Path, sample: Sample
    ) -> None:
        file.write_text("my notes", "utf-8")
        with pytest.raises(ValueError, match="a file that a search has written"):
            make_search(LightGBM, checkpoint=file).fit(sample.X, sample.y)
        assert file.read_text("utf-8") == "my notes"

    @pytest.mark.parametrize("name", ["", "missing/search.jsonl"])
    def test_folder(self, name: str, tmp_path: Path, sample: Sample) -> None:
        path = tmp_path / name
        sentence = f"checkpoint must be a file in an existing folder, got '{path}'"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            make_search(LightGBM, checkpoint=path).fit(sample.X, sample.y)
