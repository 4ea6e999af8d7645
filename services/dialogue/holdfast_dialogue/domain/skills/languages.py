# ruff: noqa: E501 - vocabularies: one pattern a line
"""A call that changes to another language of the profile: answered in it, passed on in it, ended in it.

The profile's words and answers carry it. The caller's yes, no and address are put into the words that
the rest of the dialogue reads; what was meant otherwise is found among the profile's questions.
"""

from __future__ import annotations

import re
import unicodedata

from holdfast_common.contracts.dialogue import Turn
from holdfast_common.profile import Answer, Profile
from msgspec.structs import replace
from rapidfuzz import fuzz

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.intents import Intent, intents
from holdfast_dialogue.domain.skills.handover import wants_person
from holdfast_dialogue.domain.state import State
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk
from holdfast_dialogue.domain.words import normalise

SURE = 72.0
"""Likeness (0-100, words without their small ones) from which a question of the profile is meant."""
_SMALL = frozenset(
    "y e o de del la el los las lo un una unos unas en que me se le mi su con para por a al es muy esta este eso puedo puede".split()  # noqa: SIM905
)
_MARKS = re.compile(r"\b(?:hola|gracias|adios|espanol|cuant[oa]s?|prueba|perdon|despues|por favor|quiero|necesito|buen[oa]s|ayuda|cobran|como|"
                    r"que|donde|cuando|puedo|puede|correo|arroba|persona|una|los|las|del|esta|muy|mi|si|para|con)\b")  # fmt: skip
_BACK = re.compile(
    r"\b(?:sorry )?(?:i (?:can|do|also) speak|let's (?:speak|go on in)|can we (?:speak|go on in)|back to|in) english(?: please)?\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"\b(?:the|is|are|how|what|do|does|can|you|i|my|we|it|please|speak|english|and|to)\b")
_GOODBYE = re.compile(r"\b(?:adios|hasta luego|hasta pronto|chao|nos vemos)\b")
_THANKS = re.compile(r"\bgracias\b")
_PERSON = re.compile(
    r"\b(?:persona|humano|agente|alguien|operador[a]?|reunion|cita|demostracion|especialista|escriban|llamen|contacto)\b"
)
_AS_READ = (
    (re.compile(r"\barroba\b"), "at"),
    (re.compile(r"\bpunto\b"), "dot"),
    (re.compile(r"\bguion bajo\b"), "underscore"),
    (re.compile(r"\bguion\b"), "dash"),
    (re.compile(r"^(?:si|claro|correcto|asi es|eso es|exacto|vale|por favor)\b"), "yes"),
    (re.compile(r"\b(?:mi |el )?correo(?: electronico)? es\b"), "my email is"),
)


def choose(profile: Profile, state: State, turn: Turn) -> Turn:
    """Change the call's language where the words have changed theirs; the turn with its yes, no and marks as they are read."""
    plain = _plain(turn.text)
    if "es" not in profile.further_languages:
        return turn
    spanish, english = len(_MARKS.findall(plain)), len(_ENGLISH.findall(plain))
    if not state.language and (turn.language == "es" or Intent.SPANISH in intents(normalise(turn.text))):
        state.language = "es"
    elif state.language == "es" and english >= 2 and english > spanish and turn.language != "es":
        state.language = ""
        turn = replace(turn, text=_BACK.sub(" ", turn.text).strip() or turn.text)
    if not state.language:
        return turn
    for pattern, word in _AS_READ:
        plain = pattern.sub(word, plain)
    return replace(turn, text=plain)


def say_goodbye(talk: Talk) -> Steps:
    if not _GOODBYE.search(talk.understood.text):
        return
    talk.takes_over("goodbye")
    yield from talk.say("thanks_goodbye" if _THANKS.search(talk.understood.text) else "goodbye")
    talk.ends_call = talk.over = True


def take_person_wish(talk: Talk) -> Steps:
    """A person, a meeting, or a message: all of them are a note to the team here."""
    if talk.state.task or not (_PERSON.search(talk.understood.text) or talk.understood.wants(Intent.PERSON)):
        return
    yield from wants_person(talk)


def answer_question(talk: Talk) -> Steps:
    """The profile's answer that was asked for; else an honest no with a way on."""
    if talk.has_asked or talk.reply:
        return
    found = _find(talk)
    if found is not None:
        talk.takes_over("knowledge")
        talk.article = talk.state.article = found.article
        talk.answered = True
        for sentence in wording.sentences(found.answer):
            yield from talk.words(sentence, detail=Detail(article=found.article))
        return
    talk.takes_over("language")
    text = talk.understood.text
    if _THANKS.search(text):
        yield from talk.say("anything_else", asks="anything_else")
    elif len(text.split()) < 3 or re.search(r"\b(?:espanol|spanish|pregunta)\b", text):
        yield from talk.say("greeting_back")
    else:
        yield from talk.say("not_sure")
        yield from talk.say("next_step_support")


def _find(talk: Talk) -> Answer | None:
    asked = _telling(talk.understood.text)
    scored = [
        (fuzz.token_set_ratio(asked, _telling(way)), number, answer)
        for number, answer in enumerate(talk.profile.further_languages[talk.state.language].answers)
        for way in answer.asked
    ]
    best = max(scored, key=lambda found: (found[0], -found[1]), default=None)
    return best[2] if best and best[0] >= SURE and asked else None


def _telling(text: str) -> str:
    return " ".join(word for word in _plain(text).split() if word not in _SMALL)


def _plain(text: str) -> str:
    """Lower case without accents and punctuation, as recognisers differ in both."""
    letters = unicodedata.normalize("NFD", text.lower())
    return re.sub(
        r"[^\w@.' -]|(?<=\w)\.(?=\s|$)", " ", "".join(c for c in letters if not unicodedata.combining(c))
    ).strip()
