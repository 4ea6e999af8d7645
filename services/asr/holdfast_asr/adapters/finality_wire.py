"""The lines between the service and the process that says how final words sound.

To it, a text a line: what was asked, a tab, what was answered, both in the normal form. From it first `READY` or why
not; then for each text a line with log-odds.
"""

from __future__ import annotations

from holdfast_asr.domain.words import normalise

READY = "ready"
MOST_CHARACTERS = 400
"""Of longer texts the end."""
MOST_LOG_ODDS = 100.0


def question(asked: str, text: str) -> str:
    """The line of a text; empty where it has no words. Raises nothing."""
    try:
        words = normalise(text[-MOST_CHARACTERS:])
        return f"{normalise(asked[-MOST_CHARACTERS:])}\t{words}" if words else ""
    except (ValueError, OverflowError):  # a number that has no name
        return ""


def parted(line: str) -> tuple[str, str]:
    """What was asked and what was answered; without a tab nothing was asked."""
    asked, _, text = line.strip("\r\n").rpartition("\t")
    return asked.strip(), text.strip()


def log_odds(line: str | bytes) -> float | None:
    """The figure of an answer; None: it is none."""
    try:
        found = float(line)
    except ValueError:
        return None
    return found if abs(found) <= MOST_LOG_ODDS else None
