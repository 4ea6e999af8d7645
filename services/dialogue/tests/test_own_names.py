"""Names of the product, rivals and known tools come from the profile, whatever company it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from holdfast_common.contracts.dialogue import Turn, TurnKind
from holdfast_common.profile import Profile, load_profile
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.own_names import is_own_name, names_competitor, product_as_it
from holdfast_dialogue.domain.state import State
from holdfast_dialogue.domain.understanding import understand

SHIPPED = load_profile(Path(__file__).parents[3] / "profiles" / "trial_success")
ANOTHER = SHIPPED.model_copy(
    update={
        "company": "Brimstead Ltd",
        "product": "MillWheel",
        "competitors": ["GristWorks", "Old Grain"],
        "recognise": {"integrations": {"tessera": ["tessera", "tess era"]}},
    }
)
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def heard(text: str, profile: Profile):
    return understand(Turn(n=2, kind=TurnKind.TYPED, now=NOW.isoformat(), text=text), State(), profile, NOW)


@pytest.mark.parametrize(
    ("profile", "text", "neutral"),
    [
        (ANOTHER, "does mill wheel run offline", "does it run offline"),
        (ANOTHER, "does millwheel run offline", "does it run offline"),
        (ANOTHER, "is brimstead ltd hiring", "is it hiring"),
        (ANOTHER, "does panda doc run offline", "does panda doc run offline"),
        (SHIPPED, "does panda doc run offline", "does it run offline"),
    ],
)
def test_the_product_is_it_joined_or_apart(profile: Profile, text: str, neutral: str) -> None:
    assert product_as_it(text, profile) == neutral


@pytest.mark.parametrize("text", ["has mill wheel got an appointment with you", "has millwheel got a meeting with you"])
def test_a_question_about_the_product_is_none_about_somebody_else(text: str) -> None:
    assert Intent.OTHER_PEOPLE not in heard(text, ANOTHER).intents
    assert Intent.OTHER_PEOPLE in heard(text, SHIPPED).intents


def test_what_is_looked_up_keeps_the_products_name() -> None:
    assert heard("can mill wheel work at night", ANOTHER).question == "can mill wheel work at night"


def test_rivals_and_known_tools_are_the_profiles() -> None:
    assert names_competitor("are you cheaper than grist works", ANOTHER)
    assert not names_competitor("are you cheaper than docusign", ANOTHER)
    assert not names_competitor("are you cheaper", ANOTHER.model_copy(update={"competitors": []}))
    assert is_own_name("Tessera", ANOTHER)
    assert not is_own_name("Zapier", ANOTHER)
    assert not heard("hi i work with tess era", ANOTHER).facts.get("name")
