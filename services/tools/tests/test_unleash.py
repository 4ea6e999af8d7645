"""The search outside, with the built-in knowledge behind it, over a stand-in that fails on demand."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from holdfast_cli.stand_ins.faults import Answer, Fault, Request
from holdfast_cli.stand_ins.stand_in import as_json
from holdfast_cli.stand_ins.unleash import UnleashStandIn, article
from holdfast_common.contracts.tools import Hit, KnowledgeSearch, Sureness
from holdfast_common.outside_http import http_client
from holdfast_common.resilience import Outside, Patience
from holdfast_common.secret_file import SecretMissing, SecretSource
from holdfast_common.virtual_time import VirtualLoop
from holdfast_tools.adapters.fake import MemoryShared, ScriptedKnowledge
from holdfast_tools.adapters.unleash import UnleashSearch
from holdfast_tools.domain.borders import Borders
from holdfast_tools.domain.foreign_text import MOST_WORDS, spoken, sureness
from holdfast_tools.domain.rate import take
from structlog.testing import capture_logs

TRIAL = KnowledgeSearch(text="How long is the trial?")
BUILT_IN = Hit(article="trial-length", title="Trial", answer="Two weeks.", score=0.9)


def story(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test())  # type: ignore[arg-type]

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class House:
    """One stand-in, and replicas that share a store."""

    def __init__(self, **options: object) -> None:
        self.unleash = UnleashStandIn()
        self.shared = MemoryShared()
        self.built_in = ScriptedKnowledge({TRIAL.text: [BUILT_IN]})
        self.options = options

    def replica(self) -> UnleashSearch:
        client = http_client("http://unleash.invalid", transport=self.unleash.transport())
        patience = Patience(attempts=2, attempt_s=0.8, fail_max=3, reset_s=10)
        key = SecretSource("unleash-key")
        now = asyncio.get_running_loop().time
        options = {"epoch": now, **self.options}
        return UnleashSearch(client, key, Outside("unleash", patience), self.built_in, self.shared, **options)  # type: ignore[arg-type]


class SlowShared(MemoryShared):
    """A store that takes its time: for reads, for the rate, for what is kept."""

    def __init__(self, *, get_s: float = 0.0, put_s: float = 0.0, keep_s: float = 0.0) -> None:
        super().__init__()
        self._get_s, self._put_s, self._keep_s = get_s, put_s, keep_s

    async def get(self, key: str) -> tuple[bytes, int] | None:
        await asyncio.sleep(self._get_s)
        return await super().get(key)

    async def put(self, key: str, value: bytes, revision: int | None = None) -> bool:
        await asyncio.sleep(self._put_s if revision is not None else self._keep_s)
        return await super().put(key, value, revision)


@story
async def test_hits_come_in_spoken_form_with_nulls_left_out() -> None:
    found = await House().replica().search(TRIAL)

    assert (found.source, found.sureness) == ("unleash", Sureness.SURE)
    assert found.hits[0].answer == "The trial lasts 14 days. See plans."
    assert [hit.article for hit in found.hits] == ["trial-length", "cancel-trial"]
    assert found.hits[1].answer == "Open Settings, then choose cancel."


@story
async def test_an_answer_is_asked_for_once_by_all_replicas() -> None:
    house = House()
    first, second = house.replica(), house.replica()
    told = [await first.search(TRIAL)]
    await first.close()
    told += [await second.search(KnowledgeSearch(text="how long is  the TRIAL?"))]

    assert house.unleash.requests == 1
    assert told[0] == told[1]
    assert not any("trial" in name.lower() for name in house.shared.entries)


@story
async def test_replicas_together_keep_to_the_rate_in_every_minute() -> None:
    house = House(per_minute=40, is_cached=False)
    replicas = [house.replica() for _ in range(3)]
    loop, dice = asyncio.get_running_loop(), random.Random(3)
    times: list[float] = []
    for _ in range(250):
        before = house.unleash.requests
        await dice.choice(replicas).search(TRIAL)
        times += [loop.time()] * (house.unleash.requests - before)
        await asyncio.sleep(dice.random() * 1.2)

    assert len(times) > 60
    assert max(sum(at <= other < at + 60 for other in times) for at in times) <= 40


@pytest.mark.parametrize("fault", [f for f in Fault if f not in (Fault.NONE, Fault.SLOW, Fault.CUT)])
def test_whatever_it_does_the_built_in_knowledge_answers_in_time(fault: Fault) -> None:
    """An error within 1.5 s, a hanging one within 3.5 s; the breaker then keeps it out of the way."""

    @story
    async def tell() -> None:
        house = House()
        house.unleash.faults.always = fault
        replica, loop = house.replica(), asyncio.get_running_loop()
        for n in range(8):
            began = loop.time()
            found = await replica.search(TRIAL)
            assert found.hits[0] == BUILT_IN
            assert loop.time() - began <= (1.05 if n < 4 else 0.01)
        assert replica.outside.state == "open"
        house.unleash.faults.always = Fault.NONE
        await asyncio.sleep(40)
        assert (await replica.search(TRIAL)).source == "unleash"

    tell()


@story
async def test_refusals_are_not_retried_and_not_counted() -> None:
    """A wrong key, an account that is not named: the built-in knowledge answers, the log says why."""
    house = House()
    house.unleash.account = "ops@holdfast.example"
    replica = house.replica()
    for _ in range(5):
        assert (await replica.search(TRIAL)).hits[0] == BUILT_IN
    assert (house.unleash.requests, replica.outside.state) == (5, "closed")

    house.options["account"] = "ops@holdfast.example"
    assert (await house.replica().search(TRIAL)).source == "unleash"


@story
async def test_without_the_shared_store_it_answers_and_each_replica_takes_a_part_of_the_rate() -> None:
    house = House(per_minute=50)
    house.shared.away = True
    replica = house.replica()
    for _ in range(30):
        await replica.search(TRIAL)

    assert 0 < house.unleash.requests <= 10


@story
async def test_a_question_that_it_knows_nothing_of_goes_to_the_built_in_knowledge() -> None:
    house = House()
    await house.replica().search(KnowledgeSearch(text="What is the weather on Mars?"))

    assert len(house.built_in.asked) == 1


@pytest.mark.parametrize(
    "text",
    ["Is my contract enforceable in court?", "Are you cheaper than DocuSign?", "Please cancel my subscription for me."],
)
def test_what_no_article_may_answer_is_not_searched_for(text: str) -> None:
    """Advice, rivals and acts in an account: the articles hold all the words, and the built-in knowledge is asked."""

    @story
    async def tell() -> None:
        house = House(outside_of=Borders(["DocuSign"]).outside)
        house.unleash.articles = [article("close", text, text)]
        assert (await house.replica().search(KnowledgeSearch(text=text))).source == "scripted"
        assert house.unleash.requests == 0

        asked = KnowledgeSearch(text="How do contracts get signed?")
        house.unleash.articles = [article("sign", "How contracts get signed", "Contracts get signed in the browser.")]
        assert (await house.replica().search(asked)).source == "unleash"

    tell()


@story
async def test_a_follow_up_is_asked_with_what_was_said_before_and_kept_apart_from_the_bare_one() -> None:
    """Which says something else by itself; a question that says enough goes as it is."""
    house = House()
    replica = house.replica()
    asked: list[str] = []
    answer = house.unleash.answer

    async def listen(request: Request) -> Answer:
        asked.append(json.loads(request.body)["query"])
        return await answer(request)

    house.unleash.answer = listen  # type: ignore[method-assign]
    for previous in ("Cancel the trial", ""):
        await replica.search(KnowledgeSearch(text="And how long?", previous=previous))
    await replica.search(KnowledgeSearch(text="Where do I choose the settings to cancel?", previous="Trial length"))

    assert asked == ["Cancel the trial And how long?", "And how long?", "Where do I choose the settings to cancel?"]


@story
async def test_a_slow_shared_store_takes_no_time_beyond_that_of_the_search() -> None:
    """Look-up, rate and search share one second, and the answer is not kept before it is told."""
    house = House(within_s=1.0)
    loop, replica = asyncio.get_running_loop(), house.replica()
    house.shared = replica._shared = SlowShared(put_s=3.0)
    replica._is_cached = True
    began = loop.time()
    assert (await replica.search(TRIAL)).hits[0] == BUILT_IN
    assert loop.time() - began == pytest.approx(1.0, abs=0.02)

    house.shared = replica._shared = SlowShared(get_s=0.3, keep_s=3.0)
    began = loop.time()
    assert (await replica.search(TRIAL)).source == "unleash"
    assert loop.time() - began < 0.7
    await replica.close()
    assert (await replica.search(TRIAL)).source == "unleash"
    assert house.unleash.requests == 1


@story
async def test_a_refusal_is_logged_without_its_free_text() -> None:
    """Which may repeat the caller's question; the status and the request's id are enough to ask about it."""
    house = House()
    told = as_json(400, {"title": "Bad", "reason": "cannot parse 'dana@northwind.example'", "requestId": "0HN5X"})

    async def refuse(_request: Request) -> Answer:
        return told

    house.unleash.answer = refuse  # type: ignore[method-assign]
    with capture_logs() as logs:
        await house.replica().search(TRIAL)

    assert "dana" not in str(logs)
    assert "0HN5X" in str(logs) and "400" in str(logs)


def test_spoken_form_has_no_markup_and_is_short() -> None:
    long = "First **step**: open [settings](https://a.example/b). " + "Then wait for a while and look. " * 30
    text = spoken("# Title\n\n- one\n- two\n\n`code` <b>bold</b> https://x.example/y mail me at a@b.example\n\n" + long)

    assert len(text.split()) <= MOST_WORDS
    assert text.endswith(".")
    assert not set("*#<>[]`|") & set(text)
    assert "http" not in text and "@" not in text
    assert text.startswith("Title. one. two.")
    assert spoken("word " * 200).count("word") == MOST_WORDS
    assert spoken("") == ""


def test_sureness_is_the_share_of_the_questions_own_words() -> None:
    assert sureness("How do I cancel the trial?", "Cancel the trial", "Open settings.")[0] == Sureness.SURE
    assert sureness("Can I cancel reminders for templates?", "Templates", "They hold text.")[0] == Sureness.ASK_BACK
    assert sureness("the is a?", "x", "y") == (Sureness.UNSURE, 0.0)


def test_a_rate_is_kept_in_any_minute_whatever_comes() -> None:
    dice, booked, now, passed = random.Random(1), 0.0, 1000.0, []
    for _ in range(4000):
        now += dice.choice([0.0, 0.0, 0.01, 0.3, 5.0])
        after = take(booked, now, per_minute=30)
        if after is not None:
            booked = after
            passed.append(now)
    assert max(sum(at <= other < at + 60 for other in passed) for at in passed) <= 30


def test_a_rotated_secret_counts_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(SecretMissing):
        SecretSource("", file).current()
    file.write_text("old\n")
    secret = SecretSource("", file)
    assert secret.current() == "old"
    (tmp_path / "new").write_text("new")
    (tmp_path / "new").replace(file)
    assert secret.current() == "new"
    file.unlink()
    assert secret.current() == "new"
    assert "new" not in repr(secret)
