"""How much of the encoder's window an utterance needs, and how many tokens it can hold.

Whisper was trained on windows of 30 s, silence behind the speech, and its encoder costs the same whatever is in
them. It takes any shorter window as well; how far its words suffer depends on the weights, so a doubtful result
from a short window is decoded again with the whole one (gates.py). The idea is whisper.cpp's `audio_ctx`.
"""

from __future__ import annotations

import math

FRAMES_PER_S = 100
FULL_FRAMES = 3_000
STEP_FRAMES = 50
"""Windows come in steps of half a second, so that utterances of about the same length go together."""
SHORTEST_FRAMES = 200
TOKENS_PER_S = 12
"""Fast speech has 6 to 7 tokens a second, digits and letters about 10."""
SPARE_TOKENS = 24
MOST_TOKENS = 224
"""Half of Whisper's text context; the other half is the prompt's."""
PROMPT_TOKENS = 223


def window_frames(audio_s: float, *, short: bool, pad_s: float = 1.5) -> int:
    """Encoder window in frames of 10 ms: the utterance and `pad_s` of silence, or all 30 s."""
    if not short:
        return FULL_FRAMES
    steps = math.ceil((audio_s + pad_s) * FRAMES_PER_S / STEP_FRAMES)
    return min(FULL_FRAMES, max(SHORTEST_FRAMES, steps * STEP_FRAMES))


def most_tokens(audio_s: float) -> int:
    """No speech of this length has more tokens; a decode that goes on beyond is going round in circles."""
    return min(MOST_TOKENS, SPARE_TOKENS + math.ceil(audio_s * TOKENS_PER_S))
