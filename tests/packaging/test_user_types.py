"""A user's strict mypy accepts the README's programs, and finds what is wrong."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("mypy") is None:
    pytest.skip("mypy is of the dev extra", allow_module_level=True)

_README = Path(__file__).resolve().parents[2] / "README.md"


def told(folder: Path, program: str) -> str:
    """Return what strict mypy says of a program, in a folder of its own."""
    file = folder / "program.py"
    file.write_text(program, "utf-8")
    # Neither library nor scikit-learn is typed throughout.
    lenient = ["--ignore-missing-imports", "--allow-untyped-calls"]
    options = ["--strict", *lenient, "--no-error-summary", "--cache-dir", str(folder)]
    command = [sys.executable, "-m", "mypy", *options, str(file)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder
    )
    return run.stdout + run.stderr


def test_the_programs_of_the_readme(tmp_path: Path) -> None:
    text = _README.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    assert told(tmp_path, "\n".join(blocks)) == ""


def test_types_reach_the_user(tmp_path: Path) -> None:
    wrong = "from focal_boost import FocalLoss\nFocalLoss(alpha='a quarter')\n"
    said = told(tmp_path, wrong)
    assert 'incompatible type "str"' in said
    assert "import-untyped" not in said
