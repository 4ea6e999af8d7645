"""From "I'd like a meeting" to a time that is free: who may, which zone, which openings, which one."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from holdfast_common.contracts.tools import CalendarAvailability, Openings

from holdfast_dialogue.domain import openings
from holdfast_dialogue.domain.facts import COUNTED_FIELDS, denies_a_number
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.qualification import Standing, next_field, next_rubric_field, standing
from holdfast_dialogue.domain.skills.addresses import ask_address_again, ask_person_details
from holdfast_dialogue.domain.skills.confirming import read_back
from holdfast_dialogue.domain.skills.discovery import ask_field
from holdfast_dialogue.domain.skills.handover import offer_follow_up
from holdfast_dialogue.domain.spoken import say
from holdfast_dialogue.domain.state import Wish
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk, instant, stamp

NOON = time(12)
_LONE_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri)day\b")
_NAMED_WEEK = re.compile(
    r"\b(?:this|next|coming|week|tomorrow|today|january|february|march|april|may|june|july|august|september|october|november|december|\w+(?:st|nd|rd|th))\b"
)
DATE_PROBLEMS = frozenset({"no_such_date", "weekday_mismatch"})
"""What the reader of dates reports that no calendar can settle: it is asked back."""


def note_wishes(talk: Talk) -> Steps:
    """Take up what the utterance says about meeting at all, and when; says nothing unless a wish ends here."""
    u, state = talk.understood, talk.state
    if u.zone and u.zone != state.zone:
        state.zone = u.zone
    agrees_to_a_note = state.task in ("follow_up", "deletion") and u.answer.kind == "yes"
    if u.wants(Intent.MEETING) and state.task not in ("change", "cancel") and not (state.booked or agrees_to_a_note):
        state.task = "booking"
    if state.asks == "permission_to_book" and not u.asked_plainly:
        if u.answer.kind == "yes":
            state.task = "booking"
        elif (u.answer.kind == "no" and not _puts_a_number_right(talk)) or u.wants(Intent.RESERVED):
            state.task = ""
            talk.takes_over("booking")
            yield from talk.say("no_problem")
            yield from talk.say("what_else")
            talk.over = True
            return
    if state.task == "booking" and u.wants(Intent.STOP, Intent.CANCEL_MEETING) and not state.booked:
        _drop(talk)
        talk.takes_over("booking")
        yield from talk.say("booking_stopped")
        yield from talk.say("anything_else", asks="anything_else")
        talk.over = True
        return
    if state.task in ("booking", "change") or u.wants(Intent.MEETING):
        _take_time(talk)


def _puts_a_number_right(talk: Talk) -> bool:
    """ "No, fifteen people": the no is to the number that was said back, and not to the meeting."""
    told = talk.understood.facts.keys()
    is_only_numbers = bool(told) and told <= COUNTED_FIELDS and not talk.understood.wants(Intent.THANKS)
    return is_only_numbers and (bool(talk.put_right) or denies_a_number(talk.understood.text))


def book_meeting(talk: Talk) -> Steps:
    """The running booking, one step on: qualify, zone, time, person, read-back."""
    state = talk.state
    if state.task not in ("booking", "change") or talk.has_asked or state.pending:
        return
    talk.takes_over("booking")
    if state.meeting and state.task == "booking":
        state.task = ""
        yield from talk.say("already_booked", when=talk.moment(state.meeting.start), asks="change_or_cancel")
        return
    if state.task == "booking":
        yield from _qualify(talk)
        if talk.has_asked or talk.over or state.task != "booking":
            return
    if state.asks == "what_to_change":
        yield from _what_to_change(talk)
        if talk.has_asked:
            return
    yield from _settle_zone(talk)
    if talk.has_asked:
        return
    if not state.start:
        yield from _settle_time(talk)
    if talk.has_asked or talk.over or not state.start:
        return
    if state.task == "booking":
        yield from ask_person_details(talk)
    if not talk.has_asked:
        yield from read_back(talk)


def _take_time(talk: Talk) -> None:
    """The wish of this utterance over the one so far; a pick of what was offered is a choice at once."""
    u, state = talk.understood, talk.state
    wish = u.wish
    offered = [instant(start) for start in state.offers]
    if wish and wish.pick and offered:
        index = len(offered) - 1 if wish.pick == -1 else wish.pick - 1
        if 0 <= index < len(offered):
            _choose(talk, offered[index])
            return
    if len(offered) == 1 and u.answer.kind == "yes" and state.asks == "start" and (wish is None or wish.empty):
        _choose(talk, offered[0])
        return
    if wish is None or wish.empty:
        return
    told = openings.merged(Wish(), wish)
    among = openings.fitting(offered, told, talk.zone)
    if len(among) == 1 or (among and wish.earliest):
        _choose(talk, among[0])
        return
    if _names_bare_weekday(u.text):
        wish = openings.in_week_of(state.wish, wish)
    if wish.sooner or wish.later:
        state.offers = [] if wish.sooner else state.offers
    state.wish = openings.merged(state.wish, wish)
    state.start = ""


def _names_bare_weekday(text: str) -> bool:
    return _LONE_WEEKDAY.search(text) is not None and not _NAMED_WEEK.search(text)


def _choose(talk: Talk, start: datetime) -> None:
    local = start.astimezone(talk.zone)
    talk.state.start = stamp(start)
    talk.state.wish = Wish(date=local.date(), time=local.time())


def _qualify(talk: Talk) -> Steps:
    """Meetings are for who qualifies; who does not is helped on, kindly; who may is asked first."""
    state, profile = talk.state, talk.profile
    match standing(profile, state.fields):
        case Standing.QUALIFIED:
            yield from _ask_before_offering(talk)
        case verdict:
            name = next_rubric_field(profile, state)
            if name and not state.reserved:
                if talk.once("meeting_first") and not talk.reply:
                    yield from talk.say("meeting_first")
                yield from ask_field(talk, name)
                talk.takes_over("booking")
                return
            state.task = ""
            if verdict is Standing.UNKNOWN:
                yield from offer_follow_up(talk)
            elif talk.once("unqualified"):
                yield from talk.say("unqualified")
                yield from talk.say("unqualified_help")
            else:
                yield from talk.say("unqualified_again")
            talk.over = True


def _ask_before_offering(talk: Talk) -> Steps:
    """To a caller without a time in mind, a few questions that help the specialist; never once a time is named."""
    state = talk.state
    limit = talk.profile.discovery.before_booking
    has_time_in_mind = bool(state.wish.date or state.wish.time or state.start or state.offers)
    if has_time_in_mind or state.counts.get("before_booking", 0) >= limit:
        return
    name = next_field(talk.profile, state)
    if not name:
        return
    state.count("before_booking")
    if talk.once("meeting_yes") and not talk.reply:
        yield from talk.say("meeting_yes")
    yield from ask_field(talk, name)


def _settle_zone(talk: Talk) -> Steps:
    """Whose clock? Asked twice at most; then the calendar's own, and said so."""
    state = talk.state
    if state.zone:
        return
    if state.asked.get("timezone", 0) < 2:
        yield from talk.say("ask_zone_again" if state.asks == "timezone" else "ask_zone", asks="timezone")
    else:
        state.zone = talk.profile.calendar.timezone
        yield from talk.say("zone_assumed", zone=say.zone(state.zone))


