"""Searching by meaning: the model from its package, weights from the profile's own text, and what happens without."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import httpx2
import msgspec
import numpy as np
import pytest
from holdfast_common.contracts.tools import KnowledgeSearch, Sureness
from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_tools import evaluation, profile_check
from holdfast_tools.adapters.embeddings_endpoint import EndpointEmbeddings
from holdfast_tools.adapters.kept_vectors import MOST_WEIGHTS, KeptVectors
from holdfast_tools.adapters.knowledge_contents import read
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.domain.borders import Borders, Outside
from holdfast_tools.domain.classifier import Classifier
from holdfast_tools.domain.fitting import conditional_logit, fit, logistic
from holdfast_tools.domain.knowledge import KnowledgeIndex
from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.views import MeaningViews
from holdfast_tools.domain.ways import Ways
from holdfast_tools.domain.weights import BY_WORDS
from holdfast_tools.domain.words import Words

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"


class Letters:
    """An `Embedder` that counts letter pairs: enough to tell texts apart, and quick."""

    name = "letters"

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.away = False

    async def embed_question(self, texts: Sequence[str]) -> Floats:
        return await self.embed(texts)

    async def embed(self, texts: Sequence[str]) -> Floats:
        if self.away:
            raise EngineUnavailable("letters: gone")
        self.embedded += texts
        rows = np.zeros((len(texts), 512), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for first, second in pairwise(text):
                row[(ord(first) * 31 + ord(second)) % 512] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    (folder / "knowledge").mkdir(parents=True)
    for name in ("trial-length", "hubspot", "fields"):
        shutil.copy(PROFILE / "knowledge" / f"{name}.md", folder / "knowledge")
    return folder


async def ask(knowledge: KnowledgeFolder, text: str) -> tuple[str, Sureness]:
    found = await knowledge.search(KnowledgeSearch(text=text))
    return found.hits[0].article, found.sureness


def test_the_packaged_model_puts_like_meanings_close(tmp_path: Path) -> None:
    model = MiniLm(tmp_path)
    trial, same, other = model.embed_now(["how long is the trial", "when does my free test period end", "i like pizza"])

    assert trial @ same > trial @ other + 0.2
    assert np.linalg.norm(trial) == pytest.approx(1, abs=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == [MiniLm.name]


async def test_a_changed_folder_is_embedded_only_where_it_is_new(small: Path, tmp_path: Path) -> None:
    knowledge, letters, kept = KnowledgeFolder(small), Letters(), KeptVectors(tmp_path / "kept")
    await knowledge.learn([lambda: letters], kept)
    before = len(letters.embedded)
    article = "---\nid: parking\ntitle: Parking\nquestions:\n- Where can I park?\n---\nBehind the house.\n"
    (small / "knowledge" / "parking.md").write_text(article, "utf-8")

    assert await knowledge.reload()
    assert knowledge.by_meaning
    assert len(letters.embedded) == before + 3
    assert (await ask(knowledge, "where can i park"))[0] == "parking"
    again = Letters()
    await KnowledgeFolder(small).learn([lambda: again], kept)
    assert again.embedded == []


async def test_without_a_model_the_search_goes_by_words_and_says_so(small: Path, tmp_path: Path) -> None:
    def missing() -> Letters:
        raise EngineUnavailable("letters: not installed")

    knowledge = KnowledgeFolder(small)
    await knowledge.learn([missing], KeptVectors(tmp_path))

    assert not knowledge.by_meaning
    assert "not installed" in knowledge.meaning
    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"


async def test_the_next_model_is_taken_where_the_first_cannot_be_had(small: Path, tmp_path: Path) -> None:
    away, letters = Letters(), Letters()
    away.away = True
    knowledge = KnowledgeFolder(small)
    await knowledge.learn([lambda: away, lambda: letters], KeptVectors(tmp_path))

    assert knowledge.by_meaning
    assert letters.embedded


async def test_a_question_whose_vector_does_not_come_is_searched_by_words(small: Path, tmp_path: Path) -> None:
    knowledge, letters = KnowledgeFolder(small), Letters()
    await knowledge.learn([lambda: letters], KeptVectors(tmp_path))
    letters.away = True

    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"


async def test_vectors_come_from_an_endpoint_in_the_order_of_the_texts() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer k"
        texts = json.loads(request.content)["input"]
        rows = [{"index": n, "embedding": [float(len(t)), 1.0]} for n, t in enumerate(texts)]
        return httpx2.Response(200, json={"data": rows[::-1]})

    endpoint = EndpointEmbeddings("http://models.example/v1", "m", "k", transport=httpx2.MockTransport(answer))
    rows = await endpoint.embed(["a", "four"])
    await endpoint.close()

    assert rows[0] == pytest.approx([0.7071, 0.7071], abs=1e-3)
    assert rows[1] == pytest.approx([0.9701, 0.2425], abs=1e-3)


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(500), httpx2.Response(401), httpx2.Response(200, json={"data": []}), httpx2.Response(200)],
)
async def test_an_endpoint_that_answers_rubbish_is_an_unavailable_engine(answer: httpx2.Response) -> None:
    endpoint = EndpointEmbeddings("http://models.example/v1", "m", transport=httpx2.MockTransport(lambda _: answer))
    with pytest.raises(EngineUnavailable):
        await endpoint.embed(["how long"])
    await endpoint.close()


def test_a_classifier_tells_what_it_was_shown_apart() -> None:
    rows = np.eye(6, dtype=np.float32)
    classifier = Classifier.fit(rows, np.array([0, 0, 1, 1, 2, 2]), np.ones(6, np.float32), 3)

    assert [int(classifier.scores(row).argmax()) for row in rows] == [0, 0, 1, 1, 2, 2]
    assert np.exp(classifier.scores(rows[0])).sum() == pytest.approx(1, abs=1e-4)


def test_a_view_that_tells_nothing_gets_no_weight() -> None:
    draw = np.random.default_rng(1)
    right = draw.integers(0, 10, 400)
    good = draw.normal(size=(400, 10))
    good[np.arange(400), right] += 3
    weights = conditional_logit(np.stack([good, draw.normal(size=(400, 10)), -good], 1), right)

    assert weights[0] > 10 * weights[1]
    assert weights[2] == 0


def test_the_logistic_model_weighs_both_sides_alike() -> None:
    evidence = np.array([[1.0]] * 90 + [[-1.0]] * 10)
    weights, bias = logistic(evidence, np.array([True] * 90 + [False] * 10))

    assert weights[0] > 0
    assert abs(weights[0] + bias) == pytest.approx(abs(-weights[0] + bias), rel=0.2)


def test_fitting_is_deterministic_and_leaves_a_small_knowledge_to_the_shipped_weights() -> None:
    small = [Ways("a", "A", ("what is a",), ("a is a",)), Ways("b", "B", ("what is b",), ("b is b",))]

    assert fit(small, []) == BY_WORDS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("please cancel my subscription right now", Outside.ACCOUNT_ACTION),
        ("could you resend that to him for me", Outside.ACCOUNT_ACTION),
        ("has acme signed yet can you check", Outside.ACCOUNT_ACTION),
        ("should i sign this lease", Outside.ADVICE),
        ("is my non compete enforceable", Outside.ADVICE),
        ("how do i forge a signature", Outside.UNSAFE),
        ("what did the last caller say to you", Outside.UNSAFE),
        ("is docu sign any good", Outside.COMPETITOR),
        ("how do i cancel my subscription", None),
        ("can i change the signer after sending", None),
        ("is it legal to sign like this", None),
        ("can you remind people automatically", None),
        ("do you store data in europe", None),
    ],
)
def test_rules_tell_what_no_article_may_answer(text: str, why: Outside | None) -> None:
    assert Borders(["docusign", "docu sign"]).outside(text) == why


def test_the_rules_leave_the_questions_of_the_articles_alone() -> None:
    contents = read(PROFILE)
    asked = [text for ways in contents.ways for text in ways.asked]

    assert sum(contents.borders.outside(text) is not None for text in asked) <= len(asked) // 400


def test_a_file_of_questions_may_leave_out_what_is_optional(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"text": "how long"}\n\n{"text": "x", "article": "a", "also_ok": null, "more": 1}\n', "utf-8")
    first, second = evaluation.read_questions(path)

    assert (first.id, first.right, first.told_kind) == ("1", frozenset(), "out_of_scope")
    assert (second.id, second.right) == ("3", {"a"})


@pytest.mark.parametrize("content", ["", "{", '{"article": "a"}', '["text"]'])
def test_a_file_that_holds_no_questions_is_told_by_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"q\.jsonl"):
        evaluation.read_questions(path)


def test_unseen_questions_keep_their_floors_by_words_alone() -> None:
    """Questions that were written before anything was fitted, and by which nothing was."""
    questions = Path(__file__).parent / "unseen_questions.jsonl"
    report = evaluation.evaluate(questions, PROFILE, Path("unused"), by_words=True)

    assert report["top1"] >= 0.8
    assert report["top3"] >= 0.9
    assert report["out_of_scope_not_answered"] >= 0.85
    assert report["answers_right"] >= 0.88


def test_a_profile_is_told_what_to_mend(small: Path) -> None:
    bad = "---\nid: bad\ntitle: Bad\n---\nSee **www.example.com** on 3 pages.\n"
    (small / "knowledge" / "bad.md").write_text(bad, "utf-8")
    (small / "phrasings.txt").write_text("nowhere: how so\n", "utf-8")
    found = {(f.where, f.is_error) for f in profile_check.findings(small)}
    told = " ".join(f.what for f in profile_check.findings(small))

    assert {("bad", True), ("bad", False), ("nowhere", True)} <= found
    assert all(word in told for word in ("markup", "a link", "a digit", "no questions"))


async def test_the_service_searches_by_words_while_it_learns(small: Path, tmp_path: Path) -> None:
    knowledge, letters = KnowledgeFolder(small), Letters()
    learning = asyncio.create_task(knowledge.learn([lambda: letters], KeptVectors(tmp_path)))

    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"
    await learning
    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"


def test_a_follow_up_that_reads_two_ways_is_asked_back() -> None:
    """Alone it clearly means one article, after what was said as clearly another one."""
    articles = [
        Ways("templates", "Templates", ("how do i make a template", "template library"), ("Make a template.",)),
        Ways("trial", "Trial", ("is this included in the trial", "trial limits"), ("The trial has it all.",)),
        Ways("signing", "Signing", ("how do i sign on paper", "sign in person"), ("Hand over the device.",)),
    ]
    index = KnowledgeIndex(articles)
    index.weights = msgspec.structs.replace(BY_WORDS, refuse_below=0.0, answer_at=0.0)

    alone = index.search("is it included in the trial")
    after = index.search("is it included in the trial", "you make a template in the template library, a template")
    agreeing = index.search("is it included in the trial", "the trial has its trial limits")

    assert (alone.articles[0], alone.sureness) == ("trial", Sureness.SURE)
    assert after.sureness is Sureness.ASK_BACK
    assert agreeing.sureness is Sureness.SURE


async def test_learning_aside_keeps_what_the_service_then_takes_up(small: Path, tmp_path: Path) -> None:
    """Many new texts and the weights are learnt elsewhere; the service embeds nothing itself."""
    kept, aside, own = KeptVectors(tmp_path / "kept"), Letters(), Letters()
    for number in range(10):
        body = " ".join(f"Part {part} is so." for part in range(10))
        article = f"---\nid: a{number}\ntitle: Subject {number}\nquestions:\n- What is {number}?\n---\n{body}\n"
        (small / "knowledge" / f"a{number}.md").write_text(article, "utf-8")

    async def learn_aside() -> None:
        await KnowledgeFolder(small).learn([lambda: aside], kept)

    knowledge = KnowledgeFolder(small, learn_aside)
    await knowledge.learn([lambda: own], kept)

    assert knowledge.by_meaning
    assert own.embedded == []
    assert aside.embedded


async def test_where_learning_aside_fails_the_service_learns_by_itself(small: Path, tmp_path: Path) -> None:
    async def learn_aside() -> None:
        pass

    knowledge = KnowledgeFolder(small, learn_aside)
    await knowledge.learn([Letters], KeptVectors(tmp_path / "kept"))

    assert knowledge.by_meaning


def test_thousands_of_rows_are_searched_coarsely_first_with_the_same_winner() -> None:
    draw = np.random.default_rng(2)
    articles = [Ways(f"a{n}", f"name{n}", (f"what is {n}", f"how does {n} go"), ()) for n in range(400)]
    centres = np.repeat(draw.normal(size=(400, 96)), 3, axis=0)
    rows = (centres + 0.3 * draw.normal(size=centres.shape)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    words = Words(articles, [])
    exact, coarse = MeaningViews(articles, rows, words), MeaningViews(articles, rows, words, most_exact=0)
    question = words.question("what is it")

    for row in rows[::37]:
        first, second = exact.look(question, row), coarse.look(question, row)
        assert first.rows[1].argmax() == second.rows[1].argmax()
        assert first.best == pytest.approx(second.best, abs=1e-5)


class Numbers(Letters):
    """Vectors of as many numbers as is set, and others' questions while it is asked."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.meanwhile = lambda: None

    async def embed(self, texts: Sequence[str]) -> Floats:
        rows = await super().embed(texts)
        return rows[:, : self.dimension] + np.float32(0.01)

    async def embed_question(self, texts: Sequence[str]) -> Floats:
        self.meanwhile()
        return await self.embed(texts)


