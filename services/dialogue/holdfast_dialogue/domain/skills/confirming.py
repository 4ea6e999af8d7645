"""From the chosen time to the booked meeting: read-back, the guarded call, its outcome.

Every call that changes the world in this service starts in `act`, behind the guard; a wish whose
outcome is unknown is settled by its key before anything else is proposed.
"""

from __future__ import annotations

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Proposal
from holdfast_common.contracts.tools import (
    Booking,
    BookingState,
    CalendarBook,
    CalendarCancel,
    CalendarChange,
    CalendarStatus,
)

from holdfast_dialogue.domain import guard
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.qualification import next_field
from holdfast_dialogue.domain.skills.discovery import ask_field
from holdfast_dialogue.domain.spoken import emails
from holdfast_dialogue.domain.state import Booked, Pending, Wish
from holdfast_dialogue.domain.steps import Answer, Steps, ToolFailed
from holdfast_dialogue.domain.talk import Detail, Talk, instant

READ_PLAINLY_FROM = 3
"""From the third time on that the same proposal is read, the caller is told which words are understood."""


def read_back(talk: Talk) -> Steps:
    """Say the whole proposal: date with weekday, time, zone, address. Changed arguments make a new proposal."""
    state = talk.state
    fresh = _proposal(talk)
    if state.proposal is None or not guard.same_arguments(state.proposal, fresh):
        state.proposal = fresh
        state.counts["read_back"] = 0
    proposal = state.proposal
    talk.takes_over("booking")
    when = talk.moment(proposal.start, proposal.zone)
    if proposal.action == "cancel":
        yield from talk.say(
            "cancel_question", asks="confirm_booking", protected=True, detail=Detail(proposal=proposal), when=when
        )
    elif proposal.action == "change":
        yield from talk.say("change_readback", protected=True, detail=Detail(proposal=proposal), when=when)
        yield from talk.say("change_question", asks="confirm_booking")
    else:
        email = emails.say(proposal.attendee_email)
        yield from talk.say("readback", protected=True, detail=Detail(proposal=proposal), when=when, email=email)
        plainly = state.count("read_back") >= READ_PLAINLY_FROM and "readback_yes_or_no" in talk.profile.copy_
        yield from talk.say("readback_yes_or_no" if plainly else "readback_question", asks="confirm_booking")


def answer_read_back(talk: Talk) -> Steps:
    """The caller's answer to a read-back, through the guard."""
    u, state = talk.understood, talk.state
    if state.proposal is None or state.pending or talk.has_asked:
        return
    if state.asks != "confirm_booking" and not any(said.proposal == state.proposal.id for said in state.last):
        return
    verdict = guard.judge(state.proposal, state.last, u.answer, has_new_value=_has_new_value(talk))
    if verdict is guard.Verdict.ACT:
        talk.takes_over("booking")
        yield from act(talk, state.proposal)
    elif verdict is guard.Verdict.READ_AGAIN or (verdict is guard.Verdict.NOT_READ and u.answer.kind == "yes"):
        yield from read_back(talk)
        talk.over = True
    elif verdict is guard.Verdict.DECLINED:
        yield from _decline(talk)


def act(talk: Talk, proposal: Proposal) -> Steps:
    """The one place from which the world is changed. The key makes it happen once, however often it is asked."""
    state = talk.state
    key = talk.key(proposal.id)
    meeting = state.meeting
    booking = meeting.key if meeting and proposal.action != "book" else ""
    state.pending = Pending(key=key, proposal=proposal, booking=booking)
    if proposal.action == "book":
        result: Answer = yield CalendarBook(
            key=key,
            start=proposal.start,
            duration_min=proposal.duration_min,
            attendee_email=proposal.attendee_email,
            attendee_name=proposal.attendee_name,
            zone=proposal.zone,
            summary=f"{talk.profile.product}: meeting with a specialist",
            description=_briefing(talk),
        )
    elif proposal.action == "change":
        result = yield CalendarChange(key=key, booking=booking, start=proposal.start)
    else:
        result = yield CalendarCancel(key=key, booking=booking)
    if _is_unknown(result):
        result = yield CalendarStatus(key=key)
    yield from _tell(talk, result, first_time=True)


def settle(talk: Talk) -> Steps:
    """Before anything else: what became of the wish whose outcome was not known?"""
    state = talk.state
    if state.pending is None:
        return
    talk.takes_over("booking")
    result = yield CalendarStatus(key=state.pending.key)
    yield from _tell(talk, result, first_time=False)


