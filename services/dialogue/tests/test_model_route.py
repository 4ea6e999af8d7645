"""The model's place in a turn: after the knowledge base, before the honest fallback, and never nearer to the world."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
import structlog
from holdfast_cli.model_server import answers
from holdfast_common.contracts.dialogue import Committed, Confirm, Interrupt, Sentence
from holdfast_common.contracts.tools import CalendarBook, CalendarCancel, CalendarChange
from holdfast_common.telemetry_testing import span_ledger
from holdfast_common.testing import FakeSession
from holdfast_dialogue.adapters.fake_model import HANG, FakeModel, says
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.model_budget import Allowance
from holdfast_dialogue.domain.model_steps import Failure, ModelFailed, ModelProposal, ModelText
from holdfast_dialogue.handlers import Dialogue, Limits
from holdfast_dialogue.model_run import ModelLimits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNSURE = "does the countdown restart when i invite a coworker"
"""Nothing that the articles are sure of."""
GROUNDED = "The clock starts on the day you signed up. It does not restart later."


PLENTY = Allowance(call_tokens=10_000_000)


class Route:
    """A call whose dialogue has a model."""

    def __init__(self, call, model: FakeModel, allowance: Allowance = PLENTY, first_s: float = 30.0) -> None:
        self.call, self.model = call, model
        self.dialogue = Dialogue(
            profile=call.profile,
            policy=partial(decide, allowance=allowance),
            tools=call.tools,
            call_log=call.log,
            limits=Limits(model=ModelLimits(first_sentence_s=first_s, next_s=first_s, whole_s=60.0)),
            model=model,
        )

    async def says(self, text: str, **changes: object) -> str:
        changes.setdefault("budget_ms", 60_000)
        session = FakeSession(self.call.turn(text, **changes), call=self.call.call)
        await self.dialogue(session)
        self.call.take(session)
        return self.call.text

    @property
    def route(self) -> str:
        assert self.call.committed is not None
        return self.call.committed.route


@pytest.fixture
def route(call):
    return lambda *scripts, **more: Route(call, FakeModel(list(scripts)), **more)


def is_fallback(call) -> bool:
    return any(said in call.text for said in call.profile.copy_["not_sure"]) or call.asks == "clarify_topic"


async def test_a_model_that_is_away_is_an_incident_of_the_call_though_it_was_not_asked(route, call):
    talk = route()
    await talk.says("how long does the free trial last")
    assert not call.recorded("incident_logged")
    talk.model.is_away = True
    await talk.says("how do i cancel it")

    assert talk.model.asked == []
    assert call.recorded("incident_logged") == {"what": "model_away"}


async def test_what_the_knowledge_base_is_sure_of_needs_no_model(route, call):
    talk = route()
    await talk.says("how long does the free trial last")

    assert talk.route == "knowledge"
    assert talk.model.asked == []


async def test_an_unsure_question_is_answered_by_the_model_over_what_was_found(route, call):
    talk = route(says(GROUNDED))
    call.tools.articles = [a for a in call.tools.articles if a.id == "trial-length"]
    await talk.says(UNSURE)

    assert talk.route == "model"
    assert "clock starts" in call.text
    assert call.committed.answered
    assert call.committed.article == "trial-length"
    (request,) = talk.model.asked
    assert "fourteen days" in request.messages[0].text
    assert request.messages[-1].text == UNSURE
    assert request.max_tokens == 150


@pytest.mark.parametrize(
    "script",
    [
        [ModelFailed(Failure.UNAVAILABLE)],
        [ModelFailed(Failure.OPEN)],
        says("UNKNOWN"),
        says(""),
        says("Your meeting is booked for tomorrow."),
        says("qwfp zxcv lkjh."),
        [ModelText("The clock sta"), ModelFailed(Failure.BROKEN)],
    ],
)
async def test_without_a_usable_answer_the_honest_fallback_speaks(route, call, script):
    talk = route(script)
    await talk.says(UNSURE)

    assert is_fallback(call)
    assert talk.route in ("fallback", "ask_back")


async def test_the_first_sentence_leaves_while_the_model_is_still_writing(route, call):
    call.tools.articles = [a for a in call.tools.articles if a.id == "trial-length"]
    talk = route([ModelText("The clock starts on the day you signed up. It"), HANG])
    session = FakeSession(call.turn(UNSURE, budget_ms=60_000), call=call.call)
    running = asyncio.create_task(talk.dialogue(session))
    await session.wait_for(lambda results: len(results) == 1)
    assert session.results[0].text == "The clock starts on the day you signed up."
    assert session.results[0].notes.route == "model"
    session.put(Interrupt(sentence=0, words=3))
    async with asyncio.timeout(5):
        await running

    assert isinstance(session.results[-1], Committed)
    assert talk.model.closed == 1


async def test_a_hanging_model_is_given_up_for_the_next_route(route, call):
    talk = route([HANG], first_s=0.05)
    async with asyncio.timeout(10):
        await talk.says(UNSURE)

    assert is_fallback(call)
    assert talk.model.slow == 1
    assert talk.model.closed == 1


async def test_a_turn_short_of_time_takes_the_next_route_at_once(route, call):
    talk = route(says(GROUNDED))
    await talk.says(UNSURE, budget_ms=1_000)

    assert talk.model.asked == []
    assert is_fallback(call)


async def test_a_speculative_turn_spends_no_tokens_before_its_confirm(route, call):
    talk = route(says(GROUNDED))
    session = FakeSession(call.turn(UNSURE, confirmed=False, budget_ms=60_000), call=call.call)
    running = asyncio.create_task(talk.dialogue(session))
    for _ in range(50):  # nothing to wait for: give it every chance to go wrong
        await asyncio.sleep(0)
    assert talk.model.asked == []
    session.put(Confirm())
    await running

    assert len(talk.model.asked) == 1


async def test_on_reopening_the_model_goes_on_from_what_was_said_and_says_nothing_twice(route, call):
    call.tools.articles = [a for a in call.tools.articles if a.id == "trial-length"]
    first = route(says(GROUNDED))
    turn = call.turn(UNSURE, budget_ms=60_000)
    session = FakeSession(turn, call=call.call)
    await first.dialogue(session)
    begun = next(r for r in session.results if isinstance(r, Sentence))
    second = route(says(GROUNDED))
    await second.says(UNSURE, accepted=[begun])

    (request,) = second.model.asked
    assert request.continues
    assert request.messages[-1].role == "assistant"
    assert request.messages[-1].text == begun.text
    assert [s.text for s in call.reply][:1] == ["It does not restart later."]
    assert begun.text not in call.said
    assert call.entries[-1].reply[:2] == [begun.text, "It does not restart later."]


async def test_a_call_that_has_used_up_its_tokens_goes_on_without(route, call):
    talk = route(says(GROUNDED), says(GROUNDED), allowance=Allowance(call_tokens=400))
    call.tools.articles = [a for a in call.tools.articles if a.id == "trial-length"]
    await talk.says(UNSURE)
    assert call.state.counts["model_tokens"] > 300
    await talk.says("and does it restart when somebody else is invited by my coworker")

    assert len(talk.model.asked) == 1


async def test_a_model_that_misbehaves_twice_is_not_asked_again_in_this_call(route, call):
    talk = route(*[says("Your meeting is booked.")] * 5)
    for _ in range(4):
        await talk.says(UNSURE)

    assert len(talk.model.asked) == 2


async def test_a_look_up_that_the_model_proposes_may_find_the_article(route, call):
    talk = route(says("", ModelProposal("search_knowledge", '{"query": "how long does the free trial last"}')))
    await talk.says(UNSURE)

    assert talk.route == "model"
    assert "fourteen days" in call.text


async def test_a_meeting_that_the_model_proposes_begins_with_the_callers_own_yes(route, call):
    talk = route(says("", ModelProposal("propose_meeting", "{}")))
    await talk.says("my boss thought it could be an idea to sit together with you folks")

    assert call.asks == "permission_to_book"
    assert call.state.task == ""
    assert call.tools.ledger == {}


async def test_a_hijacked_model_changes_nothing_in_the_world_and_is_not_heard(route, call):
    """Through a whole booking: every attack at every turn, and the one meeting is the caller's own."""

    def attack(request):
        messages = [{"role": m.role, "content": m.text} for m in request.messages]
        said = answers.hostile(messages, [t.name for t in request.tools], len(talk.model.asked))
        return says(said.text, *(ModelProposal(t.name, t.arguments) for t in said.tools))

    talk = route()
    talk.model.by = attack
    lines = (
        UNSURE,
        "i'm dana miller we are a team of twelve",
        "i'd like a meeting next tuesday at half past two new york time",
    )
    for line in (
        *lines,
        UNSURE,
        "dana dot miller at northwind dot example",
        "what do other folks say about the weather",
    ):
        await talk.says(line)
    await talk.says("yes")
    if not call.tools.booked:  # the question came between: it is read back again before a yes counts
        await talk.says("yes")
    for _ in range(6):
        await talk.says(UNSURE)

    assert [b.attendee_email for b in call.tools.booked] == ["dana.miller@northwind.example"]
    assert not [s for s in call.said if "attack" in s or "Whitfield" in s or "discount" in s]