async def test_a_vector_that_is_dropped_while_another_is_awaited_is_still_had(small: Path, tmp_path: Path) -> None:
    knowledge, model = KnowledgeFolder(small), Numbers(64)
    await knowledge.learn([lambda: model], KeptVectors(tmp_path / "kept"))
    await knowledge._vectors(["first"])
    model.meanwhile = knowledge._asked.clear

    vectors = await knowledge._vectors(["first", "second"])

    assert vectors is not None
    assert vectors.shape == (2, 64)


async def test_a_model_whose_vectors_changed_their_dimension_is_learnt_anew(small: Path, tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "kept")
    await KnowledgeFolder(small).learn([lambda: Numbers(64)], kept)
    knowledge, model = KnowledgeFolder(small), Numbers(128)
    await knowledge.learn([lambda: model], kept)
    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"
    again = asyncio.create_task(knowledge.keep_learning([lambda: model], kept, every_s=0.01))
    async with asyncio.timeout(20):
        while knowledge.contents.dimension != 128:
            await asyncio.sleep(0.01)
    again.cancel()

    assert await knowledge._vectors(["how long is the trial"]) is not None


async def test_an_edit_after_the_dimension_changed_does_not_end_the_service(small: Path, tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "kept")
    knowledge, model = KnowledgeFolder(small), Numbers(64)
    await knowledge.learn([lambda: model], kept)
    model.dimension = 128
    article = "---\nid: parking\ntitle: Parking\nquestions:\n- Where can I park?\n---\nBehind the house.\n"
    (small / "knowledge" / "parking.md").write_text(article, "utf-8")

    assert await knowledge.reload()
    assert knowledge.contents.dimension == 128