def _tell(talk: Talk, result: Answer, *, first_time: bool) -> Steps:
    """Say the outcome, and bring the state in line with it."""
    state = talk.state
    pending = state.pending
    if pending is None:
        return
    proposal = pending.proposal
    if isinstance(result, ToolFailed) or not isinstance(result, Booking) or result.state is BookingState.PENDING:
        refused_here = isinstance(result, ToolFailed) and result.code == "not_allowed" and first_time
        if refused_here:
            state.pending = None  # it never left the house
        yield from talk.say("cannot_confirm" if first_time else "still_unknown")
        talk.over = first_time
        return
    state.pending = None
    if result.state is BookingState.NONE:
        yield from talk.say("cannot_confirm" if first_time else "not_booked_yet")
        if result.reason:
            state.proposal = None  # this key is closed for good: the next yes is a new wish
        yield from read_back(talk)
        talk.over = True
    elif result.state is BookingState.BOOKED:
        yield from _tell_booked(talk, pending)
        if first_time:
            yield from _after_booking(talk)
            talk.over = True
    elif result.state is BookingState.CANCELLED and proposal.action == "cancel":
        if state.meeting:
            state.meeting.cancelled = True
        talk.booking = f"cancelled {proposal.start} {pending.booking}"
        _clear(talk)
        yield from talk.say("cancelled", when=talk.moment(proposal.start, proposal.zone))
        yield from talk.say("anything_else", asks="anything_else")
        talk.over = True
    else:
        state.proposal, state.start, state.offers = None, "", []
        state.wish = Wish(date=state.wish.date)
        yield from talk.say("taken" if result.state is BookingState.TAKEN else "refused")


def _tell_booked(talk: Talk, pending: Pending) -> Steps:
    state, proposal = talk.state, pending.proposal
    when = talk.moment(proposal.start, proposal.zone)
    if proposal.action == "change" and state.meeting:
        state.meeting.start = proposal.start
        talk.booking = f"changed {proposal.start} {pending.booking}"
        yield from talk.say("changed", when=when)
    else:
        state.booked.append(
            Booked(key=pending.key, start=proposal.start, email=proposal.attendee_email, zone=proposal.zone)
        )
        talk.booking = f"booked {proposal.start} {pending.key}"
        yield from talk.say("booked", when=when)
        name = state.fields.get("name", "").split()
        yield from talk.say("booked_next", name=name[0]) if name else talk.say("booked_next_noname")
    _clear(talk)


def _after_booking(talk: Talk) -> Steps:
    if talk.understood.wants(Intent.GOODBYE) or talk.understood.question:
        return
    name = next_field(talk.profile, talk.state)
    if name and talk.state.counts.get("after_booking", 0) < talk.profile.discovery.after_booking:
        talk.state.count("after_booking")
        yield from ask_field(talk, name, lead=talk.says("prepare"))
    else:
        yield from talk.say("anything_else", asks="anything_else")


def _decline(talk: Talk) -> Steps:
    """A plain no to a read-back: ask what is wrong; a second one in a row leaves the meeting."""
    state = talk.state
    talk.takes_over("booking")
    talk.over = True
    if state.proposal and state.proposal.action != "book":
        _clear(talk)
        yield from talk.say("kept")
        yield from talk.say("anything_else", asks="anything_else")
        return
    yield from talk.say("what_to_change", asks="what_to_change", detail=Detail(expectation=Expectation.DATE_TIME))


def _has_new_value(talk: Talk) -> bool:
    """Does the utterance name a time, zone or address other than the proposal's?"""
    u, proposal = talk.understood, talk.state.proposal
    if proposal is None:
        return False
    if u.email and u.email.address and u.email.address != proposal.attendee_email:
        return True
    if talk.state.task != "cancel" and talk.state.fields.get("email", "") not in ("", proposal.attendee_email):
        return proposal.action == "book"  # put right in this very utterance
    if u.zone and u.zone != proposal.zone:
        return True
    return bool(u.wish and not u.wish.empty and not _means(talk, proposal))


def _means(talk: Talk, proposal: Proposal) -> bool:
    """The time that was named is the proposal's own ("yes, tuesday at half past two")."""
    wish = talk.understood.wish
    return bool(wish and not wish.pick and wish.allows(instant(proposal.start), talk.zone))


def _proposal(talk: Talk) -> Proposal:
    state = talk.state
    action = state.task if state.task in ("change", "cancel") else "book"
    meeting = state.meeting
    return Proposal(
        id=f"p{talk.turn.n}",
        action=action,
        start=meeting.start if action == "cancel" and meeting else state.start,
        duration_min=talk.profile.calendar.duration_min,
        attendee_email=meeting.email if action != "book" and meeting else state.fields.get("email", ""),
        attendee_name=state.fields.get("name", ""),
        zone=state.zone or talk.profile.calendar.timezone,
    )


def _briefing(talk: Talk) -> str:
    """What the specialist should know, for the invitation's description."""
    told = [
        f"{f.name.replace('_', ' ')}: {talk.state.fields[f.name]}"
        for f in talk.profile.fields
        if talk.state.fields.get(f.name)
    ]
    return "\n".join(told)[:2000]


def _is_unknown(result: Answer) -> bool:
    if isinstance(result, ToolFailed):
        return result.began
    return isinstance(result, Booking) and result.state is BookingState.PENDING


def _clear(talk: Talk) -> None:
    state = talk.state
    state.task, state.proposal, state.start, state.offers, state.wish = "", None, "", [], Wish()
