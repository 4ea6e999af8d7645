"""The profile's wordings: which variant, filled in, cut into sentences.

The variant follows from the turn's seed, so another replica words the same turn alike; the one used
last for the same purpose is passed over.
"""

from __future__ import annotations

import re

from holdfast_common.hashing import stable_hash

from holdfast_dialogue.domain.state import State

MAX_WORDS = 28
"""A sentence longer than this is hard to follow by ear and is cut at a joint."""

REQUIRED_WORDS = """
child clarify_date no_contact no_discount report_noted report_what offer_meeting_again tell_me_more
abuse already_booked anything_else ask_back ask_back_one ask_email ask_name ask_new_time ask_when ask_zone
ask_zone_again beta_notice booked booked_is booked_next booked_next_noname booking_stopped calendar_down
cancel_question cancelled cannot_confirm change_question change_readback changed confirm_email corrected
deletion_email deletion_name deletion_noted deletion_start deletion_status email_code_words email_missing_domain
email_not_understood email_other_way email_what_right follow_up_email follow_up_noted go_ahead goodbye greeting
greeting_back how_can_i_help in_the_past injection kept legal link_in_invitation meeting_first meeting_yes
next_step_meeting
next_step_meeting_question next_step_support nice_to_meet no_account no_booking_here no_openings no_openings_then
no_problem not_booked_yet not_free not_heard not_heard_again not_sure not_understood noted nothing_to_repeat
offer_follow_up offer_meeting offer_one offer_person offer_times only_english other_people person person_away
person_known person_now prepare readback readback_question recording refused repeat_lead resumed resumed_open robot
search_down silence_goodbye slower_lead start_over still_there still_there_again still_unknown take_your_time taken
thanks_goodbye time_free too_far unqualified unqualified_again unqualified_help upset welcome what_else
understood_no what_to_change zone_assumed
"""
REQUIRED = frozenset(REQUIRED_WORDS.split())  # one word a name: a wrapped list reads badly
"""Wordings that a profile must have.

Optional: `ask_nps` with `thanks_nps`, `readback_yes_or_no`, `competitor`, `noted_<field>`.
"""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z¿¡\"'])")
_JOINT = re.compile(r"(?<=[;:])\s+|,\s+(?=(?:and|but|so|or|which|because)\b)")


def seed_of(call: str, n: int) -> int:
    return stable_hash(f"{call}/{n}")


def missing_wordings(copy: dict[str, list[str]]) -> list[str]:
    """What is wrong with a profile's copy, for people; empty: nothing."""
    absent = [f"{name} is missing" for name in sorted(REQUIRED - copy.keys())]
    return absent + [f"{name} has no variant" for name, variants in sorted(copy.items()) if not variants]


def choose(variants: list[str], name: str, seed: int, state: State) -> str:
    """One of the wordings of this name, never the one used last; remembers it in the state."""
    index = stable_hash(f"{seed}/{name}") % len(variants)
    if len(variants) > 1 and state.variants.get(name) == index:
        index = (index + 1) % len(variants)
    state.variants[name] = index
    return variants[index]


def fill(text: str, slots: dict[str, str]) -> str:
    """Put the slots in; the first letter is made large where a slot begins the sentence."""
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return text[:1].upper() + text[1:]


def sentences(text: str) -> list[str]:
    """Cut a text into sentences for the ear: at full stops, and overlong ones at a joint."""
    parts: list[str] = []
    for sentence in _SENTENCE_END.split(text.strip()):
        if sum(len(word) > 1 for word in sentence.split()) <= MAX_WORDS:  # letters of a spelled name are no words
            parts.append(sentence)
        else:
            parts.extend(_halve(sentence))
    return [part for part in parts if part]


def _halve(sentence: str) -> list[str]:
    """Cut at the joint nearest the middle; a sentence without one stays whole."""
    joints = list(_JOINT.finditer(sentence))
    if not joints:
        return [sentence]
    joint = min(joints, key=lambda m: abs(m.start() - len(sentence) / 2))
    head, tail = sentence[: joint.start()].rstrip(" ,;:") + ".", sentence[joint.end() :]
    return [head, tail[:1].upper() + tail[1:]]
