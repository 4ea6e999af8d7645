"""How much of a language model a call may use: the time of a turn, tokens and money of the call, its conduct. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_common.contracts.dialogue import Turn

from holdfast_dialogue.domain.model_steps import ModelDone, ModelFailed
from holdfast_dialogue.domain.state import State

TOKENS, COST, BREACHES = "model_tokens", "model_cost_micros", "model_breaches"
"""Counters of the call's state."""
MAX_BREACHES = 2
"""Replies that had to be cut off for what they said; then this call goes on without the model."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the policy may ask of a model; None in its place: there is no model."""

    reply_tokens: int = 150
    call_tokens: int = 20_000
    """In and out, over the whole call."""
    call_cost_micros: int = 0
    """Millionths of the currency of the prices; 0: no limit."""
    prompt_chars: int = 9_000
    """Longest prompt, passages and conversation together; four characters are about one token."""
    least_ms: int = 1_500
    """Time that must be left until the caller should hear something; with less the next route is taken at once."""


def may_ask(allowance: Allowance | None, state: State, turn: Turn) -> bool:
    """Is there a model, and time, tokens, money and trust left for it?"""
    if allowance is None or turn.budget_ms < allowance.least_ms:
        return False
    counts = state.counts
    if counts.get(BREACHES, 0) >= MAX_BREACHES:
        return False
    if counts.get(TOKENS, 0) + allowance.reply_tokens > allowance.call_tokens:
        return False
    return not allowance.call_cost_micros or counts.get(COST, 0) < allowance.call_cost_micros


def spend(state: State, end: ModelDone | ModelFailed) -> None:
    """Write down what an answer took."""
    for name, amount in ((TOKENS, end.tokens_in + end.tokens_out), (COST, end.cost_micros)):
        if amount:
            state.counts[name] = state.counts.get(name, 0) + amount


def count_breach(state: State) -> None:
    state.counts[BREACHES] = state.counts.get(BREACHES, 0) + 1
