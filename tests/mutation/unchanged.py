"""Where a change changes nothing: types, and signs that are no operators."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# A star between parameters, and the one length of arrays that have one.
_NO_OPERATOR = re.compile(r"\*,|(?<=shape\[)0(?=\])")


def unchanged(path: Path) -> set[tuple[int, int]]:
    """Return the places, line and column, where there is nothing to change."""
    text = path.read_text("utf-8")
    tree, lines = ast.parse(text), enumerate(text.splitlines(), 1)
    found = {
        (n, one.start()) for n, line in lines for one in _NO_OPERATOR.finditer(line)
    }
    for one in types_in(tree):
        for line in range(one.lineno, one.end_lineno + 1):
            first = one.col_offset if line == one.lineno else 0
            last = one.end_col_offset if line == one.end_lineno else 1_000
            found |= {(line, column) for column in range(first, last)}
    return found


def types_in(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the annotations, and what is read by type checkers only."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(returns=ast.AST() as of):
                yield of
            case ast.arg(annotation=ast.AST() as of):
                yield of
            case ast.AnnAssign(annotation=of):
                yield of
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield node
