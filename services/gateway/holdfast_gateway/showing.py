"""The mouth of a leg without audio: sentences are shown, and count as heard at once."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.dialogue import Heard, Sentence

from holdfast_gateway.domain.playout import Playout
from holdfast_gateway.mouth import Audience
from holdfast_gateway.ports import Caption, Leg


class Shower:
    """A `Mouth` that writes."""

    is_busy = False
    is_sounding = False
    has_protected = False

    def __init__(self, leg: Leg, audience: Audience) -> None:
        self._leg = leg
        self._audience = audience
        self._playout = Playout()
        self._last: Sentence | None = None
        self._audible_turn: int | None = None
        self._quiet: asyncio.Handle | None = None

    def prepare(self, turn: int, sentence: Sentence) -> None:
        """Text needs no preparation."""

    def say(self, turn: int, sentence: Sentence) -> None:
        key = (turn, sentence.index)
        self._playout.forget_before(turn)
        self._playout.announce(key, len(sentence.text.split()))
        self._playout.show(key)
        self._last = sentence
        self._leg.show(Caption("agent", sentence.text, turn=turn, sentence=sentence.index))
        if self._audible_turn != turn:
            self._audible_turn = turn
            self._audience.on_audio(turn)
            self._audience.on_audible(turn, 0.0)
        self._audience.on_begun(turn, sentence)
        self._audience.on_sounding(turn, sentence)
        if self._quiet is None:
            self._quiet = asyncio.get_running_loop().call_soon(self._report_quiet)

    def say_clip(self, text: str, pcm: bytes | None) -> None:
        self._leg.show(Caption("agent", text))

    def hold(self) -> None:
        """Text that is shown stays."""

    def resume(self) -> None:
        """Nothing was held."""

    def interrupt(self) -> None:
        """Nothing waits to be said."""

    def drop(self, turn: int, *, begun: bool) -> None:
        """What is shown cannot be taken back."""

    def heard(self, turn: int, *, interrupted: bool = False) -> Heard | None:
        return self._playout.heard(turn, 1, interrupted=interrupted)

    def all_heard(self, turn: int) -> bool:
        return self._playout.whole(turn, 1)

    def was_audible(self, turn: int) -> bool:
        return self._audible_turn == turn

    def said_last(self) -> Sentence | None:
        return self._last

    def close(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()

    def _report_quiet(self) -> None:
        self._quiet = None
        self._audience.on_quiet(spoke=True)