def _settle_time(talk: Talk) -> Steps:
    """Ask the calendar, and either take the wished time or offer what is near it."""
    u, state = talk.understood, talk.state
    if state.offers and (u.wish is None or u.wish.empty):
        if state.asks == "start" and u.answer.kind == "no":
            state.offers, state.wish = [], Wish()
            yield from talk.say("ask_when", asks="start")
        else:  # something else was said: what was offered stands
            yield from _offer(talk, [instant(start) for start in state.offers])
        return
    if u.wish and u.wish.ambiguous in DATE_PROBLEMS:
        state.wish = Wish(time=state.wish.time)
        yield from talk.say("clarify_date", asks="clarify_date")
        return
    found = yield from _openings(talk)
    if found is None:
        yield from talk.say("calendar_down")
        yield from offer_follow_up(talk, calendar_down=True)
        return
    if not found:
        yield from talk.say("no_openings")
        yield from offer_follow_up(talk)
        return
    moment = openings.wished_moment(state.wish, talk.zone)
    if moment is not None:
        yield from _take_or_offer_near(talk, found, moment)
    else:
        yield from _offer_what_fits(talk, found)


def _take_or_offer_near(talk: Talk, found: list[datetime], moment: datetime) -> Steps:
    """Day and time are named: that opening, or why not and the nearest ones."""
    state, rules, wish, zone = talk.state, talk.profile.calendar, talk.state.wish, talk.zone
    fit = openings.fitting(found, wish, zone)
    if not fit and wish.date and _names_bare_weekday(talk.understood.text):
        wish.date += timedelta(days=7)  # "friday at two", and only the Friday after has that time
        fit = openings.fitting(found, wish, zone)
        wish.date -= timedelta(days=0 if fit else 7)
    if fit:
        _choose(talk, fit[0])
        yield from talk.say("time_free", when=openings.said(fit[:1], zone, talk.today))
        return
    if moment <= talk.now:
        yield from talk.say("in_the_past")
    elif moment > talk.now + timedelta(days=rules.horizon_days):
        yield from talk.say("too_far")
    else:
        yield from talk.say("not_free", when=openings.said([moment], zone, talk.today))
    state.wish = Wish(date=wish.date)  # another day is asked for as a whole, not at this hour again
    yield from _offer(talk, openings.nearest(found, moment))


