"""Tools in memory, for tests, demonstrations and evaluations in text: a few articles and a calendar.

Behaves like the tools service where the dialogue can tell: sureness, exactly-once by key, taken
openings, outages. What was asked stands in `asked`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import (
    Booking,
    BookingState,
    CalendarAvailability,
    CalendarBook,
    CalendarCancel,
    CalendarChange,
    CalendarStatus,
    Hit,
    KnowledgeHits,
    KnowledgeSearch,
    Openings,
    Sureness,
    ToolCall,
    ToolResult,
)
from holdfast_common.errors import StreamFailed
from holdfast_common.profile import Article

MISSING = 4.0
"""Weight of a word that no article has: about that of one which a single article has."""


@dataclass
class FakeTools:
    """A `Tools` whose world is in plain sight."""

    articles: list[Article] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    """Openings, UTC instants."""
    zone: str = "America/New_York"
    taken_once: set[str] = field(default_factory=set)
    """Openings that are listed as free and turn out taken when booked the first time."""
    down: set[str] = field(default_factory=set)
    """Names of calls that fail: `calendar`, `knowledge`, or a call's class name."""
    before: Callable[[ToolCall], Awaitable[None]] | None = None
    """Called before each call is served: a test may wait in it."""
    asked: list[ToolCall] = field(default_factory=list)
    ledger: dict[str, Booking] = field(default_factory=dict)

    def begin(self, request: ToolCall, *, call: str, generation: int, deadline_s: float) -> asyncio.Task[ToolResult]:
        self.asked.append(request)
        return asyncio.get_running_loop().create_task(self._within(request, deadline_s))

    @property
    def booked(self) -> list[Booking]:
        return [b for b in self.ledger.values() if b.state is BookingState.BOOKED]

    async def _within(self, request: ToolCall, deadline_s: float) -> ToolResult:
        try:
            async with asyncio.timeout(deadline_s):
                return await self._serve(request)
        except TimeoutError as error:
            raise StreamFailed(ErrorCode.DEADLINE, f"tools: no result in {deadline_s:.1f} s") from error

    async def _serve(self, request: ToolCall) -> ToolResult:
        if self.before:
            await self.before(request)
        kind = "knowledge" if isinstance(request, KnowledgeSearch) else "calendar"
        if kind in self.down or type(request).__name__ in self.down:
            raise StreamFailed(ErrorCode.UNAVAILABLE, f"{kind}: away")
        match request:
            case KnowledgeSearch():
                return self._search(request)
            case CalendarAvailability():
                starts = sorted(s for s in self.free if request.start <= s <= request.end)[: request.limit]
                return Openings(starts=starts, duration_min=30, zone=self.zone)
            case CalendarBook():
                return self._book(request)
            case CalendarChange():
                return self._change(request)
            case CalendarCancel():
                return self._cancel(request)
            case CalendarStatus():
                return self.ledger.get(request.key, Booking(key=request.key, state=BookingState.NONE))
            case _:
                raise StreamFailed(ErrorCode.BAD_INPUT, f"{type(request).__name__} is not served here")

    def _search(self, request: KnowledgeSearch) -> KnowledgeHits:
        bags = {a.id: _stems(" ".join((a.title, *a.questions, *a.phrasings))) for a in self.articles}
        spread = Counter(stem for bag in bags.values() for stem in bag)
        weights = {stem: math.log(1 + len(bags) / count) for stem, count in spread.items()}
        own, both = _stems(request.text), _stems(f"{request.previous} {request.text}")

        def likeness(article: Article) -> float:
            alone = _coverage(own, bags[article.id], weights)
            return 0.6 * alone + 0.4 * _coverage(both, bags[article.id], weights) if request.previous else alone

        scored = sorted(((likeness(a), a) for a in self.articles), key=lambda pair: -pair[0])[: request.limit]
        hits = [
            Hit(article=a.id, title=a.title, answer=a.answer, score=min(1.0, s), details=a.details) for s, a in scored
        ]
        best = scored[0][0] if scored else 0.0
        margin = best - scored[1][0] if len(scored) > 1 else best
        sureness = Sureness.SURE if best > 0.6 else Sureness.UNSURE
        return KnowledgeHits(sureness=Sureness.ASK_BACK if 0.5 < best <= 0.6 and margin < 0.05 else sureness, hits=hits)

    def _book(self, request: CalendarBook) -> Booking:
        if request.key in self.ledger:
            return self.ledger[request.key]
        outcome = Booking(key=request.key, state=BookingState.TAKEN)
        if request.start in self.taken_once:
            self.taken_once.discard(request.start)
            self.free.remove(request.start)
        elif request.start in self.free:
            self.free.remove(request.start)
            outcome = Booking(
                key=request.key,
                state=BookingState.BOOKED,
                start=request.start,
                duration_min=request.duration_min,
                attendee_email=request.attendee_email,
                reference=request.key[:6],
            )
        self.ledger[request.key] = outcome
        return outcome

    def _change(self, request: CalendarChange) -> Booking:
        old = self.ledger.get(request.booking)
        if request.start not in self.free or old is None:
            return Booking(key=request.key, state=BookingState.TAKEN)
        self.free.remove(request.start)
        self.free.append(old.start)
        moved = Booking(
            key=request.booking,
            state=BookingState.BOOKED,
            start=request.start,
            duration_min=old.duration_min,
            attendee_email=old.attendee_email,
        )
        self.ledger[request.booking] = moved
        return moved

    def _cancel(self, request: CalendarCancel) -> Booking:
        old = self.ledger.get(request.booking)
        if old:
            self.free.append(old.start)
        cancelled = Booking(key=request.booking, state=BookingState.CANCELLED)
        self.ledger[request.booking] = cancelled
        return cancelled


def _stems(text: str) -> set[str]:
    """Longer words by their first letters: enough to tell a handful of articles apart."""
    return {word[:5] for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 3}


def _coverage(wanted: set[str], there: set[str], weights: dict[str, float]) -> float:
    total = sum(weights.get(stem, MISSING) for stem in wanted)
    return sum(weights.get(stem, MISSING) for stem in wanted & there) / total if total else 0.0
