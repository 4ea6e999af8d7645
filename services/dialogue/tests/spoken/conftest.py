"""Tables of phrasings: `what was said | what it means`, one a line, in phrasings/<table>.txt; `#` begins a comment.

A test called test_<table>__<behaviour> that takes `row` runs once for each line of its table.
"""

from pathlib import Path

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        name = metafunc.definition.name.removeprefix("test_").partition("__")[0]
        lines = (Path(__file__).parent / "phrasings" / f"{name}.txt").read_text("utf-8").splitlines()
        rows = [tuple(c.strip() for c in line.split(" | ")) for line in lines if line and not line.startswith("#")]
        assert len(set(rows)) == len(rows), f"{name}: a line is there twice"
        metafunc.parametrize("row", rows, ids=[" / ".join(row[:-1]) for row in rows])
