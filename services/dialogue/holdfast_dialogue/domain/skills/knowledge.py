"""Questions about the product: the article's spoken answer when the search is sure, a question back
when it is torn, an honest "not sure" with a next step otherwise."""

from __future__ import annotations

import re

from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.profile import Profile
from rapidfuzz import fuzz

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.own_names import is_own_name, names_competitor
from holdfast_dialogue.domain.qualification import Standing, standing
from holdfast_dialogue.domain.skills import model
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk
from holdfast_dialogue.domain.words import without_fillers

MAX_DETAIL_SENTENCES = 3
HALF = 0.5
LONG_STORY = 25
"""Words."""
_FOR_THE_ASSISTANT = re.compile(
    r"\b(?:assistant|the caller|this agent|be talked into|never claim|point to)\b"
    r"|^(?:say|ask|mention|offer|tell|do not|don't|never|always|avoid)\b",
    re.IGNORECASE,
)
"""Further paragraphs may hold instructions to whoever answers; clauses of that kind are not read out."""
_COMMON = frozenset(
    {"have", "some", "does", "that", "this", "what", "with", "need", "want", "would", "could", "they", "when"}
)
"""Longer words that tell nothing of a question's subject."""
_FIRST = re.compile(r"\b(?:first|former|one|number one)\b")
_SECOND = re.compile(r"\b(?:second|latter|two|number two|other)\b")
_COMPARES = re.compile(r"\b(?:better than|compare (?:to|with))\b")


def answer_question(talk: Talk) -> Steps:
    """Look the question up and answer it; a running task goes on after the answer."""
    u, state = talk.understood, talk.state
    question = _which_of_two(talk) or u.question
    if u.wants(Intent.CANCEL_PLAN) and not question:
        question = u.text
    if not question:
        return
    is_of_rivals = _COMPARES.search(question) or names_competitor(question, talk.profile)
    if is_of_rivals and "competitor" in talk.profile.copy_:
        talk.takes_over("refusal")
        yield from talk.say("competitor")
        return
    found = yield KnowledgeSearch(text=question[:2000])
    if state.article_title and isinstance(found, KnowledgeHits) and found.sureness is not Sureness.SURE:
        # On its own first: the subject before pulls a change of subject back to itself (measured on the
        # corpus with a foreign previous title: 28 against 24 of 47 paraphrases right, follow-ups alike).
        found = yield KnowledgeSearch(text=question[:2000], previous=state.article_title)
    state.asked_back = []
    if not isinstance(found, KnowledgeHits):
        talk.takes_over("fallback")
        talk.state.record("incident_logged", what="knowledge_unreachable")
        yield from talk.say("search_down")
        yield from _next_step(talk)
    elif found.sureness is Sureness.SURE and found.hits:
        yield from _give_answer(talk, question, found.hits[0])
    elif _wants_answer(talk, question, found) and (yield from model.answer(talk, question, found.hits)):
        return
    elif found.sureness is Sureness.ASK_BACK and found.hits and _may_ask_back(talk, question):
        yield from _ask_back(talk, found.hits)
    elif u.wants(Intent.UPSET) and not u.asked_plainly:
        talk.takes_over("calm")
        yield from talk.say("tell_me_more")
    elif _wants_answer(talk, question, found):
        talk.takes_over("fallback")
        yield from talk.say("not_sure")
        yield from _next_step(talk)


def _wants_answer(talk: Talk, question: str, found: KnowledgeHits) -> bool:
    """Something was asked, as far as one can tell; to somebody who lets off steam only what they ask plainly."""
    u = talk.understood
    if u.wants(Intent.UPSET) and not u.asked_plainly:
        return False
    if u.wants(Intent.MEETING) or _tells_a_story(talk, question):
        return False  # a story with a wish or facts in it is no question that was left unanswered
    to_ask_back = found.sureness is Sureness.ASK_BACK and bool(found.hits) and _may_ask_back(talk, question)
    return (
        u.asked_plainly or to_ask_back or (len(question.split()) > 2 and not (talk.reply or talk.state.task or u.facts))
    )


def _give_answer(talk: Talk, question: str, hit: Hit) -> Steps:
    talk.takes_over("knowledge")
    follow_up = hit.article == talk.state.article and question != talk.state.question
    sentences = (_detail(question, hit) if follow_up else _to_the_point(question, hit)) or wording.sentences(hit.answer)
    talk.article = talk.state.article = hit.article
    talk.state.article_title = hit.title
    talk.state.question = question[:300]
    talk.answered = True
    talk.state.count("answers")
    for sentence in sentences:
        yield from talk.words(sentence, detail=Detail(article=hit.article))


