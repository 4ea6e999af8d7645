"""Stands between a spoken call and its dialogue: stops the dialogue's clock and writes down every turn.

What a scenario expects is judged on turns and sentences. In text the player of the scenario makes the
turns itself; by voice the gateway makes them, out of what was heard, and they are read off here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from holdfast_common.contracts.dialogue import Committed, Sentence, Turn
from holdfast_common.contracts.wire import Message
from holdfast_common.stream.api import Handler, Session
from msgspec.structs import replace

OnTurn = Callable[[Turn, list[Sentence], Committed], Awaitable[None]]


class DialogueTap:
    """The tap of one call."""

    def __init__(self, now: str, on_turn: OnTurn, before_turn: Callable[[], None]) -> None:
        """`now`: the instant at which the whole call takes place. `on_turn` is told each committed turn."""
        self._now = now
        self._on_turn = on_turn
        self._before_turn = before_turn
        self.open = 0
        """Turns that the dialogue is working on."""

    def around(self, handler: Handler) -> Handler:
        async def handle(session: Session) -> None:
            self.open += 1
            try:
                self._before_turn()
                await handler(_Tapped(session, self._now, self._on_turn))  # type: ignore[arg-type] - passes the rest on
            finally:
                self.open -= 1

        return handle


class _Tapped:
    """A session that remembers what was said in it."""

    def __init__(self, session: Session, now: str, on_turn: OnTurn) -> None:
        self._session = session
        self._on_turn = on_turn
        self._reply: list[Sentence] = []
        self.first: Turn = replace(session.first, now=now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._session.__aiter__()

    async def send(self, result: Message) -> None:
        if isinstance(result, Sentence):
            self._reply.append(result)
        elif isinstance(result, Committed):
            await self._on_turn(self.first, [*self.first.accepted, *self._reply], result)
        await self._session.send(result)
