"""The phone's playout buffer: what is heard when, marks, clear."""

from __future__ import annotations

import numpy as np
from holdfast_cli.caller.playout import Playout
from holdfast_common.pcm import from_float, silence, ulaw_encode
from hypothesis import given
from hypothesis import strategies as st

TONE = ulaw_encode(from_float(0.3 * np.sin(np.arange(800) * 0.3)))
"""100 ms."""
QUIET = ulaw_encode(silence(800))


def test_audio_plays_in_order_behind_what_waits():
    """Chunks that arrive early queue up without gap or overlap."""
    playout = Playout()

    playout.push(TONE, 10.0)
    playout.push(TONE, 10.01)

    assert [round(h.start, 3) for h in playout.heard] == [10.0, 10.1]
    assert round(playout.ends, 3) == 10.2


def test_the_answer_begins_with_the_first_audible_sample():
    """Leading silence of a reply is silence to the caller."""
    playout = Playout()

    playout.push(QUIET, 5.0)
    playout.push(TONE, 5.0)

    assert playout.onset is not None
    assert 5.1 <= playout.onset.heard < 5.102


def test_a_mark_is_due_when_the_audio_before_it_has_sounded():
    """And not a moment earlier."""
    playout = Playout()
    playout.push(TONE, 1.0)

    due = playout.mark("a", 1.02)

    assert round(due, 3) == 1.1
    assert playout.due_marks(1.09) == []
    assert playout.due_marks(1.1) == ["a"]
    assert playout.due_marks(9.0) == []


def test_a_mark_into_an_empty_buffer_comes_back_at_once():
    """That is how a gateway measures the round trip."""
    playout = Playout()

    assert playout.mark("probe", 3.0) == 3.0


def test_clear_cuts_what_has_not_sounded_and_returns_all_marks():
    """As Twilio does: pending marks come back at once, though their audio was never heard."""
    playout = Playout()
    playout.push(TONE, 1.0)
    playout.mark("a", 1.0)
    playout.push(TONE, 1.0)
    playout.mark("b", 1.0)

    names = playout.clear(1.05)

    assert names == ["a", "b"]
    assert sum(len(h.ulaw) for h in playout.heard) == 400
    assert playout.loud_until <= 1.05
    assert playout.due_marks(99) == []


def test_a_gap_inside_a_reply_is_counted_once():
    """30 ms late: the caller hears it."""
    playout = Playout()
    playout.push(TONE, 1.0)

    playout.push(TONE, 1.13)
    playout.push(TONE, 1.15)

    assert playout.underruns == 1


def test_the_pause_between_two_replies_is_no_gap():
    """Two seconds of nothing is turn-taking."""
    playout = Playout()
    playout.push(TONE, 1.0)

    playout.push(TONE, 3.0)

    assert playout.underruns == 0


@given(st.lists(st.tuples(st.sampled_from(["push", "clear", "mark"]), st.floats(0, 0.3)), max_size=40))
def test_nothing_overlaps_and_no_mark_is_lost_or_doubled(steps: list[tuple[str, float]]):
    """Whatever arrives when: heard stretches are disjoint and ascending, each mark comes back exactly once."""
    playout, now, sent, back = Playout(), 100.0, [], []
    for step, wait in steps:
        now += wait
        back += playout.due_marks(now)
        if step == "push":
            playout.push(TONE, now)
        elif step == "mark":
            sent.append(f"m{len(sent)}")
            playout.mark(sent[-1], now)
        else:
            back += playout.clear(now)
    back += playout.due_marks(now + 60)

    assert back == sent
    for before, after in zip(playout.heard, playout.heard[1:], strict=False):
        assert before.end <= after.start + 1e-9
