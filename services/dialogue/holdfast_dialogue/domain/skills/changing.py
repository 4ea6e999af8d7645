"""Moving or cancelling a meeting that this call has booked. Others are out of reach, on purpose."""

from __future__ import annotations

from holdfast_common.contracts.tools import Booking, CalendarStatus

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.skills.confirming import read_back
from holdfast_dialogue.domain.state import Wish
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Talk


def change_or_cancel(talk: Talk) -> Steps:
    """ "Can we move the meeting?", "Cancel my meeting", "Am I booked?" """
    u, state = talk.understood, talk.state
    if u.wants(Intent.MEETING_STATUS):
        talk.takes_over("booking")
        if state.meeting:
            yield from talk.say("booked_is", when=talk.moment(state.meeting.start, state.meeting.zone))
            found = yield CalendarStatus(key=state.meeting.key)
            if isinstance(found, Booking) and found.link:
                yield from talk.say("link_in_invitation")
        else:
            yield from talk.say("not_booked_yet")
        return
    wants_change = u.wants(Intent.CHANGE_MEETING) or (
        state.asks == "change_or_cancel" and any(w in u.text for w in ("move", "change", "reschedule", "other time"))
    )
    wants_cancel = u.wants(Intent.CANCEL_MEETING) or (state.asks == "change_or_cancel" and "cancel" in u.text)
    if not (wants_change or wants_cancel) or state.pending or state.task == "booking":
        return
    talk.takes_over("booking")
    if not state.meeting:
        yield from talk.say("no_booking_here")
        return
    state.offers, state.proposal, state.start = [], None, ""
    if wants_cancel:
        state.task = "cancel"
        yield from read_back(talk)
        return
    state.task = "change"
    if state.wish.is_empty and not (u.wish and not u.wish.empty):
        state.wish = Wish()
        yield from talk.say("ask_new_time", asks="start")
