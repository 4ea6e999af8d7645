"""What callers tell about themselves, in their own ways; corrections win, questions tell little."""

from __future__ import annotations

import pytest
from holdfast_dialogue.domain.facts import read_facts
from holdfast_dialogue.domain.qualification import Standing, standing


@pytest.mark.parametrize(
    ("text", "asked", "known"),
    [
        ("we are a team of twelve", "", {"team_size": "12"}),
        ("there are about thirty five of us", "", {"team_size": "35"}),
        ("it's just me", "", {"team_size": "1"}),
        ("i run a twenty person company", "", {"team_size": "20"}),
        ("fourteen", "team_size", {"team_size": "14"}),
        ("four no wait make that fifteen people", "team_size", {"team_size": "15"}),
        ("around two hundred a month", "", {"monthly_documents": "200"}),
        ("fifty a week", "", {"monthly_documents": "217"}),
        ("twenty five", "monthly_documents", {"monthly_documents": "25"}),
        ("we're on hub spot", "", {"integrations": "hubspot"}),
        ("we used hubspot uh no sorry it's pipedrive now", "integrations", {"integrations": "pipedrive"}),
        ("none", "integrations", {"integrations": "none"}),
        ("we need single sign on", "", {"needs": "sso"}),
        ("mostly sales contracts", "use_case", {"use_case": "sales contracts"}),
        ("we send out vendor agreements", "", {"use_case": "vendor agreements"}),
        ("we're an event agency", "", {"industry": "event agency"}),
        ("sometime in spring i guess", "timeline", {"timeline": "spring"}),
        ("before christmas", "", {"timeline": "before christmas"}),
    ],
)
def test_it_is_taken_down(profile, text, asked, known):
    found = read_facts(text, asked, "", profile)

    assert {name: found.get(name) for name in known} == known or all(v in found.get(k, "") for k, v in known.items())


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("does it work with hubspot", ""),
        ("can two people sign at once", ""),
        ("how many people can sign one document", ""),
        ("what does it cost a month", ""),
        ("how do i send contracts", ""),
        ("yes", "use_case"),
        ("i don't know", "industry"),
        ("yes please", "permission_to_book"),
        ("one", "use_case"),
    ],
)
def test_questions_and_courtesies_tell_nothing(profile, text, asked):
    assert read_facts(text, asked, "", profile) == {}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"team_size": "5"}, Standing.QUALIFIED),
        ({"team_size": "4"}, Standing.UNKNOWN),
        ({"team_size": "1", "monthly_documents": "100"}, Standing.QUALIFIED),
        ({"team_size": "1", "integrations": "none"}, Standing.UNQUALIFIED),
        ({"integrations": "zapier, api"}, Standing.QUALIFIED),
        ({"needs": "hipaa"}, Standing.QUALIFIED),
        ({"use_case": "contracts"}, Standing.UNKNOWN),
        ({"team_size": "40", "excluded": "seller or recruiter"}, Standing.UNQUALIFIED),
        ({}, Standing.UNKNOWN),
    ],
)
def test_the_rubric_decides(profile, fields, verdict):
    assert standing(profile, fields) is verdict
