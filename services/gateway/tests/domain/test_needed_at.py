"""Verdicts that wait until the floor needs them: the same decisions at the same time of the media."""

from __future__ import annotations

import random

import pytest
from holdfast_gateway.domain.floor import Agent, Floor
from holdfast_gateway.domain.floor_actions import Ended, Hold, Paused, TurnOver
from holdfast_gateway.domain.levels import Voiced
from holdfast_gateway.voice import GATHER_S

RATE, WINDOW, FRAME = 8_000, 256, 160
GATHERED = round(GATHER_S * RATE)
"""Samples that a window waits for those of other calls at most."""
IN_TIME = (Hold, Paused, Ended, TurnOver)


def speech(seed: int) -> list[bool]:
    """Whether each window of a minute is voiced: words, short pauses, long ones."""
    rng = random.Random(seed)
    windows: list[bool] = []
    while len(windows) < 1_900:
        windows += [True] * rng.randint(1, 40) + [False] * rng.choice([1, 3, 8, 20, 60])
    return windows


def decisions(voiced: list[bool], agent: Agent, *, waits: bool) -> list[tuple[str, int]]:
    """(what, when in samples) of a floor whose verdicts come at once, or when they are needed."""
    floor, found, told, asked_at = Floor(RATE, 500), [], 0, 0
    floor.agent(agent)
    for now in range(FRAME, len(voiced) * WINDOW, FRAME):
        if told < now // WINDOW and not asked_at:
            asked_at = now
        is_due = now >= floor.needed_at or (bool(asked_at) and now - asked_at >= GATHERED)
        if waits and not is_due:
            continue
        actions = []
        while told < now // WINDOW:
            start = told * WINDOW
            part = Voiced(start, start + WINDOW) if voiced[told] else None
            actions += floor.window(0.9 if voiced[told] else 0.02, part)
            told += 1
        asked_at = 0
        actions += floor.frame(now)
        found += [(type(action).__name__, now) for action in actions if isinstance(action, IN_TIME)]
    return found


@pytest.mark.parametrize("agent", [Agent.QUIET, Agent.SPEAKING])
@pytest.mark.parametrize("seed", range(6))
def test_a_pause_an_end_and_a_hold_come_as_soon_as_with_verdicts_at_once(seed, agent):
    voiced = speech(seed)
    at_once, waited = (decisions(voiced, agent, waits=waits) for waits in (False, True))

    assert len(at_once) > 30
    assert waited == at_once
