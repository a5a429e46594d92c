"""Who may import whom: imports go downward only, and each library has one door."""

import ast
from pathlib import Path

import pytest

import focal_boost

PACKAGE = Path(focal_boost.__file__).parent
MAX_LINES = 300

_OBJECTIVE = {"objective", "_rows", "loss", "_validation"}
_ADAPTER = {"_adapter", "metrics", "_kernels", *_OBJECTIVE}
# What each room of the package may import, from the cellar up. A room is a file or
# a folder beside __init__.py; a file in a folder may have a line of its own.
MAY_IMPORT = {
    "_validation": set(),
    "_recommended": {"_validation"},
    "_phi": set(),
    "_logit": {"_phi"},
    "loss": {"_logit", "_phi", "_validation"},
    "links": {"loss", "_logit", "_validation"},
    "_kernels": {"_validation"},
    # What is fitted to a link, and the numbers of it that a kernel is handed.
    "_kernels/fit": {"_logit"},
    "_kernels/known": {"links"},
    "_kernels/cuda": {"_logit"},
    "_rows": {"_kernels", "_validation"},
    "objective": {"links", "loss", "_rows", "_kernels", "_validation"},
    "multi": {"_kernels", *_OBJECTIVE},
    "metrics": {"_kernels", *_OBJECTIVE},
    "multi_metrics": {"metrics", "multi", *_OBJECTIVE},
    "_adapter": {"multi", *_OBJECTIVE},
    # A saved model says the version of the package.
    "_adapter/saved": {"multi", "objective", "_validation", "__init__"},
    "xgboost": {"multi", "multi_metrics", *_ADAPTER},
    "lightgbm": {"multi", "multi_metrics", *_ADAPTER},
    "__init__": set(),  # it loads the public names at first use
}
# These may import every room, and none of the rooms above may import them.
TOP_FLOOR = {
    *("__main__", "command", "comparison", "dask", "datasets", "ensemble", "mlflow"),
    *("onnx", "plotting", "thresholds", "tuning"),
}
COMPILED = ("cpu", "cpu_log_loss", "cpu_logit", "elementary", "faults", "llvm")
COMPILED += ("openmp", "scores")
# The room, or the files in it, that may import a library.
DOORS = {
    "xgboost": ("xgboost", "dask/_xgboost"),
    "lightgbm": ("lightgbm", "dask/_lightgbm"),
    "dask": ("dask",),
    "distributed": ("dask",),
    "mlflow": ("mlflow",),
    "onnx": ("onnx",),
    "onnxmltools": ("onnx",),
    "skl2onnx": ("onnx",),
    "cupy": ("_kernels/cuda",),
    "llvmlite": ("_kernels/openmp",),
    "numba": tuple(f"_kernels/{file}" for file in COMPILED),
}


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def running_nodes(node):
    """Yield every node below `node` but those only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            for other in child.orelse:
                yield from (other, *running_nodes(other))
        else:
            yield from (child, *running_nodes(child))


def from_targets(node, parents):
    """Return what a "from … import …" inside the package `parents` imports."""
    base = node.module or ""
    if node.level:
        anchor = parents[: len(parents) - node.level + 1]
        base = ".".join([*anchor, *filter(None, [base])])
    if base == "focal_boost":
        return [f"focal_boost.{alias.name}" for alias in node.names]
    return [base]


def imported_modules(path, package):
    """Yield the full name of every module that the file imports when it runs."""
    parents = ["focal_boost", *path.relative_to(package).parent.parts]
    for node in running_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield from from_targets(node, parents)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def own_room(module, package):
    """Return the room of "focal_boost.<name>"; a public name is the front door's."""
    room = module.removeprefix("focal_boost").removeprefix(".").split(".")[0]
    is_module = (package / f"{room}.py").exists() or (package / room).is_dir()
    return room if room and is_module else "__init__"


def import_violations(path, package):
    """Yield a sentence for every import that the file may not make."""
    file = path.relative_to(package).with_suffix("").as_posix()
    room = file.split("/")[0]
    if room not in MAY_IMPORT and room not in TOP_FLOOR:
        yield f"{file} has no floor; add {room} to MAY_IMPORT or to TOP_FLOOR"
        return
    for module in imported_modules(path, package):
        library = module.split(".")[0]
        doors = DOORS.get(library, (room,))
        if not {room, file}.intersection(doors):
            yield f"{file} imports {library}; only {', '.join(doors)} may"
        if library != "focal_boost" or room in TOP_FLOOR:
            continue
        other, which = own_room(module, package), file if file in MAY_IMPORT else room
        if other not in {room, *MAY_IMPORT[which]}:
            allowed = ", ".join(sorted(MAY_IMPORT[which])) or "nothing of ours"
            yield f"{file} imports {other}; {which} may import {allowed}"


def violations(package):
    """Return a sentence for every broken rule of the house."""
    found = []
    for path in sorted(package.rglob("*.py")):
        found.extend(import_violations(path, package))
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            file = path.relative_to(package).as_posix()
            found.append(f"{file} has {lines} lines; at most {MAX_LINES} are allowed")
    return found


