"""Stand-ins that need no disk: for tests of the handlers and for scripted runs."""

from __future__ import annotations

from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness

from holdfast_tools.domain.wishes import Wish


class ScriptedKnowledge:
    """Knows what it was told: question text -> hits. Anything else: unsure."""

    def __init__(self, answers: dict[str, list[Hit]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[KnowledgeSearch] = []

    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        self.asked.append(question)
        hits = self.answers.get(question.text, [])
        return KnowledgeHits(sureness=Sureness.SURE if hits else Sureness.UNSURE, hits=hits, source="scripted")


class CollectedInvitations:
    """Keeps what would have been written; `broken` plays a full disk."""

    def __init__(self) -> None:
        self.written: list[Wish] = []
        self.broken = False

    async def write(self, wish: Wish) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.written.append(wish)
