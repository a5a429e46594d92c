"""What is refused in one sentence, and how a test says which."""

from __future__ import annotations

import re
from typing import Any

import pytest


def says(sentence: str, *, end: str = "$") -> Any:
    """Expect a ValueError of exactly this sentence, or with no `end` of its start."""
    return pytest.raises(ValueError, match=f"^{re.escape(sentence)}{end}")
