"""Measure the built-in search on questions with known articles, without any server.

`holdfast eval knowledge` finds this module by its name. One JSON object a line: `text`, `article` (id; null or missing
where none answers), and optionally `id`, `kind`, `previous` (the agent's last words), `also_ok` (other fair first
hits) and `reason`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from holdfast_common.contracts.tools import KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.errors import SettingsError

from holdfast_tools.adapters.kept_vectors import KeptVectors
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.adapters.minilm import MiniLm

HITS = 3


class Asked(msgspec.Struct, frozen=True):
    """One question of the file."""

    text: str
    article: str | None = None
    id: str = ""
    kind: str = ""
    previous: str | None = None
    also_ok: list[str] | None = None
    reason: str | None = None

    @property
    def right(self) -> frozenset[str]:
        """Articles that are a fair first hit; none: out of scope."""
        return frozenset([self.article, *(self.also_ok or [])]) if self.article else frozenset()

    @property
    def told_kind(self) -> str:
        return self.kind or ("answerable" if self.article else "out_of_scope")


def read_questions(path: Path) -> list[Asked]:
    """Raises SettingsError naming every line that is no question."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {error}"]) from error
    questions: list[Asked] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            asked = msgspec.json.decode(line, type=Asked)
        except msgspec.MsgspecError as error:
            problems.append(f"{path}:{number}: {error}")
            continue
        questions.append(asked if asked.id else msgspec.structs.replace(asked, id=str(number)))
    if not questions and not problems:
        problems.append(f"{path}: no questions")
    if problems:
        raise SettingsError(problems)
    return questions


def open_knowledge(profile: Path, state: Path, *, by_words: bool = False) -> KnowledgeFolder:
    """The search as the service has it once everything is learnt. Raises SettingsError."""
    knowledge = KnowledgeFolder(profile)
    if not by_words:
        asyncio.run(knowledge.learn([lambda: MiniLm(state)], KeptVectors(state)))
    return knowledge


def evaluate(path: Path, profile: Path, state: Path, *, by_words: bool = False) -> dict[str, Any]:
    """Shares and every case. Raises SettingsError for a file or profile that cannot be read."""
    questions = read_questions(path)
    knowledge = open_knowledge(profile, state, by_words=by_words)
    known = set(knowledge.contents.articles)
    unknown = sorted({id_ for q in questions for id_ in q.right} - known)
    if unknown:
        raise SettingsError([f"{path}: the profile has no article {id_!r}" for id_ in unknown])
    found = asyncio.run(_ask_all(knowledge, questions))
    cases = [_case(asked, hits) for asked, hits in zip(questions, found, strict=True)]
    return {**shares(cases), "search": knowledge.meaning, "cases": cases}


async def _ask_all(knowledge: KnowledgeFolder, questions: Sequence[Asked]) -> list[KnowledgeHits]:
    return [
        await knowledge.search(KnowledgeSearch(text=q.text[:2000], previous=(q.previous or "")[:2000], limit=HITS))
        for q in questions
    ]


def _case(asked: Asked, found: KnowledgeHits) -> dict[str, Any]:
    hits = [hit.article for hit in found.hits]
    top1, top3 = bool(hits) and hits[0] in asked.right, bool(asked.right & set(hits))
    sure = found.sureness
    return {
        "id": asked.id,
        "kind": asked.told_kind,
        "text": asked.text,
        "article": asked.article,
        "outcome": {Sureness.SURE: "answered", Sureness.ASK_BACK: "asked_back", Sureness.UNSURE: "refused"}[sure],
        "outside": found.outside,
        "hits": hits,
        "scores": [round(hit.score, 3) for hit in found.hits],
        "top1": top1,
        "top3": top3,
        "ok": (top1 and sure == Sureness.SURE) if asked.right else sure != Sureness.SURE,
    }


def shares(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Fractions of the cases; None where there is nothing to take a fraction of."""
    answerable = [case for case in cases if case["article"]]
    outside = [case for case in cases if not case["article"]]
    answered = [case for case in answerable if case["outcome"] == "answered"]
    all_answers = [case for case in cases if case["outcome"] == "answered"]
    return {
        "n": len(cases),
        "top1": _share(answerable, lambda c: c["top1"]),
        "top3": _share(answerable, lambda c: c["top3"]),
        "out_of_scope_not_answered": _share(outside, lambda c: c["outcome"] != "answered"),
        "answerable_refused": _share(answerable, lambda c: c["outcome"] == "refused"),
        "answerable_asked_back": _share(answerable, lambda c: c["outcome"] == "asked_back"),
        "answers_right": _share(answered, lambda c: c["top1"]),
        "answers_right_of_all_given": _share(all_answers, lambda c: c["top1"]),
    }


def _share(cases: Sequence[dict[str, Any]], holds: Any) -> float | None:
    return sum(bool(holds(case)) for case in cases) / len(cases) if cases else None
