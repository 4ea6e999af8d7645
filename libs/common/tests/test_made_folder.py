"""A folder made once: whole or not there, and made by whoever comes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from holdfast_common.made_folder import made_once


def test_it_is_made_once_and_then_read(tmp_path: Path):
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "facts").write_text("1")

    first, again = (made_once(tmp_path / "cache" / "model", "facts", make) for _ in range(2))
    assert first == again and (first / "facts").read_text() == "1"
    assert len(made) == 1 and [p.name for p in (tmp_path / "cache").iterdir()] == ["model"]


def test_a_failure_leaves_nothing(tmp_path: Path):
    def make(folder: Path) -> None:
        (folder / "facts").write_text("half")
        raise RuntimeError("out of words")

    with pytest.raises(RuntimeError):
        made_once(tmp_path / "model", "facts", make)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_once_it_is_old(tmp_path: Path):
    old, young = tmp_path / ".making-old", tmp_path / ".making-young"
    for left in (old, young):
        left.mkdir()
        (left / "half").write_text("x")
    os.utime(old, (0, 0))

    made_once(tmp_path / "model", "facts", lambda folder: (folder / "facts").touch())
    assert not old.exists() and young.exists()


def test_a_folder_that_cannot_be_kept_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        made_once(tmp_path / "file" / "model", "facts", lambda folder: (folder / "facts").touch())


def test_another_process_may_be_quicker(tmp_path: Path):
    def make(folder: Path) -> None:
        (folder / "facts").write_text("mine")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "facts").write_text("theirs")

    assert (made_once(tmp_path / "model", "facts", make) / "facts").read_text() == "theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
