"""Which decodes to believe: silence, inventions and loops told from words.

Whisper always writes something: over silence or noise, what its training data had there ("Thanks for
watching"); in trouble, one phrase over and over. The first three thresholds are those of OpenAI's own decoder
(github.com/openai/whisper, transcribe.py) and of faster-whisper; the phrases are the ones users of both report.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

_OTHER = re.compile(r"[^\w' ]+")

NEVER_SAID = frozenset(
    {
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "don't forget to subscribe",
        "subtitles by the amara org community",
        "subtitles by",
        "transcription by castingwords",
        "see you in the next video",
        "i'll see you in the next one",
        "we'll be right back",
        "music",
        "applause",
        "silence",
        "blank_audio",
        "inaudible",
    }
)
"""Nobody says these to a telephone agent."""
SELDOM_SAID = frozenset(
    {"thank you", "thank you very much", "thanks", "you", "bye", "bye bye", "okay", "ok", "so", "oh", "i", "the", "hmm"}
)
"""Said by callers, and by Whisper over noise: believed when nothing else speaks against them."""


class Verdict(StrEnum):
    WORDS = "words"
    SILENCE = "silence"
    """No words in it, or none that anybody said."""
    DOUBTFUL = "doubtful"
    """Perhaps better with the whole window; from the whole window, better not acted on."""


@dataclass(frozen=True, slots=True)
class Decode:
    """What one decode says of itself."""

    text: str
    avg_logprob: float
    """Mean natural logarithm of the tokens' probabilities."""
    no_speech: float
    """Probability of the no-speech token at the start."""
    cut: bool = False
    """It had not ended when it ran out of tokens."""
    audio_s: float = 0.0

    @property
    def compression(self) -> float:
        """How much smaller zlib makes the text: a loop compresses well."""
        raw = self.text.encode()
        return len(raw) / len(zlib.compress(raw)) if raw else 0.0


@dataclass(frozen=True, slots=True)
class Gates:
    min_logprob: float = -1.0
    max_compression: float = 2.4
    max_no_speech: float = 0.6
    suspect_no_speech: float = 0.3
    suspect_logprob: float = -0.6
    """From here on a phrase that is seldom said is taken for invented."""
    max_words_per_s: float = 7.0
    """Over at least a second; auctioneers reach 5."""

    def judge(self, decode: Decode) -> Verdict:
        words = _OTHER.sub(" ", decode.text.lower().replace("\u2019", "'")).split()
        if not words:
            return Verdict.SILENCE
        unsure = decode.avg_logprob < self.min_logprob
        if decode.no_speech > self.max_no_speech and unsure:
            return Verdict.SILENCE
        phrase = " ".join(words)
        if phrase in NEVER_SAID:
            return Verdict.SILENCE
        suspect = decode.no_speech > self.suspect_no_speech or decode.avg_logprob < self.suspect_logprob
        if phrase in SELDOM_SAID and suspect:
            return Verdict.SILENCE
        too_many = len(words) > max(1.0, decode.audio_s) * self.max_words_per_s and decode.audio_s > 0
        if unsure or decode.cut or too_many or decode.compression > self.max_compression:
            return Verdict.DOUBTFUL
        return Verdict.WORDS


DOUBTFUL_CONFIDENCE = 0.3


def confidence(decode: Decode, verdict: Verdict) -> float:
    """The mean probability of a token, in [0, 1]; what is doubtful stays under 0.5."""
    if verdict is Verdict.SILENCE:
        return 0.0
    mean = math.exp(min(0.0, max(-50.0, decode.avg_logprob)))
    return round(min(mean, DOUBTFUL_CONFIDENCE) if verdict is Verdict.DOUBTFUL else mean, 3)
