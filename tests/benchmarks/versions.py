"""The table of tested versions, of the interpreters that the lanes were run with.

Run ``python tests/benchmarks/versions.py PYTHON...``, each the interpreter of a lane
whose tests have passed; ``--write`` puts the table into ``docs/compatibility.md``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
PACKAGES = {
    "numpy": "NumPy",
    "numba": "numba",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "scikit-learn": "scikit-learn",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "duckdb": "DuckDB",
    "optuna": "Optuna",
    "matplotlib": "Matplotlib",
}
_ASK = """
import importlib.metadata, json, platform, sys
def of(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "—"
found = {name: of(name) for name in sys.argv[1:]}
print(json.dumps({"python": platform.python_version(), **found}))
"""


def versions_of(python: str) -> dict[str, str]:
    """Return the versions that an interpreter finds."""
    command = [python, "-c", _ASK, *PACKAGES]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(run.stdout)
    return found


def table_of(lanes: list[dict[str, str]]) -> str:
    """Return a column per lane."""
    lines = ["| Python | " + " | ".join(lane["python"] for lane in lanes) + " |"]
    lines.append("|---" * (len(lanes) + 1) + "|")
    for name, shown in PACKAGES.items():
        lines.append(f"| {shown} | " + " | ".join(lane[name] for lane in lanes) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", nargs="+")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    table = table_of([versions_of(one) for one in asked.python])
    print(table)
    if asked.write:
        page = PAGE.read_text("utf-8")
        new = re.sub(r"^\| Python .*?\n\n", f"{table}\n\n", page, flags=re.M | re.S)
        PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
