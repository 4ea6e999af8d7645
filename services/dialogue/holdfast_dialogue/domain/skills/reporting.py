# ruff: noqa: E501 - vocabularies: one pattern a line
"""A problem reported by voice: taken down in the caller's words, under a number that the caller is told."""

from __future__ import annotations

import re

from holdfast_common.hashing import stable_hash

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.summary import summary
from holdfast_dialogue.domain.talk import Talk

DIGITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
LENGTH = 5
_LEAD = re.compile(
    r"^.*?\b(?:report|log|file|raise|submit|register|open|make|found|got|hit) (?:a|an|this|that|the|one|another)(?: \w+)? ?"
    r"(?:problem|bug|issue|error|fault|ticket|case|complaint|defect|incident)\b(?: with (?:you|your team))?(?: please)?"
    r"(?:(?: it's| is| that|:| about| because| where| with))?"
)
ENOUGH_WORDS = 4
"""Behind "I want to report a problem" so many words tell it already."""


def take_report(talk: Talk) -> Steps:
    """Ask what happened where it was not told; write it down; tell the number."""
    u, state = talk.understood, talk.state
    asked = state.asks == "problem"
    if asked and (u.wants(Intent.NOTHING_MORE, Intent.GOODBYE) or (u.answer.kind == "no" and not u.answer.rest)):
        return
    if not (u.wants(Intent.REPORT) or asked):
        return
    talk.takes_over("report")
    told = u.text if asked else _LEAD.sub("", u.text).strip()
    if not asked and len(told.split()) < ENOUGH_WORDS:
        yield from talk.say("report_what", asks="problem")
        talk.over = True
        return
    number = _number(talk)
    fields = {name: state.fields[name] for name in ("name", "email") if state.fields.get(name)}
    state.record(
        "issue_report", number, text=told, status="open", call=talk.call, summary=summary(talk.profile, state), **fields
    )
    yield from talk.say("report_noted", number=" ".join(DIGITS[int(digit)] for digit in number))
    yield from talk.say("anything_else", asks="anything_else")
    talk.over = True


def _number(talk: Talk) -> str:
    """Follows from call and turn, so that another replica tells the same one."""
    return str(stable_hash(f"report/{talk.call}/{talk.turn.n}") % 10**LENGTH).zfill(LENGTH)
