"""What of a caller must not stand in logs and spans: names, addresses, numbers they gave, and their words. Pure."""

from __future__ import annotations

import re

from holdfast_cli.eval.scenario_call import Transcript

LEAST_WORDS = 5
"""So many of a caller's words in a row are a transcript."""


def personal(made: Transcript) -> set[str]:
    """Telling strings of one call, lower case."""
    found: set[str] = set()
    for entry in made.entries:
        name, email = entry.fields.get("name", ""), entry.fields.get("email", "")
        found |= {name.lower(), email.lower(), email.partition("@")[0].lower(), email.partition("@")[2].lower()}
        found |= {part.lower() for part in name.split()}
        words = entry.said.lower().split()
        found |= {" ".join(words[i : i + LEAST_WORDS]) for i in range(len(words) - LEAST_WORDS + 1)}
    found |= {booking.attendee_email.lower() for booking in made.bookings}
    return {text for text in found if len(text) > 3}


def leaks(texts: list[str], strings: set[str]) -> list[str]:
    """The personal strings that stand in any of the texts, as words of their own."""
    everything = "\n".join(texts).lower()
    return sorted(s for s in strings if s in everything and re.search(rf"(?<!\w){re.escape(s)}(?!\w)", everything))
