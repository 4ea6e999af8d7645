"""What Python 3.11.0 to 3.11.3 do otherwise (Debian 12 brings 3.11.2), and a newer one would not show in a test."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = ("libs", "services", "cli", "bench")


def test_nothing_is_raised_in_an_except_star_block() -> None:
    """It comes out in a group of its own there, and whoever waits for the error itself does not know it."""
    found = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for place in PLACES
        for path in (ROOT / place).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.TryStar)
        for handler in node.handlers
        for inner in ast.walk(handler)
        if isinstance(inner, ast.Raise)
    ]
    assert found == [], "catch ExceptionGroup and ask holdfast_common.errors.all_of"