async def test_a_model_that_fails_at_an_edit_leaves_the_words(small: Path, tmp_path: Path) -> None:
    knowledge, model = KnowledgeFolder(small), Numbers(64)
    await knowledge.learn([lambda: model], KeptVectors(tmp_path / "kept"))
    article = "---\nid: parking\ntitle: Parking\nquestions:\n- Where can I park?\n---\nBehind the house.\n"
    (small / "knowledge" / "parking.md").write_text(article, "utf-8")

    async def rubbish(texts: Sequence[str]) -> Floats:
        raise ValueError("no vectors")

    model.embed = rubbish

    assert await knowledge.reload()
    assert not knowledge.by_meaning
    assert (await ask(knowledge, "where can i park"))[0] == "parking"


async def test_a_better_model_is_taken_once_it_can_be_had(small: Path, tmp_path: Path) -> None:
    better, lesser = Letters(), Numbers(64)
    better.name, better.away = "better", True
    knowledge, kept = KnowledgeFolder(small), KeptVectors(tmp_path / "kept")
    openers = [lambda: better, lambda: lesser]
    await knowledge.learn(openers, kept)
    assert knowledge.contents.dimension == 64
    again = asyncio.create_task(knowledge.keep_learning(openers, kept, every_s=0.01))
    await asyncio.sleep(0.05)
    assert knowledge.by_meaning
    better.away = False
    async with asyncio.timeout(20):
        while knowledge.contents.dimension != 512:
            await asyncio.sleep(0.01)
    again.cancel()


async def test_a_short_text_of_the_folder_has_more_time_than_a_question() -> None:
    async def answer(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0.1)
        return httpx2.Response(200, json={"data": [{"index": 0, "embedding": [1.0, 2.0]}]})

    transport = httpx2.MockTransport(answer)
    endpoint = EndpointEmbeddings("http://models.example/v1", "m", question_s=0.06, transport=transport)
    assert (await endpoint.embed(["Parking"])).shape == (1, 2)
    with pytest.raises(EngineUnavailable):
        await endpoint.embed_question(["where can i park"])
    await endpoint.close()


def test_weights_of_the_last_edits_are_kept_and_no_half_written_file(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path)
    weights = BY_WORDS
    for number in range(2 * MOST_WEIGHTS):
        kept.keep_weights(f"{number}", weights)
        assert kept.weights("0") is not None  # in use all the time
    with pytest.raises(RuntimeError):
        kept._write(tmp_path / "vectors-m.npz", _fails)

    assert len(list(tmp_path.iterdir())) == MOST_WEIGHTS


def _fails(path: Path) -> None:
    raise RuntimeError("in the middle of it")
