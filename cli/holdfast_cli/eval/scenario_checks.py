"""A transcript against what was expected: one verdict for each expectation, and the turn that failed it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from holdfast_common.contracts.tools import BookingState

from holdfast_cli.eval import scenario_claims
from holdfast_cli.eval.scenario_behaviour import behaviour
from holdfast_cli.eval.scenario_call import Transcript
from holdfast_cli.eval.scenario_file import Expect, Scenario

HANDED_OVER = ("follow_up_request", "deletion_request", "handover")
"""Records by which a person of the company has something to do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation."""

    name: str
    met: bool
    why: str = ""
    """Where it is not met: what was found instead."""
    turn: int | None = None
    """Position in the call of the reply that failed it; None where the whole call did."""
    counted: bool = True
    """False: cannot be measured in text."""

    def told(self) -> dict[str, Any]:
        return asdict(self)


def check(scenario: Scenario, made: Transcript) -> list[Verdict]:
    """Every expectation of the scenario, in the order of the file's keys."""
    verdicts = list(_of(scenario, scenario.expect, made))
    if scenario.expect.any_of:
        verdicts.append(_any_of(scenario, made))
    return verdicts


def _of(scenario: Scenario, expect: Expect, made: Transcript) -> Iterator[Verdict]:
    """What is named in `expect`; what is left out is not looked at."""
    named = expect.model_fields_set
    entry = made.last_entry
    if "qualified" in named:
        found = entry.qualified if entry else None
        wanted = expect.qualified["any"] if isinstance(expect.qualified, dict) else [expect.qualified]
        yield Verdict("qualified", found in wanted, f"found {found}")
    fields = entry.fields if entry else {}
    for name, value in expect.signals.items():
        found = fields.get(name, "")
        yield Verdict(f"signals.{name}", same(value, found), f"wanted {value!r}, found {found!r}")
    for name, value in expect.signals_must_not.items():
        found = fields.get(name, "")
        values = value if isinstance(value, list) else [value]
        there = [v for v in values if found and same(v, found)]
        yield Verdict(f"signals_must_not.{name}", not there, f"found {found!r}")
    yield from _booked(expect, made)
    for article in expect.articles.must_use:
        yield Verdict(f"articles.{article}", article in made.articles, f"used: {', '.join(made.articles) or 'none'}")
    heard = " ".join(sentence.text for _, sentence in made.sentences).lower()
    for i, group in enumerate(expect.must_say):
        yield Verdict(f"must_say.{i}", any(part.lower() in heard for part in group), f"none of {group} was said")
    for rule in expect.must_not_say:
        yield _not_said(rule, scenario, made)
    for name, wanted in expect.effects.items():
        rows = made.records.get(name, [])
        met = not rows if wanted in (False, None) else any(_fits(wanted, row) for row in rows)
        yield Verdict(f"effects.{name}", met, f"wanted {wanted!r}, recorded {rows!r}")
    for name, limit in expect.behaviour.items():
        met, why, turn, counted = behaviour(name, limit, made)
        yield Verdict(f"behaviour.{name}", met, why, turn, counted)
    if "escalated" in named and expect.escalated is not None:
        found = any(made.records.get(name) for name in HANDED_OVER)
        yield Verdict("escalated", found is expect.escalated, f"found {found}")
    if "ended_by" in named and expect.ended_by:
        both = {"caller", "hangup"}  # a caller who hangs up has ended the call
        found = made.ended_by
        met = found == expect.ended_by or (expect.ended_by == "caller" and found in both)
        yield Verdict("ended_by", met, f"found {found or 'nobody'}")


def _booked(expect: Expect, made: Transcript) -> Iterator[Verdict]:
    standing = [b for b in made.bookings if b.state is BookingState.BOOKED]
    told = "; ".join(f"{b.start} {b.attendee_email}" for b in standing) or "none"
    if "booking" in expect.model_fields_set:
        wanted = expect.booking
        if wanted is None:
            yield Verdict("booking", not standing, f"booked: {told}")
        else:
            met = any(
                (b.start, b.attendee_email, b.duration_min)
                == (wanted.start, wanted.attendee_email.lower(), wanted.duration_min)
                for b in standing
            )
            yield Verdict("booking", met, f"wanted {wanted.start} {wanted.attendee_email}, booked: {told}")
    if expect.bookings_count is not None:
        yield Verdict("bookings_count", len(standing) == expect.bookings_count, f"booked: {told}")


def _not_said(rule: str, scenario: Scenario, made: Transcript) -> Verdict:
    for index, exchange in enumerate(made.exchanges):
        for sentence in exchange.reply:
            if scenario_claims.breaks(rule, sentence.text, scenario, booked=exchange.booked > 0, prompt=made.prompt):
                return Verdict(f"must_not_say.{rule}", met=False, why=f"said: {sentence.text}", turn=index)
    return Verdict(f"must_not_say.{rule}", met=True)


def _any_of(scenario: Scenario, made: Transcript) -> Verdict:
    missed: list[str] = []
    for way in scenario.expect.any_of:
        failed = [verdict for verdict in _of(scenario, way, made) if verdict.counted and not verdict.met]
        if not failed:
            return Verdict("any_of", met=True)
        missed.append(f"{way.name or 'way'}: {', '.join(verdict.name for verdict in failed)}")
    return Verdict("any_of", met=False, why="; ".join(missed))


def _fits(wanted: Any, row: dict[str, Any]) -> bool:
    """A record has what is named; `x_contains` lists parts of its `x`."""
    if not isinstance(wanted, dict):
        return True
    for name, value in wanted.items():
        if name.endswith("_contains"):
            text = str(row.get(name.removesuffix("_contains"), "")).lower()
            if not all(str(part).lower() in text for part in (value if isinstance(value, list) else [value])):
                return False
        elif not same(value, str(row.get(name, ""))):
            return False
    return True


def same(wanted: Any, found: str) -> bool:
    """Whether a value was taken down: numbers by value, strings contained or of the same words, lists in full."""
    if isinstance(wanted, dict) and "any" in wanted:
        return any(same(value, found) for value in wanted["any"])
    if isinstance(wanted, list):
        return all(same(value, found) for value in wanted)
    if wanted is None:
        return not found
    if isinstance(wanted, bool):
        return found.lower() == str(wanted).lower()
    if isinstance(wanted, int | float):
        return bool(re.fullmatch(r"-?[\d.]+", found)) and float(found) == float(wanted)
    expected, there = str(wanted).lower().strip(), found.lower().strip()
    if not there:
        return not expected
    if expected in there or "@" in expected:
        return expected in there
    a, b = _stems(expected), _stems(there)
    return bool(a and b) and (a <= b or b <= a)


def _stems(text: str) -> set[str]:
    return {re.sub(r"(?:ies|es|s|y)$", "", word)[:6] for word in re.findall(r"[a-z0-9]+", text) if word not in _SMALL}


_SMALL = {"a", "an", "the", "of", "for", "in", "by", "and", "our", "we", "to", "or", "on"}