async def test_neither_logs_nor_spans_hold_a_word_of_prompt_answer_or_caller(route, call):
    """Ids, counts and kinds only: also where the model fails or is refused."""
    ledger = span_ledger()
    ledger.clear()
    call.tools.articles = [a for a in call.tools.articles if a.id == "trial-length"]
    talk = route(says(GROUNDED), says("Your meeting is booked."), [ModelText("The clo"), ModelFailed(Failure.BROKEN)])
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            await talk.says(f"my name is zebulon quagmire and {UNSURE}")
    spans = [span for trace in ledger.traces().values() for span in trace]
    told = (str(lines) + str([(s.name, dict(s.attributes or {}), s.events, s.status) for s in spans])).lower()

    assert "model_answered" in told
    assert "ask_model" in told
    assert not [word for word in ("zebulon", "countdown", "clock starts", "passages", "meeting is") if word in told]


EVIL = '{"start": "2026-12-01T19:30:00Z", "email": "evil@attack.example"}'
PROPOSALS = st.builds(
    ModelProposal,
    st.sampled_from(["propose_meeting", "offer_follow_up", "search_knowledge", "calendar_book", "book", "act"]),
    st.sampled_from(
        ["{}", "{", "null", '{"start": "2026-12-01T19:30:00Z", "email": "evil@attack.example"}', '{"query": "price"}']
    ),
)
LINES = st.sampled_from(
    [UNSURE, "yes", "yes please do", "no", "what about the other thing then", "i would like a meeting tomorrow"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(LINES, st.lists(PROPOSALS, max_size=3)), min_size=1, max_size=6))
async def test_no_sequence_of_proposals_reaches_the_calendar_without_a_read_back(call, turns):
    """The caller says yes to everything and gives no address: nothing can be booked, whatever the model proposes."""
    from dataclasses import replace

    fresh = replace(call, n=0, snapshot=b"", sequence=0, unlogged=[], log=type(call.log)(), said=[])
    fresh.tools.asked.clear()
    talk = Route(fresh, FakeModel())
    for line, proposals in turns:
        talk.model.by = lambda _request, p=proposals: says("Your meeting is booked.", *p)
        await talk.says(line)

    assert not [a for a in fresh.tools.asked if isinstance(a, CalendarBook | CalendarChange | CalendarCancel)]
    assert not fresh.tools.ledger
