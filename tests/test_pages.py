"""The pages: their programs run, every public name is on one, with an example."""

from __future__ import annotations

import importlib
import inspect
import re
import runpy
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from estimators import quiet

_ROOT = Path(__file__).resolve().parents[1]
_DOCS = _ROOT / "docs"
#: Rooms with public names; those of Dask need a cluster, which the tests start.
ROOMS = (
    "focal_boost",
    *(
        f"focal_boost.{room}"
        for room in (
            "xgboost",
            "lightgbm",
            "tuning",
            "ensemble",
            "comparison",
            "thresholds",
            "plotting",
            "datasets",
        )
    ),
)

pytestmark = [
    *quiet,
    pytest.mark.filterwarnings("ignore:.*eval_set.*deprecated:Warning"),
]


def public(room: str) -> dict[str, Any]:
    """Return the classes and functions of a room."""
    module = importlib.import_module(room)
    found = {name: getattr(module, name) for name in module.__all__}
    plain = ModuleType | dict
    return {name: one for name, one in found.items() if not isinstance(one, plain)}


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_an_example_and_a_page(room: str) -> None:
    page = (_DOCS / "api.md").read_text("utf-8")
    names = public(room)
    assert names
    _, _, section = page.partition(f".. currentmodule:: {room}\n")
    section, _, _ = section.partition("```")
    package = public("focal_boost")
    for name, one in names.items():
        assert ">>> " in (inspect.getdoc(one) or ""), f"{room}.{name} has no example"
        listed = f"   {name}\n" in section
        # What the package itself offers stands there.
        assert listed or (room != "focal_boost" and name in package), name


@pytest.mark.parametrize("page", ["index", "settings"])
def test_the_programs_of_a_page_run(page: str) -> None:
    text = (_DOCS / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec"), names)
    if page == "index":
        assert 0.01 < names["probability"].mean() < 0.05
    else:
        assert 1 <= names["model"].best_iteration_ < 500
        assert "focal_gamma" in names["search"].best_params_


def test_every_page_is_found_from_the_first() -> None:
    first = (_DOCS / "index.md").read_text("utf-8")
    pages = {page.stem for page in _DOCS.glob("*.md")} - {"index"}
    listed = re.findall(r"^```\{toctree\}\n(.*?)^```", first, re.DOTALL | re.MULTILINE)
    assert {name for one in listed for name in one.split() if name in pages} == pages


def test_the_table_of_versions_begins_with_the_lower_bounds() -> None:
    page = (_DOCS / "compatibility.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if "|" in line]
    versions = runpy.run_path(str(_ROOT / "tests/benchmarks/versions.py"))
    names = {shown: name for name, shown in versions["PACKAGES"].items()}
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    given = [*project["dependencies"], *extras["all"], *extras["compare"]]
    given += [*extras["xgboost"], *extras["lightgbm"], *extras["tune"], *extras["plot"]]
    bounds = dict(one.split(">=") for one in given if ">=" in one)
    assert rows[0][0] == "Python"
    assert len(rows[2:]) == len(names)
    for shown, lowest, *_ in rows[2:]:
        assert lowest == bounds[names[shown]], shown


def test_the_changelog_knows_the_version() -> None:
    import focal_boost

    text = (_ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## {focal_boost.__version__}\n" in text