def _to_the_point(question: str, hit: Hit) -> list[str]:
    """Of an article on several things: the sentence on the one that was asked, and what more is known of that.

    Only where nothing else of the answer speaks of it; empty otherwise, and the answer is said as it stands.
    """
    asked = _stems(without_fillers(question))
    answer = wording.sentences(hit.answer)
    fits = [_fit(asked, sentence) for sentence in answer]
    on_it = [i for i, fit in enumerate(fits) if fit > 0]
    if len(on_it) != 1 or on_it[0] == 0 or fits[on_it[0]] < HALF:
        return []
    further = [s for detail in hit.details for s in (_sayable(t) for t in wording.sentences(detail)) if s]
    best = max(further, key=lambda s: _fit(asked, s), default="")
    return [answer[on_it[0]], best] if _fit(asked, best) >= fits[on_it[0]] else []


def _detail(question: str, hit: Hit) -> list[str]:
    """For a follow-up on the article just read out: the passage that fits it, instead of all of it again."""
    whole = _stems(without_fillers(question))
    asked = whole - _stems(hit.title) or whole
    answer = wording.sentences(hit.answer)
    best_answer = max(answer, key=lambda s: _fit(asked, s), default="")
    paragraph = max(hit.details, key=lambda p: _fit(asked, p), default="")
    if paragraph and _fit(asked, paragraph) > 0 and _fit(asked, paragraph) >= _fit(asked, best_answer):
        return [s for s in (_sayable(s) for s in wording.sentences(paragraph)) if s][:MAX_DETAIL_SENTENCES]
    return [best_answer] if _fit(asked, best_answer) > 0 else []


def _fit(asked: set[str], passage: str) -> float:
    """Share of the question's telling words that a passage takes up."""
    return len(asked & _stems(passage)) / max(1, len(asked))


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z']+", text.lower()) if len(word) > 3 and word not in _COMMON}


def _sayable(sentence: str) -> str:
    """The sentence without clauses that speak to the assistant; empty where nothing is left."""
    clauses = [c.strip() for c in re.split(r";\s+", sentence)]
    kept = [c for c in clauses if not _FOR_THE_ASSISTANT.search(c)]
    text = ". ".join(c[:1].upper() + c[1:] for c in kept).rstrip(".")
    return text + "." if text else ""


def _ask_back(talk: Talk, hits: list[Hit]) -> Steps:
    talk.takes_over("ask_back")
    titles = [_spoken_title(hit.title, talk.profile) for hit in hits[:2]]
    talk.state.asked_back = [hit.title for hit in hits[:2]]
    talk.state.question = talk.understood.text[:300]
    if len(titles) == 2:
        yield from talk.say("ask_back", asks="clarify_topic", a=titles[0], b=titles[1])
    else:
        yield from talk.say("ask_back_one", asks="clarify_topic", a=titles[0])


def _tells_a_story(talk: Talk, text: str) -> bool:
    """Long, with facts about the caller in it."""
    return bool(talk.understood.facts) and len(text.split()) > LONG_STORY


def _may_ask_back(talk: Talk, question: str) -> bool:
    """Once per question, not to somebody who is letting off steam, and not about a story."""
    u = talk.understood
    if _tells_a_story(talk, question):
        return False
    return talk.state.asks != "clarify_topic" and (u.asked_plainly or not u.wants(Intent.UPSET))


def _which_of_two(talk: Talk) -> str:
    """The topic chosen after "do you mean A or B?"; empty where something else was said."""
    u, titles = talk.understood, talk.state.asked_back
    if talk.state.asks != "clarify_topic" or not titles or u.wants(Intent.NOTHING_MORE, Intent.GOODBYE, Intent.THANKS):
        return ""
    if u.answer.kind == "yes" and len(titles) == 1:
        return titles[0]
    if len(titles) == 2:
        if _SECOND.search(u.text):
            return titles[1]
        if _FIRST.search(u.text) or (u.answer.kind == "yes" and not u.answer.rest):
            return titles[0]
        fits = [fuzz.token_set_ratio(u.text, title.lower()) for title in titles]
        if max(fits) >= 60 and abs(fits[0] - fits[1]) >= 10:
            return titles[fits.index(max(fits))]
    is_an_answer = u.answer.kind == "none" and not u.intents and not u.facts
    return u.question or (u.text if is_an_answer else "")


def _next_step(talk: Talk) -> Steps:
    """After "I'm not sure": where the answer is to be had."""
    if talk.state.task:
        return
    if (
        standing(talk.profile, talk.state.fields) is Standing.QUALIFIED
        and not talk.state.booked
        and talk.once("offer_meeting")
    ):
        yield from talk.say("next_step_meeting")
        yield from talk.say("next_step_meeting_question", asks="permission_to_book")
    else:
        yield from talk.say("next_step_support")


def _spoken_title(title: str, profile: Profile) -> str:
    """A title in the middle of a sentence: small first letter, unless the word is a name or acronym."""
    first = title.split(maxsplit=1)[0] if title else ""
    keeps = first[1:] != first[1:].lower() or is_own_name(first, profile)
    return title if keeps else title[:1].lower() + title[1:]
