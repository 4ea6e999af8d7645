"""What the caller really heard when they spoke over the agent, against a far end that knows what it played."""

from __future__ import annotations

import pytest
from holdfast_common.pcm import ulaw_encode
from holdfast_gateway.adapters.fake import LoudIsVoice, voice
from holdfast_gateway.adapters.far_end import Network
from holdfast_gateway.testing import answered, barge_in

CALLS = 60
"""Of the 200 that `bench/heard.py` plays."""


@pytest.fixture(scope="module")
def calls():
    """Barge-ins at random moments, over lines with up to 0.8 s of buffer, 0.1 s each way and 30 ms of jitter."""
    return [barge_in(seed) for seed in range(1_000, 1_000 + CALLS)]


def test_the_words_stored_are_those_that_were_heard(calls):
    """Exactly, in 95 of 100 calls; and never more than one word off, where a word was cut near its middle."""
    exact = sum(call.off == 0 for call in calls)

    assert exact >= 0.95 * len(calls)
    assert max(abs(call.off) for call in calls) <= 1
    assert len({call.heard for call in calls}) > 10, "the interruptions lie all over the replies"


def test_the_position_at_a_clear_is_the_far_ends_within_60_ms(calls):
    """Also after a hold that was for nothing, where the voice has begun anew in an empty buffer."""
    errors = [abs(error) for call in calls for error in call.position_errors_ms]

    assert max(errors) <= 60
    assert len(errors) > len(calls) and any(call.held_before for call in calls)


@pytest.mark.parametrize("buffer_s", [0.0, 0.8])
def test_a_far_ends_buffer_is_learned_from_its_first_mark(buffer_s):
    """The greeting is spoken over at once: what waits in the buffer has not been heard."""
    network = Network(up_s=0.05, down_s=0.02, jitter_s=0.0, buffer_s=buffer_s)
    calls = [barge_in(seed, network=network) for seed in range(8)]

    assert all(abs(call.off) <= 1 for call in calls)
    assert all(abs(error) <= 25 for call in calls for error in call.position_errors_ms)


@pytest.mark.parametrize("seed", range(5))
def test_the_latency_told_is_what_the_phone_recorded(seed):
    """Last voiced frame sent to first audible sample sounding, less the line's own time: within 40 ms."""
    said = ulaw_encode(voice(0.8 + 0.07 * seed))
    frames = [said[at : at + 160] for at in range(0, len(said), 160)]
    answer = answered(frames, len(frames) - 1, LoudIsVoice(8_000), seed)

    assert answer is not None
    assert abs(answer.told_ms - answer.recorded_ms) <= 40
    assert answer.told_ms > 400
