"""Searching by meaning: the model from its package, what is learnt and kept, and what happens without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import httpx2
import numpy as np
import pytest
from holdfast_common.contracts.tools import KnowledgeSearch, Sureness
from holdfast_common.errors import EngineUnavailable
from holdfast_tools.adapters.embeddings_endpoint import EndpointEmbeddings
from holdfast_tools.adapters.fake import LetterPairs
from holdfast_tools.adapters.kept_vectors import MOST_WEIGHTS, KeptVectors
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.weights import BY_WORDS


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
    knowledge, letters, kept = KnowledgeFolder(small), LetterPairs(), KeptVectors(tmp_path / "kept")
    await knowledge.learn([lambda: letters], kept)
    before = len(letters.embedded)
    article = "---\nid: parking\ntitle: Parking\nquestions:\n- Where can I park?\n---\nBehind the house.\n"
    (small / "knowledge" / "parking.md").write_text(article, "utf-8")

    assert await knowledge.reload()
    assert knowledge.by_meaning
    assert len(letters.embedded) == before + 3
    assert (await ask(knowledge, "where can i park"))[0] == "parking"
    again = LetterPairs()
    await KnowledgeFolder(small).learn([lambda: again], kept)
    assert again.embedded == []


async def test_without_a_model_the_search_goes_by_words_and_says_so(small: Path, tmp_path: Path) -> None:
    def missing() -> LetterPairs:
        raise EngineUnavailable("letters: not installed")

    knowledge = KnowledgeFolder(small)
    await knowledge.learn([missing], KeptVectors(tmp_path))

    assert not knowledge.by_meaning
    assert "not installed" in knowledge.meaning
    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"


async def test_the_next_model_is_taken_where_the_first_cannot_be_had(small: Path, tmp_path: Path) -> None:
    away, letters = LetterPairs(), LetterPairs()
    away.away = True
    knowledge = KnowledgeFolder(small)
    await knowledge.learn([lambda: away, lambda: letters], KeptVectors(tmp_path))

    assert knowledge.by_meaning
    assert letters.embedded


async def test_a_question_whose_vector_does_not_come_is_searched_by_words(small: Path, tmp_path: Path) -> None:
    knowledge, letters = KnowledgeFolder(small), LetterPairs()
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


async def test_the_service_searches_by_words_while_it_learns(small: Path, tmp_path: Path) -> None:
    knowledge, letters = KnowledgeFolder(small), LetterPairs()
    learning = asyncio.create_task(knowledge.learn([lambda: letters], KeptVectors(tmp_path)))

    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"
    await learning
    assert (await ask(knowledge, "how long is the trial"))[0] == "trial-length"


async def test_learning_aside_keeps_what_the_service_then_takes_up(small: Path, tmp_path: Path) -> None:
    """Many new texts and the weights are learnt elsewhere; the service embeds nothing itself."""
    kept, aside, own = KeptVectors(tmp_path / "kept"), LetterPairs(), LetterPairs()
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
    await knowledge.learn([LetterPairs], KeptVectors(tmp_path / "kept"))

    assert knowledge.by_meaning


class Numbers(LetterPairs):
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
    better, lesser = LetterPairs(), Numbers(64)
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
