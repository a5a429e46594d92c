"""How the pages are built: ``sphinx-build -W --keep-going docs build/docs``."""

from __future__ import annotations

import os
import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

# With no second thread the pages take half the time beside other work.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

project = "focal_boost"
copyright = "the authors of focal_boost"  # noqa: A001 (Sphinx reads this name)
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
root_doc = "index"
templates_path = ["_templates"]
exclude_patterns = ["_templates"]
html_theme = "furo"
html_title = "focal_boost"
html_show_sphinx = False
html_copy_source = False

autosummary_generate = True
autosummary_imported_members = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
# What the rooms of one machine's extras do not need.
autodoc_mock_imports = ["mlflow", "onnx", "onnxmltools", "skl2onnx"]
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Files of the repository that are no page of these.
myst_url_schemes = ["http", "https", "mailto"]

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]+)\)")


def _offer_files(app: Any, name: str, source: list[str]) -> None:
    """Let links to files of the repository that are no page download them."""
    del app, name
    source[0] = _OUTSIDE.sub(r"{download}`\1 <\2>`", source[0])


def _set_formulas(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Keep lines of formulas as they are, and leave other projects' pages to them."""
    del app, name, options
    module = getattr(obj, "__module__", None) or ""
    if what == "method" and not module.startswith("focal_boost"):
        lines[:] = [f"As in {module.partition('.')[0]}.", ""]
    if what != "module":
        return
    found: list[str] = []
    for line in lines:
        formula = line.startswith("    ")
        if formula and not (found and found[-1].startswith("    ")):
            found += [".. code-block:: text", ""]
        found.append(line if formula else line.replace("|", "\\|"))
    lines[:] = found


def _skip_requests(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the methods that scikit-learn makes for the routing of metadata."""
    del app, what, obj, options
    return True if re.fullmatch("set_.*_request", name) else skip or None


def _inline_formula(writer: Any, node: Any) -> None:
    """Write a formula as MathML, which browsers set without a program or a server."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _displayed_formula(writer: Any, node: Any) -> None:
    formula = convert(node.astext(), display="block")
    writer.body.append(f'<div class="math">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Tell Sphinx of all of them."""
    drawn = (_inline_formula, None), (_displayed_formula, None)
    app.add_html_math_renderer("mathml", *drawn)
    app.connect("autodoc-skip-member", _skip_requests)
    app.connect("source-read", _offer_files)
    # Before Napoleon, which has 500, as it knows no formulas.
    app.connect("autodoc-process-docstring", _set_formulas, priority=400)
