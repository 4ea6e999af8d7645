"""What a call needs of its way to speak, and who wants to know how the speaking goes."""

from __future__ import annotations

from typing import Protocol

from holdfast_common.contracts.dialogue import Heard, Sentence


class Audience(Protocol):
    """Who wants to know how the speaking goes."""

    def on_begun(self, turn: int, sentence: Sentence) -> None:
        """Handed to the leg: it counts as said, unless it is cut."""
        ...

    def on_sounding(self, turn: int, sentence: Sentence) -> None:
        """The caller begins to hear it."""
        ...

    def on_audio(self, turn: int) -> None:
        """The first audio of a turn's reply has come from the synthesiser."""
        ...

    def on_audible(self, turn: int, in_s: float) -> None:
        """The first audible sample of a turn's reply goes out, `in_s` behind the message's first."""
        ...

    def on_clip_audible(self, in_s: float) -> None:
        """The first audible sample of a clip goes out, `in_s` behind the message's first."""
        ...

    def on_quiet(self, *, spoke: bool) -> None:
        """Everything was played to its end; `spoke`: there was a sentence (not only clips) in it."""
        ...


class Mouth(Protocol):
    """What a call needs of its way to speak."""

    @property
    def is_busy(self) -> bool:
        """Something waits to be played, or plays."""
        ...

    @property
    def is_sounding(self) -> bool: ...
    @property
    def has_protected(self) -> bool: ...
    def prepare(self, turn: int, sentence: Sentence) -> None:
        """Have it made sound, in case it will be said."""
        ...

    def say(self, turn: int, sentence: Sentence) -> None: ...
    def say_clip(self, text: str, pcm: bytes | None) -> None: ...
    def hold(self) -> None: ...
    def resume(self) -> None: ...
    def interrupt(self) -> None:
        """Drop everything that is not protected; what is protected waits, held, for `resume`."""
        ...

    def drop(self, turn: int, *, begun: bool) -> None:
        """Forget sentences of a turn: all of them, or (not `begun`) those that have not begun."""
        ...

    def heard(self, turn: int, *, interrupted: bool = False) -> Heard | None: ...
    def all_heard(self, turn: int) -> bool: ...
    def was_audible(self, turn: int) -> bool: ...
    def said_last(self) -> Sentence | None:
        """The sentence that sounds now or sounded last (clips do not count); None: nothing yet."""
        ...

    def close(self) -> None: ...
