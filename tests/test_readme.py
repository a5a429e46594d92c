"""The README's programs run, and what it says of versions is what is declared."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

_ROOT = Path(__file__).resolve().parents[1]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _README, re.DOTALL | re.MULTILINE)


def test_python_blocks_run_in_order_and_give_probabilities() -> None:
    names: dict[str, object] = {}
    found = []
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
        # One block cross-validates and predicts nothing.
        if "probability" in names:
            found.append(np.asarray(names.pop("probability")))
    classifier, native, searched = found
    for probability in (classifier, native, searched):
        assert 0.5 * 0.023 < probability.mean() < 2 * 0.023
    y_true = np.asarray(names["y"])[names["test"]] == 1  # type: ignore[index]
    assert average_precision_score(y_true, classifier) > 0.18
    at_half, chosen = classifier >= 0.5, np.asarray(names["cancelled"])
    cost = [(20 * (y_true & ~c) + (c & ~y_true)).sum() for c in (at_half, chosen)]
    assert y_true.sum() == 163
    assert (y_true & at_half).sum() < 0.1 * y_true.sum()
    assert (y_true & chosen).sum() > 0.45 * y_true.sum()
    assert cost[1] < 0.7 * cost[0]
    np.testing.assert_allclose(np.sum(names["of_class"], axis=1), 1)  # type: ignore[arg-type]


def test_three_commands_are_given() -> None:
    install, compare, tests = blocks("sh")
    assert compare == ".venv/bin/focal-boost compare\n"
    assert "pytest" in tests
    for command in (install, tests):
        assert command.startswith("python3 -m venv .venv && ")


def test_lower_bounds_are_those_of_the_package() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {
        requirement.split(">=")[0]: requirement.split(">=")[1]
        for extra in ("xgboost", "lightgbm")
        for requirement in extras[extra]
    }
    for package, said in (("xgboost", "XGBoost"), ("lightgbm", "LightGBM")):
        (version,) = set(re.findall(rf"with {said} ≥ ([\d.]+)", _README))
        assert declared[package].startswith(version)
    (version,) = set(re.findall(r"scikit-learn ≥ ([\d.]+)", _README))
    assert declared["scikit-learn"].startswith(version)
    for name in re.findall(r'pip install "\.\[(\w+)\]"', _README):
        assert name in extras


def test_files_it_links_to_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", _README)
    assert links
    for link in links:
        assert (_ROOT / link).exists(), link
