"""What is refused in one sentence, and how a test says which."""

from __future__ import annotations

import re
from typing import Any

import pytest


def says(sentence: str, kind: type[ValueError] = ValueError, *, end: str = "$") -> Any:
    """Expect an error of exactly this sentence, or with no `end` of its start."""
    return pytest.raises(kind, match=f"^{re.escape(sentence)}{end}")
