"""A disk that is full, or an interruption, leaves the file that was there before."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import pytest
from estimators import quiet
from populations import Sample

import focal_boost.lightgbm as flgb
from focal_boost import FocalLGBMClassifier, FocalObjective
from focal_boost._adapter.whole import write_text, written_whole
from focal_boost.command._content import write_json

pytestmark = quiet

_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
from focal_boost._adapter.whole import write_text
try:
    write_text(sys.argv[1], "new" * 10_000)
except OSError as error:
    print("refused", error.errno)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.txt"
    path.write_text("old")
    return path


@pytest.mark.skipif(
    sys.platform != "linux", reason="a limit of Linux stands for a disk"
)
def test_a_full_disk(file: Path) -> None:
    arguments = [sys.executable, "-c", _LIMITED, str(file)]
    run = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("refused")
    assert file.read_text() == "old"
    assert [*file.parent.iterdir()] == [file]


def test_an_interruption(file: Path) -> None:
    def interrupted(part: Path) -> None:
        part.write_text("ne")
        signal.raise_signal(signal.SIGINT)

    # A shell's job in the background has it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            written_whole(file, interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert file.read_text() == "old"
    assert [*file.parent.iterdir()] == [file]


def test_what_all_writers_leave(tmp_path: Path, sample: Sample) -> None:
    """The models and the JSON of the command go this way."""
    objective = FocalObjective()
    data = lgb.Dataset(sample.X, sample.y)
    path = tmp_path / "model.txt"

    def checked(env: Any) -> None:
        path.write_text("old")
        os.chmod(path, 0o640)
        env.model.save_model(path)
        assert path.read_text().startswith("tree\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    params = {"verbosity": -1, "num_threads": 1}
    booster = flgb.train(params, data, 2, objective=objective, callbacks=[checked])
    flgb.save(booster, path, objective)
    model = FocalLGBMClassifier(n_estimators=2, verbosity=-1).fit(sample.X, sample.y)
    model.save_model(tmp_path / "classifier.txt")
    write_json(tmp_path / "results.json", {"a": [1.0, None]})
    assert (tmp_path / "results.json").read_text().endswith("}\n")
    names = {"model.txt", "classifier.txt", "results.json"}
    assert {one.name for one in tmp_path.iterdir()} == names


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="the system has no links")
def test_links_and_pipes(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(file)
    write_text(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    write_text(os.devnull, "new")
    assert not Path(os.devnull).is_file()