def build(folder, files):
    """Write a package of the given files and return its folder."""
    package = folder / "focal_boost"
    sound = {
        "__init__.py": "from importlib import import_module",
        "_phi.py": "import numpy",
        "_logit.py": "from focal_boost._phi import phi",
        "loss.py": "from focal_boost import _logit\nfrom ._phi import phi",
        "links.py": "from focal_boost.loss import FocalLoss",
        "_kernels/__init__.py": "",
        "_kernels/cpu.py": "import numba\nfrom numba import njit",
        "_kernels/known.py": "from focal_boost.links import Link",
        "objective.py": "def f():\n    from focal_boost._kernels import cpu",
        "xgboost/__init__.py": "import xgboost\nfrom focal_boost.xgboost import _train",
        "xgboost/_train.py": "from xgboost import Booster\nimport focal_boost.loss",
        "command/_cli.py": "from focal_boost import FocalLoss, xgboost",
    }
    for name, text in {**sound, **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


def reachable(rooms):
    """Return all that can be imported by way of these rooms."""
    found, todo = set(), set(rooms)
    while todo:
        found |= todo
        further = (
            allowed
            for room, allowed in MAY_IMPORT.items()
            if room.split("/")[0] in todo
        )
        todo = set().union(*further) - found
    return found


def test_the_package_keeps_the_rules():
    assert violations(PACKAGE) == []


def test_imports_have_no_way_back():
    for room, allowed in MAY_IMPORT.items():
        assert not allowed & TOP_FLOOR, room
        for other in reachable(allowed):
            assert room.split("/")[0] != other, f"{room} by way of {sorted(allowed)}"


def test_every_file_is_seen():
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert {"loss.py", "_kernels/cpu.py", "objective.py", "metrics.py"} <= files
    seen = set(imported_modules(PACKAGE / "objective.py", PACKAGE))
    assert {"numpy", "focal_boost.loss", "focal_boost._kernels.known"} <= seen


class TestChecker:
    """The checker on a small house of its own."""

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("loss.py", "import focal_boost._logit as link, math"),
            ("tuning.py", "import focal_boost.command"),
            ("__main__.py", "from focal_boost.command import main"),
            ("_kernels/cuda.py", "import cupy"),
            ("_kernels/fit.py", "from focal_boost._logit import shapes"),
            ("lightgbm.py", "import lightgbm\nfrom focal_boost.objective import x"),
            ("lightgbm/_model.py", "def f():\n    import lightgbm.basic"),
            (
                "loss.py",
                "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    import xgboost, focal_boost.command",
            ),
            ("loss.py", "\n" * (MAX_LINES - 1) + "x = 1"),
        ],
    )
    def test_sound_house_passes(self, tmp_path, file, text):
        assert violations(build(tmp_path, {file: text})) == []

    @pytest.mark.parametrize(
        ("file", "text", "imported"),
        [
            ("_phi.py", "from focal_boost.loss import FocalLoss", "loss"),
            ("loss.py", "import focal_boost.objective", "objective"),
            ("_logit.py", "from focal_boost import command", "command"),
            ("_logit.py", "from . import loss", "loss"),
            ("_logit.py", "from focal_boost import FocalLoss", "__init__"),
            ("_kernels/cpu.py", "from ..links import Link", "links"),
            ("_kernels/known.py", "from ..objective import x", "objective"),
            ("_kernels/fit.py", "from focal_boost.links import Link", "links"),
            (
                "loss.py",
                "def f():\n    from focal_boost._kernels import cpu",
                "_kernels",
            ),
            (
                "loss.py",
                "import importlib as i\ni.import_module('focal_boost.command')",
                "command",
            ),
            (
                "loss.py",
                "if TYPE_CHECKING:\n    pass\nelse:\n    import focal_boost.command",
                "command",
            ),
            ("__init__.py", "from focal_boost.loss import FocalLoss", "loss"),
            ("lightgbm/_train.py", "from focal_boost import xgboost", "xgboost"),
            ("xgboost/_train.py", "import focal_boost._phi", "_phi"),
        ],
    )
    def test_import_upward_is_named(self, tmp_path, file, text, imported):
        (sentence,) = violations(build(tmp_path, {file: text}))
        file = file.removesuffix(".py")
        which = file if file in MAY_IMPORT else file.split("/")[0]
        allowed = ", ".join(sorted(MAY_IMPORT[which])) or "nothing of ours"
        assert sentence == f"{file} imports {imported}; {which} may import {allowed}"

    @pytest.mark.parametrize(
        ("file", "text", "library"),
        [
            (
                "command/_cli.py",
                "try:\n    import xgboost\nexcept ImportError:\n    pass",
                "xgboost",
            ),
            ("xgboost/_train.py", "from lightgbm import Booster", "lightgbm"),
            ("_kernels/cpu.py", "import cupy.cuda", "cupy"),
            ("_kernels/cuda.py", "from numba import njit", "numba"),
        ],
    )
    def test_library_through_another_door_is_named(self, tmp_path, file, text, library):
        doors = ", ".join(DOORS[library])
        sentence = f"{file.removesuffix('.py')} imports {library}; only {doors} may"
        assert violations(build(tmp_path, {file: text})) == [sentence]

    def test_unknown_room_is_named(self, tmp_path):
        house = build(tmp_path, {"attic.py": "import math"})
        sentence = "attic has no floor; add attic to MAY_IMPORT or to TOP_FLOOR"
        assert violations(house) == [sentence]

    def test_long_file_is_named(self, tmp_path):
        house = build(tmp_path, {"plotting.py": "\n" * MAX_LINES + "x = 1"})
        sentence = "plotting.py has 301 lines; at most 300 are allowed"
        assert violations(house) == [sentence]
