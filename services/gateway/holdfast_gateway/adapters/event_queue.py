"""What comes from a caller, waiting for the call logic: bounded, in order.

Drop policy: audio beyond 10 s gives way oldest first (the call logic has stalled; the present matters
more than the past) and is counted; words, digits and hang-ups are never dropped: a connection that
sends more of them than `MAX_OTHERS` before they are read is flooding, and `put` says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from holdfast_gateway.ports import AudioIn, LegEvent, PositionMoved

MAX_AUDIO = 500
MAX_OTHERS = 200


class EventQueue:
    """One producer (the socket), one consumer (the call logic), one event loop."""

    def __init__(self) -> None:
        self._events: deque[LegEvent] = deque()
        self._audio = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._hear: Callable[[AudioIn], None] | None = None
        self.dropped = 0
        """Frames of audio thrown away."""

    def put(self, event: LegEvent) -> bool:
        """Add an event; False: too many that may not be dropped are waiting."""
        if self._ended:
            return True
        if isinstance(event, AudioIn):
            if self._hear is not None and not self._events:
                self._hear(event)
                return True
            self._audio += 1
            if self._audio > MAX_AUDIO:
                self._drop_oldest_audio()
        elif isinstance(event, PositionMoved) and self._events and isinstance(self._events[-1], PositionMoved):
            return True  # the position is asked for, not carried: one is as good as two
        elif len(self._events) - self._audio >= MAX_OTHERS:
            return False
        self._events.append(event)
        self._wake()
        return True

    def hear_at_once(self, hear: Callable[[AudioIn], None] | None) -> None:
        """Give audio to `hear` as it comes, while nothing else waits before it: no task wakes for a frame."""
        self._hear = hear

    def end(self) -> None:
        """Nothing more will come; what is there is still read."""
        self._ended = True
        self._wake()

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> LegEvent:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.popleft()
        if isinstance(event, AudioIn):
            self._audio -= 1
        return event

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _drop_oldest_audio(self) -> None:
        for i, event in enumerate(self._events):
            if isinstance(event, AudioIn):
                del self._events[i]
                self._audio -= 1
                self.dropped += 1
                return
