"""The notebooks: what is committed is readable, and they run from top to bottom."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from estimators import quiet

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SHARED = NOTEBOOKS.parents[1] / "shared" / "data"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
MAX_CODE_LINES = 100
MAX_FIGURE_BYTES = 80_000

# What a notebook reads that neither the package nor the repository has.
NEEDS = {"04_fraud": "creditcard_fraud.npz"}

# Folders of the author's machine, in sources, outputs or tracebacks.
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|mnt)/|\b[A-Z]:\\")
_WARNING = re.compile(r"\w+Warning: ")

every_notebook = pytest.mark.parametrize("name", NAMES)


def read(name: str) -> Any:
    nbformat = pytest.importorskip(
        "nbformat", reason='the notebooks need pip install ".[notebook]"'
    )
    path = NOTEBOOKS / f"{name}.ipynb"
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_lines(notebook: Any) -> list[str]:
    lines = (line for cell in code_cells(notebook) for line in cell.source.splitlines())
    return [
        line for line in lines if line.strip() and not line.lstrip().startswith("#")
    ]


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(notebook: Any) -> list[str]:
    """Return everything in the file but the pictures."""
    found = [str(notebook.metadata)]
    found += [f"{cell.source}\n{cell.metadata}" for cell in notebook.cells]
    for output in outputs(notebook):
        data = output.get("data", {})
        shown = [data[kind] for kind in data if not kind.startswith("image/")]
        found += [output.get("text", ""), str(output.get("metadata", ""))]
        found += [str(text) for text in [*shown, *output.get("traceback", [])]]
    return found


def failures(notebook: Any) -> list[str]:
    """Return what went wrong or was written to standard error."""
    found = []
    for output in outputs(notebook):
        if output.output_type == "error":
            found.append(f"{output.ename}: {output.evalue}")
        elif output.output_type == "stream" and output.name == "stderr":
            found.append(output.text)
    return found


def files() -> dict[str, tuple[int, int]]:
    """Return size and time of change of everything beside the notebooks."""
    found = {}
    for path in NOTEBOOKS.rglob("*"):
        status = path.stat()
        found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def need_data(name: str) -> None:
    named = name == "04_fraud" and os.environ.get("FOCAL_BOOST_FRAUD")
    if name in NEEDS and not named and not (SHARED / NEEDS[name]).exists():
        pytest.skip(f"the data that {name} reads are not beside this checkout")


def execute(notebook: Any, folder: Path, patch: pytest.MonkeyPatch) -> str:
    """Run all cells in a fresh kernel, and return the kernel's interpreter."""
    import nbformat
    from nbclient import NotebookClient

    patch.setenv("FOCAL_BOOST_QUICK", "1")
    # Threads that wait for each other take minutes where other tests run beside them.
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.delenv("MPLBACKEND", raising=False)
    if quiet:
        patch.setenv("PYTHONWARNINGS", quiet[0].args[0])
    # Kernels and profiles of the user's own play no part, and get no files.
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        patch.setenv(name, str(folder / name.lower()))
    notebook.cells.append(nbformat.v4.new_code_cell("__import__('sys').executable"))
    where = {"metadata": {"path": str(NOTEBOOKS)}}
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=where
    ).execute()
    return str(notebook.cells.pop().outputs[0].data["text/plain"]).strip("'")


def test_notebooks_are_found() -> None:
    assert {"01_quickstart", "04_fraud"} <= set(NAMES)


@every_notebook
class TestCommitted:
    """The notebooks as they are in the repository."""

    def test_is_valid(self, name: str) -> None:
        notebook = read(name)
        import nbformat

        nbformat.validate(notebook)
        assert notebook.nbformat == 4
        assert notebook.metadata.kernelspec.name == "python3"

    def test_was_run_once_from_top_to_bottom(self, name: str) -> None:
        notebook = read(name)
        counts = [cell.execution_count for cell in code_cells(notebook)]
        assert counts == [*range(1, len(counts) + 1)]
        assert outputs(notebook)

    def test_has_neither_errors_nor_warnings(self, name: str) -> None:
        notebook = read(name)
        assert failures(notebook) == []
        assert [text for text in texts(notebook) if _WARNING.search(text)] == []

    def test_names_no_folder_of_a_machine(self, name: str) -> None:
        notebook = read(name)
        assert [text for text in texts(notebook) if _MACHINE_PATH.search(text)] == []

    def test_is_short(self, name: str) -> None:
        assert len(code_lines(read(name))) <= MAX_CODE_LINES

    def test_has_moderate_figures(self, name: str) -> None:
        for output in outputs(read(name)):
            picture = output.get("data", {}).get("image/png", "").strip()
            # Four characters of base64 are three bytes.
            assert len(picture) * 3 // 4 <= MAX_FIGURE_BYTES


@every_notebook
def test_runs_and_shows_what_is_committed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("nbclient", "ipykernel"):
        reason = f'running the notebooks needs {package}: pip install ".[notebook]"'
        pytest.importorskip(package, reason=reason)
    if name == "08_serving":
        pytest.importorskip("shap", reason="08_serving needs the package shap")
    need_data(name)
    notebook, before = read(name), files()
    shown = [kinds(cell) for cell in code_cells(notebook)]
    assert execute(notebook, tmp_path, monkeypatch) == sys.executable
    assert failures(notebook) == []
    assert [kinds(cell) for cell in code_cells(notebook)] == shown
    assert files() == before


def kinds(cell: Any) -> set[str]:
    """Return what the cell shows: text that it prints, a value, a figure."""
    return {output.output_type for output in cell.outputs}


class TestChecker:
    """The checks on a small notebook that breaks the rules."""

    @pytest.fixture
    def notebook(self) -> Any:
        v4 = pytest.importorskip("nbformat").v4
        source = "# a comment\n\nprint('''\n''')"
        return v4.new_notebook(
            cells=[v4.new_markdown_cell("text"), v4.new_code_cell(source)]
        )

    def test_comments_and_empty_lines_are_no_code(self, notebook: Any) -> None:
        assert code_lines(notebook) == ["print('''", "''')"]

    def test_errors_and_standard_error_are_seen(self, notebook: Any) -> None:
        output = pytest.importorskip("nbformat").v4.new_output
        error = {"ename": "ValueError", "evalue": "gamma", "traceback": []}
        notebook.cells[1].outputs = [
            output("stream", name="stdout", text="fine"),
            output("stream", name="stderr", text="oh"),
            output("error", **error),
        ]
        assert failures(notebook) == ["oh", "ValueError: gamma"]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("saved in /home/somebody/model.txt", True),
            ('File "/root/x.py"', True),
            (r"C:\Users", True),
            ("../../shared/data/creditcard_fraud.npz", False),
            ("https://www.openml.org/home/x", False),
            ("a rate of 3/work/day", False),
        ],
    )
    def test_folders_of_a_machine_are_seen_everywhere(
        self, notebook: Any, text: str, found: bool
    ) -> None:
        output = pytest.importorskip("nbformat").v4.new_output
        for data in ({"text/plain": text}, {"text/html": f"<td>{text}</td>"}):
            shown = [output("display_data", data=data)]
            notebook.cells[1].outputs = shown
            assert any(_MACHINE_PATH.search(one) for one in texts(notebook)) is found
        notebook.cells[1].outputs = []
        notebook.cells[0].source = text
        assert any(_MACHINE_PATH.search(one) for one in texts(notebook)) is found
