"""How the pages are built: ``sphinx-build -W --keep-going docs build/docs``."""

import os

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

myst_heading_anchors = 3
# Files of the repository that are no page of these.
myst_url_schemes = ["http", "https", "mailto"]
