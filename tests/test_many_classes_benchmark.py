"""The benchmark of many classes: its rule of rows, its figures, and going on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimators import quiet
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import many_classes
import many_classes_report

pytestmark = quiet


def test_rare_classes_are_kept() -> None:
    y = np.repeat([0, 1, 2], [9_000, 950, 50])
    X = np.arange(len(y))[:, None]
    kept, labels = many_classes.subsample(X, y, 1000)
    assert len(kept) == len(labels) == 1000
    assert (labels == 2).sum() == 50
    assert (y[kept[:, 0]] == labels).all()
    assert 800 < (labels == 0).sum() < 900
    assert many_classes.subsample(X, y, 10_000)[0] is X


def test_figures() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(3, 2000, p=[0.6, 0.394, 0.006])
    posterior = rng.random((2000, 3)) + np.eye(3)[y]
    found = many_classes.figures(y, posterior)
    each = [average_precision_score(y == k, posterior[:, k]) for k in range(3)]
    assert found["macro AP"] == pytest.approx(np.mean(each))
    assert found["rare AP"] == pytest.approx(each[2])
    own = posterior[np.arange(2000), y] / posterior.sum(axis=1)
    assert found["log loss"] == pytest.approx(-np.log(own).mean())


def test_ratios_are_over_the_better_rival() -> None:
    figures = {"focal": 0.9, "multiclass": 0.6, "multiclassova": 0.75}
    known = {
        f"{name}, lightgbm, {method}, 50 rows": {"macro AP": ap, "log loss": 1 - ap}
        for name in ("iris", "wine")
        for method, ap in figures.items()
    }
    text = many_classes_report.report(known, 50, ("iris", "wine"))
    assert "| lightgbm | focal | 2 | 1.200 |  | 0.400 |" in text
    assert many_classes_report.report(known, 60, ("iris",)).count("0.9000") == 0


@pytest.mark.parametrize("name", ["iris", "multilabel"])
def test_it_goes_on(name: str, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(many_classes, "ROUNDS", 3)
    load = many_classes.SETS[name]
    monkeypatch.setitem(many_classes.SETS, name, lambda: tuple(a[:300] for a in load()))
    out, table = tmp_path / "out.json", tmp_path / "table.md"
    given = ["--set", name, "--out", str(out)]
    assert many_classes.main([*given, "--library", "lightgbm"]) == 0
    first = out.read_text()
    assert many_classes.main([*given, "--table", str(table)]) == 0
    assert out.read_text().startswith(first.rstrip("}\n"))
    measured = capsys.readouterr().out
    monkeypatch.setattr(many_classes, "measure", None)
    assert many_classes.main([*given, "--table", str(table)]) == 0
    lines = table.read_text().splitlines()
    figures = [line for line in lines if line.startswith(f"| {name} |")]
    assert len(figures) == {"iris": 17, "multilabel": 8}[name]
    assert all(line.count("|") == 7 for line in figures)
    ratios = [line for line in lines if line.startswith(("| xgboost", "| lightgbm"))]
    assert len(ratios) == {"iris": 5, "multilabel": 0}[name]
    assert "focal" in measured
