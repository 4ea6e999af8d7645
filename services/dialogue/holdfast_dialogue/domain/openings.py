"""Which openings fit a wish, which to offer, and how to say them. Pure arithmetic over aware datetimes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast_dialogue.domain.spoken import say
from holdfast_dialogue.domain.spoken.times import TimeWish
from holdfast_dialogue.domain.state import Wish

MAX_OFFERED = 3
APART = timedelta(hours=2)
"""Openings offered on one day lie at least this far apart where there is a choice."""


def merged(old: Wish, new: TimeWish) -> Wish:
    """What is said now over what was said before: a new day keeps the time, a new time keeps the day."""
    names_day = bool(new.date or new.range_days or new.earliest)
    names_time = bool(new.time or new.part or new.after or new.before)
    return Wish(
        date=new.date if names_day else old.date,
        range_days=new.range_days if names_day else old.range_days,
        earliest=new.earliest,
        time=new.time if names_time or new.earliest else old.time,
        part=(new.part or "") if names_time or new.earliest else old.part,
        after=new.after if names_time or new.earliest else old.after,
        before=new.before if names_time or new.earliest else old.before,
        unsure_half=new.ambiguous == "am_pm" if names_time else old.unsure_half,
        other_times=list(new.other_times) if names_time else old.other_times,
        excluded=[*old.excluded, *(d for d in new.excluded if d not in old.excluded)][-10:],
    )


def in_week_of(told_of: Wish, wish: TimeWish) -> TimeWish:
    """A bare weekday ("friday at two") within the week wished for before, where that is a later one."""
    first, _ = told_of.range_days or (None, None)
    before = told_of.date or first
    if wish.date is None or before is None:
        return wish
    day = before - timedelta(days=before.weekday()) + timedelta(days=wish.date.weekday())
    return replace(wish, date=day) if day > wish.date else wish


def fitting(starts: list[datetime], wish: Wish, zone: ZoneInfo) -> list[datetime]:
    """The openings that the wish allows, in time order; an hour that may be meant either way is tried both ways."""
    found = [start for start in starts if _as_said(wish).allows(start, zone)]
    if not found and wish.unsure_half and wish.time:
        other = replace(_as_said(wish), time=wish.time.replace(hour=(wish.time.hour + 12) % 24))
        found = [start for start in starts if other.allows(start, zone)]
    return found


def wished_moment(wish: Wish, zone: ZoneInfo) -> datetime | None:
    """The one moment that is meant, where day and time are both known."""
    if not (wish.date and wish.time):
        return None
    return datetime.combine(wish.date, wish.time, tzinfo=zone)


def nearest(starts: list[datetime], moment: datetime, count: int = MAX_OFFERED) -> list[datetime]:
    """The openings nearest to a moment that is not free, in time order."""
    return sorted(sorted(starts, key=lambda s: abs(s - moment))[:count])


def spread(starts: list[datetime], zone: ZoneInfo, count: int = MAX_OFFERED) -> list[datetime]:
    """A choice worth offering: the earliest, then ones well apart from it, on other days if possible; in time order."""
    if len(starts) <= count:
        return list(starts)
    chosen = [starts[0]]
    days = {starts[0].astimezone(zone).date()}
    passes = (
        lambda s: s.astimezone(zone).date() not in days,
        lambda s: all(abs(s - c) >= APART for c in chosen),
        lambda s: s not in chosen,
    )
    same_day = next((s for s in starts if s - starts[0] >= APART and s.astimezone(zone).date() in days), None)
    if same_day:
        chosen.append(same_day)
    for allowed in passes:
        for start in starts:
            if len(chosen) < count and start not in chosen and allowed(start):
                chosen.append(start)
                days.add(start.astimezone(zone).date())
    return sorted(chosen)


def said(starts: list[datetime], zone: ZoneInfo, today: date) -> str:
    """Openings as one hears them, each day named once, and whose time it is at the end."""
    return f"{say.openings(starts, zone, today)}, {say.zone(zone.key)}"


def _as_said(wish: Wish) -> TimeWish:
    return TimeWish(
        date=wish.date,
        time=wish.time,
        part=wish.part or None,  # pyright: ignore[reportArgumentType] # was a TimeWish's part before
        after=wish.after,
        before=wish.before,
        range_days=wish.range_days,
        other_times=tuple(wish.other_times),
        excluded=tuple(wish.excluded),
    )
