"""What the caller of a scenario says by voice that is not written in it: a person who was misheard helps the agent on.

A question that is put (again) is answered, and a read-back that is wrong is put right. What this caller goes by:

- the facts of the scenario (name, address, zone, counts, ...), and the lines already said for a question;
- of the booking that the scenario expects: the time and the zone, and the address it is to go to. Someone who wants
  that meeting knows them, but may put a time less plainly than "monday the thirtieth at two in the afternoon";
- the agent's words and its notes, not its voice: what is asked comes from the notes of a sentence, what is read back
  from the proposed booking in them, numbers from the text. So this caller never mishears the agent and overlooks no
  wrong letter; people do both, and are helped less by the same agent.

Of what the recogniser heard and the call's fields they know nothing. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Sentence
from num2words import num2words

from holdfast_cli.demo.words import plain
from holdfast_cli.eval.scenario_caller import slots_asked
from holdfast_cli.eval.scenario_file import Line, Scenario

MOST_ANSWERS = 3
"""How often a caller answers the same question before they give up on it."""
MOST_ALIKE = 2
"""How often a caller agrees in the scenario's words; then in the plainest."""
MOST_CORRECTIONS = 2
"""How often a caller puts the same thing right."""
_CODE_WORDS = """
alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra
tango uniform victor whiskey x-ray yankee zulu
"""
CODE_WORDS = {word[0]: word for word in _CODE_WORDS.split()}
_MARKS = {"@": "at", ".": "dot", "-": "dash", "_": "underscore"}
_NUMBER = (
    r"((?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred|thousand|and)[ -]?)+)"
)
_COUNTS = {
    "team_size": (re.compile(rf"\bteam of {_NUMBER}\b|\b{_NUMBER} people\b", re.IGNORECASE), "no {} people"),
    "monthly_documents": (
        re.compile(rf"\b{_NUMBER} (?:documents )?a month\b", re.IGNORECASE),
        "no {} a month",
    ),
}
"""How an agent says what it took down, and how a caller puts it right."""


