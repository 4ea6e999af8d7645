"""What the profile says, what the settings override, and legs of the page's rate."""

from __future__ import annotations

from holdfast_common.contracts.asr import Expectation
from holdfast_common.profile import Profile
from holdfast_gateway.adapters.fake import voice
from holdfast_gateway.bootstrap import call_rule
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.settings import GatewaySettings

PROFILE = Profile.model_validate(
    {
        "id": "test",
        "company": "Test",
        "product": "Test",
        "copy": {},
        "turns": {"endpoint_ms": 600, "by_expectation": {"email": 1400}, "silence_prompt_s": 9},
    }
)


def test_turn_taking_is_the_profiles():
    rule = call_rule(PROFILE, GatewaySettings(_env_file=None), EdgeSettings(_env_file=None, max_call_s=120))

    assert rule.endpointing.expected(Expectation.OPEN) == 600
    assert rule.endpointing.expected(Expectation.EMAIL) == 1400
    assert (rule.floor.pause_ms, rule.floor.hold_ms) == (200, 200)
    assert (rule.duties.silence_s, rule.duties.longest_call_s) == (9, 120)


def test_settings_fix_the_endpoint_for_measuring():
    """Whatever is expected or said; and the pause comes before it, so that the reply can be thought of meanwhile."""
    settings = GatewaySettings(_env_file=None, endpoint_ms=150, hold_ms=300)
    rule = call_rule(PROFILE, settings, EdgeSettings(_env_file=None))

    assert rule.endpointing.after("dana at", Expectation.EMAIL) == 150
    assert (rule.floor.pause_ms, rule.floor.hold_ms) == (100, 300)


def test_a_page_speaks_and_hears_at_its_own_rate(play, script, world):
    """16 kHz in both directions: to the recogniser as it came, from the synthesiser as it will be played."""

    async def story():
        script.utterances = ["how do i sign"]
        script.partials = False
        call = world(script, rate_hz=16_000)
        await call.quiet()
        call.leg.speak(voice(1.2, 16_000))
        await call.until(lambda: len(call.heard) == 2)

        assert call.heard[1] == "You said how do i sign."
        assert script.listened[0].rate_hz == 16_000
        assert {speak.rate_hz for speak in script.spoken} == {16_000}

        call.leg.hang_up()
        await call.task

    play(story)
