"""What was played and what was heard of it: sentences laid along the leg's samples.

The leg counts samples handed to it and samples played; a sentence's audio lies in spans of it (one,
or several where it was held and resumed). A word counts as heard when half of it was played.
Pure; positions are samples at the leg's rate.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from holdfast_common.contracts.dialogue import Heard
from holdfast_common.contracts.tts import WordTiming

Key = tuple[int, int]
"""(turn, sentence)."""


@dataclass(slots=True)
class _Laid:
    """One sentence on the leg."""

    words: int
    timings: dict[int, WordTiming] = field(default_factory=dict)
    spans: list[tuple[int, int, int]] = field(default_factory=list)
    """(leg sample, sentence sample, samples), ascending."""
    heard_to: int = 0
    """Sentence sample up to which it was played, of spans already forgotten."""
    length: int | None = None
    is_promised: bool = False

    def heard(self, position: int) -> int:
        """Sentence sample up to which it has sounded when the leg has played `position`."""
        reached = self.heard_to
        for at, offset, samples in self.spans:
            if position > at:
                reached = max(reached, offset + min(samples, position - at))
        return reached

    def words_heard(self, position: int) -> int:
        """Words in a row from the first, of which at least half has sounded."""
        if self.is_promised:
            return self.words
        reached = self.heard(position)
        if self.length is not None and reached >= self.length:
            return self.words
        count = 0
        while count < self.words and (timing := self.timings.get(count)) and reached * 2 >= timing.start + timing.end:
            if reached == 0:
                break
            count += 1
        return count


class Playout:
    """The sentences of the present and the last reply, as the caller hears them."""

    def __init__(self) -> None:
        self._laid: dict[Key, _Laid] = {}

    def announce(self, key: Key, words: int) -> None:
        """A sentence of so many words is to be played; sentences come in their order."""
        self._laid.setdefault(key, _Laid(words))

    def time_words(self, key: Key, timings: list[WordTiming]) -> None:
        for timing in timings:
            self._laid[key].timings[timing.word] = timing

    def lay(self, key: Key, at: int, offset: int, samples: int) -> None:
        """`samples` of the sentence from `offset` were handed to the leg as its sample `at`."""
        spans = self._laid[key].spans
        if spans and spans[-1][0] + spans[-1][2] == at and spans[-1][1] + spans[-1][2] == offset:
            first, begin, count = spans[-1]
            spans[-1] = (first, begin, count + samples)
        else:
            spans.append((at, offset, samples))

    def complete(self, key: Key, length: int) -> None:
        """The sentence's audio is `length` samples long in all."""
        self._laid[key].length = length

    def cut(self, position: int) -> None:
        """The leg threw away everything beyond `position`."""
        for laid in self._laid.values():
            laid.heard_to = laid.heard(position)
            laid.spans.clear()

    def restart(self, key: Key) -> int:
        """Sample of the sentence at which to go on: the beginning of the word that was cut."""
        laid = self._laid[key]
        starts = sorted(timing.start for timing in laid.timings.values())
        index = bisect_right(starts, laid.heard_to) - 1
        return starts[index] if index >= 0 and laid.heard_to else 0

    def sounded(self, key: Key, position: int) -> bool:
        """Whether anything of the sentence has reached the ear."""
        return key in self._laid and self._laid[key].heard(position) > 0

    def promise(self, key: Key) -> None:
        """The sentence is protected: whatever was cut of it will be played, so it counts as heard."""
        self._laid[key].is_promised = True

    def forget(self, key: Key) -> None:
        """The sentence was taken back before it sounded."""
        self._laid.pop(key, None)

    def show(self, key: Key) -> None:
        """The sentence was shown as text: heard whole, at once."""
        laid = self._laid[key]
        laid.length = laid.heard_to = 1

    def current(self, position: int) -> Key | None:
        """The sentence that sounds now, or sounded last."""
        latest: tuple[int, Key] | None = None
        for key, laid in self._laid.items():
            for at, _, _ in laid.spans:
                if at < position and (latest is None or at > latest[0]):
                    latest = (at, key)
        if latest is not None:
            return latest[1]
        played = [key for key, laid in self._laid.items() if laid.heard_to]
        return max(played) if played else None

    def heard(self, turn: int, position: int, *, interrupted: bool = False) -> Heard | None:
        """How much of a turn's reply was heard; None when it said nothing."""
        reply = [laid for key, laid in sorted(self._laid.items()) if key[0] == turn]
        if not reply:
            return None
        whole, words = 0, 0
        for laid in reply:
            count = laid.words_heard(position)
            if count < laid.words:
                words = count
                break
            whole += 1
        return Heard(turn=turn, sentences=whole, words_of_next=words, interrupted=interrupted)

    def whole(self, turn: int, position: int) -> bool:
        """All of the turn's announced sentences were heard to their last word."""
        reply = [laid for key, laid in self._laid.items() if key[0] == turn]
        return all(laid.words_heard(position) >= laid.words for laid in reply)

    def forget_before(self, turn: int) -> None:
        """Sentences of earlier turns matter no more."""
        for key in [key for key in self._laid if key[0] < turn]:
            del self._laid[key]
