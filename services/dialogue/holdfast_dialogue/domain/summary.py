"""What a person should know who takes over from the agent: who, what for, where it stands; a few lines. Pure."""

from __future__ import annotations

from holdfast_common.profile import Profile

from holdfast_dialogue.domain.state import State

MOST_CHARACTERS = 500


def summary(profile: Profile, state: State) -> str:
    """One line a thing that is known."""
    fields = state.fields
    who = ", ".join(fields[name] for name in ("name", "company", "email") if fields.get(name))
    told = [f"{f.name.replace('_', ' ')}: {fields[f.name]}" for f in profile.fields if fields.get(f.name)]
    meeting = state.meeting
    lines = [
        f"caller: {who or 'not named'}",
        *told,
        f"asked about: {state.article_title}" if state.article_title else "",
        f"meeting: {meeting.start}" if meeting else "",
        f"last words: {state.exchanges[-1].said}" if state.exchanges and state.exchanges[-1].said else "",
    ]
    return "\n".join(line for line in lines if line)[:MOST_CHARACTERS]
