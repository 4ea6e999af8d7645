"""The page of benchmarks says what the newest results say."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_of_the_newest_results():
    """Else: `python bench/calls.py page`."""
    page = runpy.run_path(str(ROOT / "bench/benchmarks_page.py"))

    assert (ROOT / "docs/benchmarks.md").read_text("utf-8") == page["text"]()
