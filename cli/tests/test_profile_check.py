"""`holdfast profile check`: what a profile names has to be in its other files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from holdfast_cli.profile_check import _of_names
from holdfast_common.profile import Legal, load_profile

SHIPPED = Path("profiles/trial_success")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "knowledge").mkdir()
    shutil.copy(SHIPPED / "knowledge" / "cancel-trial.md", tmp_path / "knowledge")
    shutil.copy(SHIPPED / "not_covered_slots.json", tmp_path)
    return tmp_path


def test_the_shipped_profile_names_what_is_there() -> None:
    assert list(_of_names(SHIPPED, load_profile(SHIPPED))) == []


def test_articles_rivals_and_questions_of_law_that_are_not_there_are_told(folder: Path) -> None:
    profile = load_profile(SHIPPED).model_copy(
        update={"self_service": {"gone": "Do it so."}, "competitors": ["DocuSign"], "legal": Legal(words=["sign"])}
    )
    found = list(_of_names(folder, profile))

    assert (True, "self_service.gone", "there is no such article") in found
    assert (True, "legal.question", "words are given and no question to look up") in found
    rivals = [what for is_error, where, what in found if where == "competitors" and not is_error]
    assert any("qwilr" in what for what in rivals)
    assert not any("docu" in what for what in rivals)
