"""When a process that died is started again. Pure: times in, delay out.

A process that had lived a while is restarted at once, for a caller may be waiting. One that dies
again and again at its start would eat a core and bury the log, so its delay doubles up to a limit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Times in seconds."""

    prompt_s: float = 0.02
    """Delay after the first death; the promise is a restart within 0.3 s."""
    settled_after_s: float = 5.0
    """A process that lived this long has a clean slate when it dies."""
    backoff_s: float = 0.25
    """Delay after the second early death in a row; doubles from there."""
    backoff_limit_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Deaths:
    """What is remembered of one process between its restarts."""

    early_in_a_row: int = 0
    """Deaths before `settled_after_s`, since one lived longer."""


def after_death(policy: RestartPolicy, deaths: Deaths, lived_s: float) -> tuple[Deaths, float]:
    """The memory after one more death, and the delay in seconds until the restart."""
    if lived_s >= policy.settled_after_s:
        return Deaths(), policy.prompt_s
    early = deaths.early_in_a_row + 1
    if early == 1:
        return Deaths(early), policy.prompt_s
    # The exponent is bounded so that a process which never starts does not overflow the float.
    return Deaths(early), min(policy.backoff_limit_s, policy.backoff_s * 2 ** min(early - 2, 16))
