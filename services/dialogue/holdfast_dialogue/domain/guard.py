"""The booking guard: the only door to a call that changes the world. Pure, and small on purpose.

A proposal passes when the agent's last turn read back exactly this proposal, the caller heard its
date, time and address to the end, and the answer is a yes that brings no new value. Whatever makes
proposals (rules today, a model tomorrow), it can only propose; this decides.
"""

from __future__ import annotations

from enum import StrEnum

from holdfast_common.contracts.dialogue import Proposal

from holdfast_dialogue.domain.spoken.yes_no import Answer
from holdfast_dialogue.domain.state import Said


class Verdict(StrEnum):
    ACT = "act"
    """Heard and agreed to."""
    READ_AGAIN = "read_again"
    """Agreed to, but its words were not heard to the end."""
    NEW_VALUE = "new_value"
    """Something was said that changes it: that is another proposal."""
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    """Neither yes nor no: it stays open and is read again before it may pass."""
    NOT_READ = "not_read"
    """The last agent turn was no read-back of this proposal."""


def judge(proposal: Proposal | None, last: list[Said], answer: Answer, *, has_new_value: bool) -> Verdict:
    """What the caller's answer to the last agent turn does to the proposal.

    `last`: the sentences of that turn with what was heard of them. `has_new_value`: the utterance
    names a time, zone or address other than the proposal's.
    """
    if proposal is None:
        return Verdict.NOT_READ
    readback = [said for said in last if said.proposal == proposal.id and said.protected]
    if not readback:
        return Verdict.NOT_READ
    if has_new_value:
        return Verdict.NEW_VALUE
    if answer.kind == "no":
        return Verdict.DECLINED
    if answer.kind != "yes":
        return Verdict.UNANSWERED
    if not all(said.heard for said in readback):
        return Verdict.READ_AGAIN
    return Verdict.ACT


def same_arguments(a: Proposal, b: Proposal) -> bool:
    """Everything that the caller agrees to is equal; the id is not part of it."""
    return (a.action, a.start, a.duration_min, a.attendee_email, a.attendee_name, a.zone) == (
        b.action,
        b.start,
        b.duration_min,
        b.attendee_email,
        b.attendee_name,
        b.zone,
    )
