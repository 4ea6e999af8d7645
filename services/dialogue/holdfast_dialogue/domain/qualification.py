"""Who is offered a meeting: the profile's rubric over what is known of the caller."""

from __future__ import annotations

from enum import StrEnum

from holdfast_common.profile import Profile

from holdfast_dialogue.domain.state import State


class Standing(StrEnum):
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"
    UNKNOWN = "unknown"


RUBRIC_FIELDS = ("team_size", "use_case", "monthly_documents", "integrations")
"""Known fields that count towards a decision; asked in this order where a meeting hangs on it."""


def standing(profile: Profile, fields: dict[str, str]) -> Standing:
    """Any line met qualifies; no line met and enough known does not; else it is open."""
    rules = profile.qualification
    if values(fields.get("excluded")) & set(rules.never):
        return Standing.UNQUALIFIED
    if (
        _at_least(fields.get("team_size"), rules.team_size_at_least)
        or _at_least(fields.get("monthly_documents"), rules.monthly_documents_at_least)
        or values(fields.get("integrations")) & set(rules.integrations_any_of)
        or values(fields.get("needs")) & set(rules.needs_any_of)
    ):
        return Standing.QUALIFIED
    known = sum(1 for name in RUBRIC_FIELDS if fields.get(name))
    return Standing.UNQUALIFIED if known >= rules.known_fields_needed else Standing.UNKNOWN


def next_rubric_field(profile: Profile, state: State) -> str:
    """The field to ask next for a caller who wants a meeting and has met no line yet; empty: asked enough.

    Nobody is turned away before everything that could qualify them was asked, unless a rule excludes them.
    """
    if values(state.fields.get("excluded")) & set(profile.qualification.never):
        return ""
    names = {field.name for field in profile.fields}
    return next(
        (
            n
            for n in RUBRIC_FIELDS
            if n in names and not state.fields.get(n) and state.asked.get(n, 0) < 2 and not _refused(state, n)
        ),
        "",
    )


def next_field(profile: Profile, state: State) -> str:
    """The next thing worth knowing that was neither told nor asked; empty: nothing, or the caller would rather not."""
    if state.reserved:
        return ""
    return next((f.name for f in profile.fields if not state.fields.get(f.name) and not state.asked.get(f.name)), "")


def values(text: str | None) -> set[str]:
    """`hubspot, api` as a set."""
    return {part.strip() for part in (text or "").split(",") if part.strip()}


def _refused(state: State, name: str) -> bool:
    return state.reserved and bool(state.asked.get(name))


def _at_least(value: str | None, limit: int) -> bool:
    return bool(value) and str(value).isdigit() and int(str(value)) >= limit