def _offer_what_fits(talk: Talk, found: list[datetime]) -> Steps:
    """A day, a part of it, a week, or nothing at all was named: two or three openings that fit."""
    wish, zone = talk.state.wish, talk.zone
    fit = openings.fitting(found, wish, zone)
    if not fit:
        yield from talk.say("no_openings_then", when=_range_words(talk))
        day = wish.date or (wish.range_days or (None, None))[0]
        near = datetime.combine(day, wish.time or NOON, tzinfo=zone) if day else found[0]
        yield from _offer(talk, openings.nearest(found, near))
    elif wish.earliest:
        yield from _offer(talk, fit[: openings.MAX_OFFERED])
    else:
        yield from _offer(talk, openings.spread(fit, zone))


def _offer(talk: Talk, starts: list[datetime]) -> Steps:
    state = talk.state
    state.offers = [stamp(start) for start in starts]
    yield from talk.say(
        "offer_one" if len(starts) == 1 else "offer_times",
        asks="start",
        detail=Detail(openings=tuple(state.offers)),
        opening_words=openings.said(starts, talk.zone, talk.today),
    )


def _openings(talk: Talk):  # a generator that returns list[datetime] | None
    """Free starts up to the horizon; None: the calendar cannot be reached. What an accepted sentence offered stands."""
    offered = [o.start for sentence in talk.turn.accepted for o in sentence.notes.openings]
    if offered:
        return sorted(instant(start) for start in offered)
    end = talk.now + timedelta(days=talk.profile.calendar.horizon_days)
    result = yield CalendarAvailability(start=stamp(talk.now), end=stamp(end), limit=400)
    if not isinstance(result, Openings):
        return None
    return sorted(instant(start) for start in result.starts)


def _range_words(talk: Talk) -> str:
    wish = talk.state.wish
    if wish.date:
        return f"on {say.date(wish.date, talk.today)}"
    return "at that time" if wish.time else "then"


def _what_to_change(talk: Talk) -> Steps:
    """After a plain no to the read-back: the time, or the address?"""
    u, state = talk.understood, talk.state
    if u.wish or u.email or u.zone:
        return
    words = set(u.text.split())
    if words & {"email", "mail", "address", "e-mail"}:
        yield from ask_address_again(talk)
    elif words & {"time", "day", "date", "hour", "when"}:
        state.start, state.proposal, state.wish, state.offers = "", None, Wish(), []
        yield from talk.say("ask_when", asks="start")
    elif words & {"nothing", "everything", "cancel", "forget"} or u.answer.kind == "no":
        _drop(talk)
        yield from talk.say("booking_stopped")
        yield from talk.say("anything_else", asks="anything_else")


def _drop(talk: Talk) -> None:
    state = talk.state
    state.task, state.start, state.proposal, state.offers, state.wish = "", "", None, [], Wish()
