"""The progress of a search and of a comparison: on a terminal, in lines, or silent."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import pytest
from boosters import LightGBM
from estimators import both, quiet
from populations import Sample
from searches import make_search

from focal_boost._adapter.progress import progress

pytestmark = quiet


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestProgress:
    @both
    def test_counts_every_candidate_on_a_terminal(
        self, library: Any, sample: Sample, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rich = pytest.importorskip("rich.progress")
        advanced: list[float] = []
        update = rich.Progress.update

        def counted(self: Any, task: Any, **given: Any) -> None:
            advanced.append(given["advance"])
            update(self, task, **given)

        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        monkeypatch.setattr(rich.Progress, "update", counted)
        search = make_search(library, verbose=True, refit=False)
        search.fit(sample.X, sample.y)
        assert sum(advanced) == len(search.cv_results_["params"])
        assert "candidates" in terminal.getvalue()
        assert "100%" in terminal.getvalue()

    @pytest.mark.parametrize(
        ("stream", "verbose"), [(Terminal, False), (io.StringIO, True)]
    )
    def test_is_not_shown_elsewhere(
        self, stream: Any, verbose: bool, sample: Sample, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(sys, "stderr", written := stream())
        make_search(LightGBM, verbose=verbose).fit(sample.X, sample.y)
        assert written.getvalue() == ""

    def test_lines_come_now_and_then_without_a_terminal(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written, now = io.StringIO(), [100.0]
        monkeypatch.setattr(sys, "stderr", written)
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        with progress(4_000, wanted=True, of="steps") as step:
            for _ in range(4):
                now[0] += 3.0
                step(1_000)
        assert written.getvalue() == (
            "2,000 of 4,000 steps, 6 s\n4,000 of 4,000 steps, 12 s\n"
        )

    def test_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        for name in [one for one in sys.modules if one.split(".")[0] == "rich"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "rich", None)
        bar = progress(3, wanted=True)
        sentence = "^the progress bar needs rich: pip install rich$"
        with pytest.raises(ImportError, match=sentence):
            bar.__enter__()