class Person:
    """The caller beyond their written lines: knows the facts and the expected booking, remembers what was said."""

    def __init__(self, scenario: Scenario) -> None:
        self._facts = {name: fact for name, fact in scenario.caller.facts.items() if fact not in (None, "", "unknown")}
        self._meeting = scenario.expect.booking
        self._starts = {self._meeting.start} if self._meeting else set[str]()
        self._starts |= {scenario.calendar.instant(str(fault.at)) for fault in scenario.faults if fault.at}
        self._lines: dict[str, str] = {}
        self._times: Counter[str] = Counter()
        self._wrong = ""
        """What of the last read-back was wrong: `email` or `start`."""
        self._misheard = ""
        """The address as it was read back last."""

    def said(self, line: Line) -> None:
        """A line of the scenario was used; it is said again where its question is put again."""
        for slot in line.when.agent_asks if line.when else ():
            self._lines[slot] = line.say

    def puts_right(self, reply: list[Sentence]) -> str | None:
        """What a caller says to whom something wrong is read back; None: it is right, or was put right in vain.

        An address and a time are compared as the agent proposes them, with what the scenario expects; numbers as its
        sentences say them.
        """
        proposals = [s.notes.proposal for s in reply if s.notes.proposal]
        if proposals and self._meeting and proposals[-1].action == "book":
            wanted, read = self._meeting.attendee_email.casefold(), proposals[-1].attendee_email.casefold()
            self._wrong = "email" if read != wanted else "start" if proposals[-1].start not in self._starts else ""
            self._misheard = read
            if self._wrong and self._may(f"right {self._wrong}", MOST_CORRECTIONS):
                return f"no my email is {spoken_address(wanted)}" if self._wrong == "email" else f"no {self._when()}"
            if self._wrong:
                return "no that's wrong"
        for name, (pattern, words) in _COUNTS.items():
            heard = [s.text for s in reply if not s.asks and self._sounds_wrong(name, pattern, s.text)]
            if heard and self._may(f"right {name}", MOST_CORRECTIONS):
                return words.format(self._number(name, clearly=self._times[f"right {name}"] > 1))
        return None

    def answers(self, reply: list[Sentence]) -> str | None:
        """An answer to what was asked; None: nothing was, or the caller has none, or has given it often enough."""
        if "confirm_booking" in slots_asked(reply):
            return "yes" if self._meeting and not self._may("confirm", MOST_ALIKE) else None
        if any(s.expectation is Expectation.CODE_WORDS and s.asks == "email" for s in reply) and self._email:
            return self._spelled() if self._may("spell", MOST_ANSWERS) else None
        for slot in sorted(slots_asked(reply)):
            words = self._answer(slot)
            if words and self._may(slot, MOST_ANSWERS):
                return words
        return None

    def _answer(self, slot: str) -> str:
        fact = self._facts.get(slot)
        ways: dict[str, Callable[[], str]] = {
            "email": lambda: spoken_address(self._email),
            "timezone": lambda: self._lines.get(slot) or _zone(str(fact or "")),
            "permission_to_book": lambda: "yes please" if self._meeting else "",
            "start": self._when,
            "clarify_date": self._when,
            "what_to_change": lambda: {"email": "the email address", "start": "the time"}.get(self._wrong, ""),
        }
        if slot in ways:
            return ways[slot]()
        return _told(fact) if slot in self._facts else self._lines.get(slot, "")

    @property
    def _email(self) -> str:
        return str(self._facts.get("email") or (self._meeting.attendee_email if self._meeting else ""))

    def _when(self) -> str:
        """The time of the expected booking, in words: "monday the thirtieth at two thirty in the afternoon"."""
        if self._meeting is None:
            return ""
        zone = ZoneInfo(self._meeting.timezone or "UTC")
        moment = datetime.strptime(self._meeting.start, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).astimezone(zone)
        part = "morning" if moment.hour < 12 else "afternoon"
        clock = num2words(moment.hour % 12 or 12) + (f" {num2words(moment.minute)}" if moment.minute else "")
        half = "at noon" if (moment.hour, moment.minute) == (12, 0) else f"at {clock} in the {part}"
        return plain(f"{moment:%A} the {num2words(moment.day, to='ordinal')} {half}".replace("-", " "))

    def _spelled(self) -> str:
        """What was misheard of the address in code words: the part before the at, or the company behind it."""
        local, _, domain = self._email.partition("@")
        host = domain.partition(".")[0]
        if self._misheard.partition("@")[0] == local and self._misheard:
            return spelled(host)
        return spelled(local)

    def _sounds_wrong(self, name: str, pattern: re.Pattern[str], text: str) -> bool:
        match = pattern.search(text)
        told = next((group for group in match.groups() if group), "") if match else ""
        return bool(told and name in self._facts) and plain(told) != self._number(name)

    def _number(self, name: str, *, clearly: bool = False) -> str:
        """A number that the caller knows; clearly: its digits, too ("fifteen one five")."""
        number = int(self._facts[name])
        digits = " ".join(num2words(int(digit)) for digit in str(number)) if clearly and number > 9 else ""
        return f"{plain(num2words(number))} {digits}".strip()

    def _may(self, what: str, limit: int) -> bool:
        self._times[what] += 1
        return self._times[what] <= limit


def spoken_address(address: str) -> str:
    """An e-mail address as it is said: "dana dot miller at northwind dot example"."""
    return "".join(f" {_MARKS[c]} " if c in _MARKS else c for c in address)


def spelled(part: str) -> str:
    """A part of an address in code words; marks keep their names."""
    return " ".join(CODE_WORDS.get(c) or _MARKS.get(c, c) for c in part)


def _told(fact: Any) -> str:
    """A fact as an answer: "nine", "hubspot and slack", "none"."""
    if isinstance(fact, list):
        return " and ".join(map(str, fact)) or "none"
    return plain(str(fact))


def _zone(zone: str) -> str:
    """`America/New_York` -> "new york time"."""
    return f"{zone.rpartition('/')[2].replace('_', ' ').lower()} time" if zone else ""
