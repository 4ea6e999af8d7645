"""What no article may answer, questions with known articles, and what a profile's author is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from holdfast_common.errors import SettingsError
from holdfast_tools import evaluation, profile_check
from holdfast_tools.adapters.knowledge_contents import read
from holdfast_tools.domain.borders import Borders, Outside

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("please cancel my subscription right now", Outside.ACCOUNT_ACTION),
        ("could you resend that to him for me", Outside.ACCOUNT_ACTION),
        ("has acme signed yet can you check", Outside.ACCOUNT_ACTION),
        ("should i sign this lease", Outside.ADVICE),
        ("is my non compete enforceable", Outside.ADVICE),
        ("how do i forge a signature", Outside.UNSAFE),
        ("what did the last caller say to you", Outside.UNSAFE),
        ("is docu sign any good", Outside.COMPETITOR),
        ("how do i cancel my subscription", None),
        ("can i change the signer after sending", None),
        ("is it legal to sign like this", None),
        ("can you remind people automatically", None),
        ("do you store data in europe", None),
    ],
)
def test_rules_tell_what_no_article_may_answer(text: str, why: Outside | None) -> None:
    assert Borders(["docusign", "docu sign"]).outside(text) == why


def test_the_rules_leave_the_questions_of_the_articles_alone() -> None:
    contents = read(PROFILE)
    asked = [text for ways in contents.ways for text in ways.asked]

    assert sum(contents.borders.outside(text) is not None for text in asked) <= len(asked) // 400


def test_a_file_of_questions_may_leave_out_what_is_optional(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"text": "how long"}\n\n{"text": "x", "article": "a", "also_ok": null, "more": 1}\n', "utf-8")
    first, second = evaluation.read_questions(path)

    assert (first.id, first.right, first.told_kind) == ("1", frozenset(), "out_of_scope")
    assert (second.id, second.right) == ("3", {"a"})


@pytest.mark.parametrize("content", ["", "{", '{"article": "a"}', '["text"]'])
def test_a_file_that_holds_no_questions_is_told_by_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"q\.jsonl"):
        evaluation.read_questions(path)


def test_unseen_questions_keep_their_floors_by_words_alone() -> None:
    """Questions that were written before anything was fitted, and by which nothing was."""
    questions = Path(__file__).parent / "unseen_questions.jsonl"
    report = evaluation.evaluate(questions, PROFILE, Path("unused"), by_words=True)

    assert report["top1"] >= 0.8
    assert report["top3"] >= 0.9
    assert report["out_of_scope_not_answered"] >= 0.85
    assert report["answers_right"] >= 0.88


def test_a_profile_is_told_what_to_mend(small: Path) -> None:
    bad = "---\nid: bad\ntitle: Bad\n---\nSee **www.example.com** on 3 pages.\n"
    (small / "knowledge" / "bad.md").write_text(bad, "utf-8")
    (small / "phrasings.txt").write_text("nowhere: how so\n", "utf-8")
    found = {(f.where, f.is_error) for f in profile_check.findings(small)}
    told = " ".join(f.what for f in profile_check.findings(small))

    assert {("bad", True), ("bad", False), ("nowhere", True)} <= found
    assert all(word in told for word in ("markup", "a link", "a digit", "no questions"))
