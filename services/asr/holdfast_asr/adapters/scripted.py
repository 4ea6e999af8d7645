"""A recogniser that always hears the same words, at once: for measuring everything but recognition."""

from __future__ import annotations

from holdfast_asr.ports import HeardWord, Hearing, Listener, Request

PARTIAL_AFTER_S = 0.3
WORD_MS = 250


class Scripted:
    """Answers one fixed text the moment the utterance ends."""

    def __init__(self, text: str, *, streams: int = 1_000) -> None:
        self._text = text
        self._streams = streams

    def begin(self, request: Request, listener: Listener) -> ScriptedUtterance:
        return ScriptedUtterance(self._text, request, listener)

    def capacity(self) -> int:
        return self._streams

    def info(self) -> dict[str, str]:
        return {"engine": "scripted: HOLDFAST_ASR_ENGINE=scripted"}


class ScriptedUtterance:
    def __init__(self, text: str, request: Request, listener: Listener) -> None:
        self._text = text
        self._partial_from = int(request.rate_hz * PARTIAL_AFTER_S)
        self._listener = listener
        self._samples = 0

    def feed(self, pcm: bytes) -> None:
        if not self._samples:
            self._partial_from += len(pcm) // 2  # from before the first sound: nobody hears words in it
        before, self._samples = self._samples, self._samples + len(pcm) // 2
        self._listener.decoded(self._samples)
        if before < self._partial_from <= self._samples:
            self._listener.guessed(self._text)

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        del position, last
        words = tuple(HeardWord(w, i * WORD_MS, (i + 1) * WORD_MS) for i, w in enumerate(self._text.split()))
        return Hearing(self._text, 1.0, words, "scripted")

    def close(self) -> None:
        pass
