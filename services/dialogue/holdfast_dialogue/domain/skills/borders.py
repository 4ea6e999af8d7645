# ruff: noqa: E501 - vocabularies: one pattern a line
"""What the agent is, and what it will not do: rules that no caller can talk away.

Only plain refusals here; nothing that a caller says reaches a tool from this module but a search
for the article that the refusal rests on.
"""

from __future__ import annotations

import dataclasses
import re

from holdfast_common.contracts.tools import KnowledgeHits, KnowledgeSearch, Sureness

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.skills.confirming import read_back
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk


def refuse_manipulation(talk: Talk) -> Steps:
    """Asked for its instructions, its tools, or another person's data: a friendly no, whatever the reason given."""
    u, state = talk.understood, talk.state
    insists = talk.presses("manipulation") or (bool(state.counts.get("refused")) and _PRESSURE.search(u.text))
    if not (u.wants(Intent.INJECTION, Intent.OTHER_PEOPLE) or insists):
        return
    talk.takes_over("refusal")
    state.count("refused")
    state.refused = "manipulation"
    yield from talk.say("other_people" if u.wants(Intent.OTHER_PEOPLE) else "injection")
    talk.over = True


def be_kind_to_children(talk: Talk) -> Steps:
    """A child on the line is not asked about a company, nothing is taken down, and a grown-up is wanted."""
    u, state = talk.understood, talk.state
    if not u.wants(Intent.CHILD):
        return
    talk.takes_over("child")
    state.reserved = True
    yield from talk.say("child")
    talk.over = True


def comfort_after_a_no(talk: Talk) -> Steps:
    """Somebody takes a no, with regret: understanding and a way on, and not the same no again.

    What was being done goes on. An open proposal is read whole again: only then may it be agreed to.
    """
    u, state = talk.understood, talk.state
    wants_more = u.asked_plainly or u.facts or u.wish or u.email or u.intents - {Intent.THANKS}
    if not talk.refused_before or wants_more or not _RESIGNED.search(u.text):
        return
    is_open = state.proposal is not None and state.pending is None
    if not (is_open and u.answer.kind == "yes" and not u.answer.rest):
        talk.takes_over("refusal")
        yield from talk.say("understood_no")
    if is_open:
        yield from read_back(talk)
    elif state.task:  # its skill puts the next question; these words are dealt with
        talk.refused_before, talk.understood = "", dataclasses.replace(u, question="")
        return
    else:
        yield from talk.say("what_else", asks="anything_else")
    talk.over = True


def promise_no_discount(talk: Talk) -> Steps:
    """Prices are what the pricing page says: nothing is promised, however hard somebody presses."""
    u, state = talk.understood, talk.state
    if not (u.wants(Intent.DISCOUNT) or talk.presses("discount")):
        return
    talk.takes_over("refusal")
    state.refused = "discount"
    yield from cite(talk, "do you give discounts")
    yield from talk.say("no_discount")
    talk.over = True


_RESIGNED = re.compile(
    r"^(?:(?:oh|ah|okay|ok|well|hm+|right|really|no|sure|all right|alright|and|but|so|then) )*"
    r"(?:(?:that's|that is|it's|it is|what|such|how) (?:(?:really|quite|just|so|very|such) )?(?:an? )?"
    r"(?:(?:real|great|big) )?(?:pity|shame|disappointing|too bad|unfortunate|sad|fine|okay|ok|all right|understandable|fair)"
    r"|pity|too bad|shame|fair enough|(?:oh|ah) well|i (?:see|understand|get it)|understood|never ?mind"
    r"|(?:it was )?worth (?:a try|asking)|(?:i )?(?:just )?(?:had to|thought i'd) (?:ask|try)"
    r")(?: (?:then|anyway|though|thanks|thank you|really|but okay|i guess|to hear|of course|i suppose))*$"
)
_PRESSURE = re.compile(
    r"\b(?:i authori[sz]e|just do it|trust me|i have permission|you have to|you must|i insist|it's an emergency|"
    r"i(?:'m| am) (?:her|his|their|the|an?|your) (?:\w+ )?(?:manager|assistant|boss|husband|wife|admin(?:istrator)?|developer|engineer|lawyer|owner|police\w*))\b"
)


def own_language(talk: Talk) -> Steps:
    """Spoken to in a language that the profile does not have: say so, in it, with a way on."""
    if talk.state.language or not talk.understood.wants(Intent.SPANISH):
        return
    talk.takes_over("language")
    yield from talk.say("only_english")
    talk.over = True


def say_what_it_is(talk: Talk) -> Steps:
    """ "Are you a robot?", "Do you record me?", "Can you look into my account?": honest answers."""
    u, before = talk.understood, len(talk.reply)
    if u.wants(Intent.ROBOT):
        talk.takes_over("about_assistant")
        yield from cite(talk, "are you a real person or a machine")
        yield from talk.say("robot", protected=True)
    if u.wants(Intent.RECORDING):
        talk.takes_over("about_assistant")
        yield from talk.say("recording")
    if u.wants(Intent.ACCOUNT) and not u.wants(Intent.CANCEL_PLAN):
        talk.takes_over("about_assistant")
        yield from talk.say("no_account")
        themselves = talk.profile.self_service.get(talk.state.article)
        if themselves and talk.once(f"self_service {talk.state.article}"):
            yield from talk.words(themselves)
    if len(talk.reply) > before and not u.facts:
        talk.over = True


def stay_out_of_law(talk: Talk) -> Steps:
    """What the knowledge base says on legality, and that the case itself is for a lawyer; never yes or no."""
    u = talk.understood
    still_on_it = talk.state.counts.get("legal", 0) > 0 and u.text.startswith(("just tell me", "yes or no"))
    if not (u.wants(Intent.LEGAL) or still_on_it):
        return
    talk.takes_over("legal")
    if talk.state.count("legal") == 1:
        found = yield KnowledgeSearch(text=u.text)
        legal = talk.profile.legal
        is_ours = bool(legal.question) and any(re.search(rf"\b{re.escape(word)}", u.text) for word in legal.words)
        if is_ours and isinstance(found, KnowledgeHits) and found.sureness is Sureness.UNSURE:
            found = yield KnowledgeSearch(text=legal.question)
        if isinstance(found, KnowledgeHits) and found.hits and found.sureness is not Sureness.UNSURE:
            hit = found.hits[0]
            talk.article = talk.state.article = hit.article
            talk.answered = True
            for sentence in wording.sentences(hit.answer):
                yield from talk.words(sentence, detail=Detail(article=hit.article))
            if "lawyer" in hit.answer.lower():
                talk.over = True
                return
    yield from talk.say("legal")
    talk.over = True


def stay_calm(talk: Talk) -> Steps:
    """Upset or insulting: acknowledge it once, then help. Insults are not repeated and not answered in kind."""
    u, state = talk.understood, talk.state
    if u.wants(Intent.UPSET):
        first = state.count("upset") == 1
        if first:
            yield from talk.say("upset")
        elif state.counts["upset"] == 2:
            yield from talk.say("offer_person")
    elif u.wants(Intent.ABUSE) and not u.asked_plainly:
        state.count("upset")
        talk.takes_over("calm")
        yield from talk.say("abuse")
        if state.counts["upset"] >= 2:
            yield from talk.say("offer_person")
        talk.over = True


def cite(talk: Talk, question: str) -> Steps:
    """Name the article that the following words rest on; without the search they are said all the same."""
    found = yield KnowledgeSearch(text=question, limit=1)
    if isinstance(found, KnowledgeHits) and found.hits and found.sureness is Sureness.SURE:
        talk.article = talk.state.article = found.hits[0].article
