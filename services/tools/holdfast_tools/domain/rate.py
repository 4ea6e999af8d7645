"""A rate shared by all replicas: the generic cell rate algorithm (ITU-T I.371), one number of state."""

from __future__ import annotations


def take(booked_s: float, now_s: float, *, per_minute: int) -> float | None:
    """The new state after one request at `now_s`, or None where it would be too many.

    `booked_s` is the time up to which requests are booked (0 at first). In no 60 s do more than
    `per_minute` pass: a fifth of them may come at once, the others follow at an even pace.
    """
    burst = max(1, per_minute // 5)
    step_s = 60.0 / max(1, per_minute - burst)
    booked_s = max(booked_s, now_s)
    return booked_s + step_s if booked_s - now_s <= (burst - 1) * step_s else None
