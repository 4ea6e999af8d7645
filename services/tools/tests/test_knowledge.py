"""Which article answers, and how sure the search is of it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from holdfast_common.contracts.tools import KnowledgeSearch, Sureness
from holdfast_common.errors import SettingsError
from holdfast_tools.adapters.knowledge_contents import load_not_covered
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.domain.knowledge import KnowledgeIndex, Ways
from holdfast_tools.domain.not_covered import expand
from holdfast_tools.domain.sound_alikes import SoundAlikes
from holdfast_tools.domain.text import spoken_words

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"

SMALL = [
    Ways(
        "opening-hours",
        "Opening hours",
        ("When are you open?", "Are you open on Sundays?"),
        ("We open at nine and close at six.",),
    ),
    Ways(
        "returns",
        "Returning a bicycle",
        ("How do I return a bicycle?", "Can I get my money back?"),
        ("Bring it within thirty days and you get a refund.",),
    ),
    Ways("repairs", "Repairs", ("Do you repair flat tyres?",), ("Our workshop repairs tyres while you wait.",)),
]


@pytest.fixture(scope="module")
def profile() -> KnowledgeFolder:
    return KnowledgeFolder(PROFILE)


def asked(folder: KnowledgeFolder, text: str, previous: str = "", article: str = "") -> tuple[str, Sureness]:
    found = folder.found(KnowledgeSearch(text=text, previous=previous, previous_article=article))
    return found.hits[0].article, found.sureness


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("when do you open on sunday", "opening-hours"),
        ("i want to return my bicycle", "returns"),
        ("money back", "returns"),
        ("can you repair my tyre", "repairs"),
    ],
)
def test_a_small_knowledge_finds_its_articles(text: str, article: str) -> None:
    assert KnowledgeIndex(SMALL).search(text).articles[0] == article


def test_a_small_knowledge_is_unsure_of_what_it_does_not_have() -> None:
    index = KnowledgeIndex(SMALL, ["what's the weather like", "do you sell cars", "tell me a joke"])

    assert index.search("what is the capital of france").sureness == Sureness.UNSURE
    assert index.search("").sureness == Sureness.UNSURE
    assert index.search("um hello").sureness == Sureness.UNSURE
    assert index.search("can i get my money back").sureness == Sureness.SURE


def test_probabilities_are_of_all_articles_and_in_order() -> None:
    ranking = KnowledgeIndex(SMALL).search("are you open")

    assert sum(ranking.probabilities) == pytest.approx(1)
    assert list(ranking.probabilities) == sorted(ranking.probabilities, reverse=True)


def test_an_index_needs_articles() -> None:
    with pytest.raises(ValueError, match="no articles"):
        KnowledgeIndex([])


def test_fillers_stutter_and_lead_ins_are_not_part_of_the_question() -> None:
    said = "hi there um can you tell me is that is that the the trial"

    assert spoken_words(said, question=True) == ["is", "that", "the", "trial"]


def test_single_letters_become_the_word_they_spell() -> None:
    assert spoken_words("put a p d f in there", {"pdf"}) == ["put", "a", "pdf", "in", "there"]
    assert spoken_words("is s s o there", ()) == ["is", "sso", "there"]
    assert spoken_words("plan b", ()) == ["plan", "b"]


def test_sound_alikes_are_found_in_the_vocabulary() -> None:
    sounds = SoundAlikes(["zapier", "pandadoc", "roles", "the"])

    assert "zapier" in sounds.of_word("zappier")
    assert sounds.mended(["the", "panda", "dock", "trial"]) == ["the", "pandadoc", "trial"]
    assert sounds.of_word("the") == {}


def test_templates_are_filled_from_their_slots() -> None:
    text = "# heading\nfly to {city} | hello\n"

    assert expand(text, {"city": ["rome", "oslo"]}) == ["fly to rome", "fly to oslo", "hello"]
    with pytest.raises(KeyError, match="city"):
        expand(text, {})


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("hi there um can you tell me how long the trial lasts", "trial-length"),
        ("how long is the free trial", "trial-length"),
        ("does it work with hub spot", "hubspot"),
        ("how do i add a signature field", "fields"),
        ("does panda dock connect to zappier", "zapier-storage"),
    ],
)
def test_spoken_questions_are_answered_for_sure(profile: KnowledgeFolder, text: str, article: str) -> None:
    assert asked(profile, text) == (article, Sureness.SURE)


@pytest.mark.parametrize(
    "text",
    ["what's the weather like in berlin", "tell me a joke", "my washing machine is broken", "uh", "yes", "dana miller"],
)
def test_what_is_not_covered_is_never_answered(profile: KnowledgeFolder, text: str) -> None:
    assert asked(profile, text)[1] == Sureness.UNSURE


def test_a_follow_up_is_read_with_what_was_said_before(profile: KnowledgeFolder) -> None:
    alone, _ = asked(profile, "and which plan do i need for that")
    after, _ = asked(profile, "and which plan do i need for that", "yes it links with hubspot", "hubspot")

    assert (alone != "hubspot", after) == (True, "hubspot")


def test_a_hit_carries_the_spoken_answer_and_at_most_the_limit_comes_back(profile: KnowledgeFolder) -> None:
    found = profile.found(KnowledgeSearch(text="how long is the trial", limit=2))

    assert len(found.hits) == 2
    assert "fourteen days" in found.hits[0].answer
    assert found.hits[0].details


def test_the_shipped_knowledge_keeps_its_quality_on_its_own_questions(profile: KnowledgeFolder) -> None:
    """Each title, asked as a question, finds its own article; the negatives stay mostly unanswered."""
    titles = [(article.title, article.id) for article in profile.contents.articles.values()]
    found = sum(asked(profile, title)[0] == id_ for title, id_ in titles)
    missing = load_not_covered(PROFILE)
    answered = sum(asked(profile, text)[1] == Sureness.SURE for text in missing)

    assert found == len(titles)
    assert answered <= 0.02 * len(missing)


def copy_of_profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    (folder / "knowledge").mkdir(parents=True)
    for name in ("trial-length", "hubspot", "fields"):
        shutil.copy(PROFILE / "knowledge" / f"{name}.md", folder / "knowledge")
    return folder


ARTICLE = """---
id: parking
title: Parking at the office
questions:
- Where can I park?
---
There is a car park behind the house.
"""


async def test_an_article_that_is_added_is_found_without_a_restart(tmp_path: Path) -> None:
    knowledge = KnowledgeFolder(copy_of_profile(tmp_path))
    watching = asyncio.create_task(knowledge.watch())
    try:
        async with asyncio.timeout(20):
            # Written again until it is seen: the watcher says nowhere when it has begun to watch.
            while asked(knowledge, "where can i park")[0] != "parking":
                (tmp_path / "profile" / "knowledge" / "parking.md").write_text(ARTICLE, "utf-8")
                await asyncio.sleep(0.2)
    finally:
        watching.cancel()

    assert asked(knowledge, "where can i park")[0] == "parking"


async def test_a_broken_article_leaves_the_old_knowledge_in_use(tmp_path: Path) -> None:
    folder = copy_of_profile(tmp_path)
    knowledge = KnowledgeFolder(folder)
    (folder / "knowledge" / "broken.md").write_text("---\ntitle: [unclosed\n---\nText.\n", "utf-8")

    assert await knowledge.reload() is False
    assert "broken.md" in knowledge.problems[0]
    assert asked(knowledge, "how long is the trial")[0] == "trial-length"
    (folder / "knowledge" / "broken.md").unlink()
    assert await knowledge.reload() is True
    assert knowledge.problems == []


def test_a_profile_without_articles_or_with_an_empty_slot_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no articles"):
        KnowledgeFolder(tmp_path)
    folder = copy_of_profile(tmp_path)
    (folder / "not_covered.txt").write_text("fly to {city}\n", "utf-8")
    with pytest.raises(SettingsError, match="city"):
        KnowledgeFolder(folder)
