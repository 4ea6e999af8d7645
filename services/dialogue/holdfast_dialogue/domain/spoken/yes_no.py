# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Yes or no, and what else was said with it: "yes but make it three" is a yes with a rest that must not be lost.

A yes may book something, so what is a yes is read narrowly. Clear words ("yes", "that's right", "book it") answer
whatever follows, and what follows is handed on as `rest`. Soft words ("okay", "right", "fine", "i am") are as often
the beginning of something else ("okay but is there an app", "i am calling from ..."): they answer only alone, with
politeness, or together with a clear word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from holdfast_dialogue.domain.spoken.text import plain

Kind = Literal["yes", "no", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    kind: Kind
    rest: str = ""
    """What was said besides the answer, without politeness; everything where the kind is none."""


_IS = r"(?:that's|that is|that was|it's|it is|this is|you're|you are|all|everything is|everything's)"
_FINE = r"(?:right|correct|fine|good|perfect|great|it|exact|ok|okay|me|accurate|spot on|the one|lovely|ideal|true)"
_CLEAR_YES = [
    r"yes|yeah|yep|yup|ya|yah|yea|ye|aye|si|uh[ -]huh|mm[ -]hmm|mhm",
    r"sure(?: thing)?|of course|for sure|absolutely|definitely|certainly|by all means|you bet|affirmative|(?:a |one )?hundred percent|confirmed|i confirm",
    rf"{_IS}(?: (?:all|absolutely|exactly|quite|totally|completely|just|perfectly))? {_FINE}",
    r"(?:that's|that is|it's) the (?:right|correct) (?:one|address|e ?mail|time|day|name|number)",
    r"(?:(?:that|it|this|either|both)(?: (?:one|time|day|all))?(?: would| will| should|'ll|'d)? |that'd )(?:works?|do|be (?:fine|great|good|perfect|lovely|ideal|okay|ok)|suits?(?: me)?)(?: (?:for me|fine|great|well|nicely))*",
    r"(?:works|(?:sounds|looks) (?:good|great|perfect|lovely|fine|right|okay|ok))(?: (?:for me|to me|fine|great))*",
    r"go ahead|go for it|do it|do that|please do|book (?:it|that|me(?: in)?)|let's (?:do|go with|go for|take|book) (?:it|that(?: one)?|this(?: one)?)|let's go(?: ahead)?|i'll take (?:it|that(?: one)?)",
    r"i think so|i believe so|i guess so|i suppose so|no problem|no worries|not a problem|why not|go on(?: then)?|(?:sounds|looks) like a plan|i'd (?:like|love) (?:that|to)(?= please|$)|happy to(?= |$)",
]
_SOFT_YES = [
    r"okay|ok|okey dokey|alright|all right|right|fine|perfect|great|lovely|good|wonderful|brilliant|excellent|awesome|cool|super|spot on|bingo|ideal|nice",
    r"correct|exactly|precisely|indeed|totally|agreed|deal|done|gladly|true",
    r"please|that one|i guess|i suppose|i do|i am|i would(?: like that| love (?:that|to))?|we do|we are|it does|it is|you can|you may|got it|you got it|you've got it|confirm",
]
_CLEAR_NO = [
    r"(?:absolutely|definitely|certainly|of course|totally|surely|probably|hell|i think|i guess|i hope|i suppose|better|rather|please|clearly) not",
    r"no need|i'll pass|not at this (?:time|point)|(?:no )?we're (?:all )?(?:good|set|fine)|(?:no )?i'm all set",
    r"no(?: no)*(?! (?:rush|hurry|integrations?|crm|idea|clue|preference|particular|specific|limit|tools?|other|more|one|doubt|problem|worries|need)\b)",
    r"nope|nah|nay|no way|no thanks|no thank you|negative|uh[ -]uh|nuh uh|hard pass",
    r"not (?:really|quite|exactly|right|at all|correct|that(?: one)?|for me|necessarily|interested)",
    rf"(?:that's|that is|it's|it is|this is|you're) not (?:quite )?(?:wrong|{_FINE}|what i said|mine)|{_IS} (?:all |completely |totally )?(?:wrong|incorrect|false|off|a mistake|no good)",
    r"(?:that|it|this)(?: one)? (?:isn't|is not|wasn't|ain't) (?:quite )?(?:right|correct|it|good|mine|what i said)",
    r"(?:that|it|this)(?: one| time)? (?:doesn't|does not|won't|will not|wouldn't|can't) (?:work|suit|do|fit|be)(?: (?:for|with) me| me)?",
    r"i (?:don't|do not) (?:think so|believe so|want (?:that|it|to$)|need (?:that|it))|(?:i'd|i would) (?:rather|prefer) not(?: to)?|rather not|please don't|don't book (?:it|that|anything)",
    r"neither(?: (?:one|of them|of those|works))?|none of (?:them|those|these)(?: works?)?|maybe (?:later|another time|not|next time)|later maybe|never ?mind|forget it|cancel that",
]
_SOFT_NO = [
    r"not (?:yet|now|today|any ?more|at the moment)|none|nothing(?: else)?|never|wrong|incorrect|false|stop|don't|do not|i'm not(?: (?:sure|interested))?|i'm (?:all )?(?:good|fine|okay)",
    r"i (?:can't|cannot|won't|don't|do not|didn't|haven't)|we (?:don't|do not|aren't|can't)|it doesn't|it isn't|it's not",
]
_UNDECIDED = re.compile(
    r"^(?:yes and no\b|sort of|kind of|kinda|sorta|maybe|perhaps|possibly|i'm not sure|not sure|i don't know|i dunno|don't know|dunno|no idea|no clue|let me (?:think|check|see)|i'd have to check|i'm thinking|"
    r"hold on|hang on|wait|one (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)|give me a (?:moment|second|sec|minute)|it depends|depends|what|sorry what|pardon)\b(?! (?:later|another time|not|next time|yes|no|that's))"
)
_LEAD = r"(?:(?:oh|ooh|well|so|hm|ah|and|i said|i mean|sorry|wait|actually) )*"
_POLITE = re.compile(
    r"^(?:please|thanks(?: (?:a lot|so much|very much|a million|again))?|thank you(?: (?:so|very) much)?|cheers|ta|sir|ma'am|mate|buddy|then|though|for (?:me|now|sure)|to me|with me|by me|i think|i guess|i believe|"
    r"that's (?:all|it|everything|that)|that is (?:all|it|everything)|that'll be all|that will be all|that would be (?:great|good|lovely|all)|all good|nothing else|not today|right now|at the moment|now|today|there|you know|so|and|well|just|oh|"
    r"i do|i am|it is|it does|we do|we are|you can|you may|i don't|we don't|i'm not|i would|very much|really|totally|have a (?:good|nice|great|lovely) (?:day|one|evening|weekend)|you too|take care|"
    r"see you(?: (?:then|tomorrow|there|soon))?|talk (?:to you )?(?:then|soon)|speak (?:then|soon)|looking forward(?: to it)?|(?:wait|hold on|hang on)$)(?![\w'])"
)
_CHANGED_MIND = re.compile(r"^(?:(?:wait|sorry|actually|i mean|hold on|hang on) )+")


def _any(phrases: Iterable[str]) -> re.Pattern[str]:
    ways = [way for phrase in phrases for way in _alternatives(phrase)]
    return re.compile(rf"^{_LEAD}(?:{'|'.join(sorted(ways, key=len, reverse=True))})(?![\w'])")


def _alternatives(phrase: str) -> list[str]:
    """Split at the bars that stand outside of brackets."""
    found, depth, start = [], 0, 0
    for i, character in enumerate(phrase):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            found.append(phrase[start:i])
            start = i + 1
    return [*found, phrase[start:]]


_YES, _NO = _any(_CLEAR_YES), _any(_CLEAR_NO)
_ANY_YES, _ANY_NO = _any([*_CLEAR_YES, *_SOFT_YES]), _any([*_CLEAR_NO, *_SOFT_NO])
_SOUNDS = {"mhm": "yes", "mm-hmm": "yes", "mm hmm": "yes", "mmhmm": "yes", "uh huh": "yes", "uh-huh": "yes", "uh uh": "no", "uh-uh": "no", "nuh uh": "no", "y": "yes", "n": "no"}  # fmt: skip


def answer(text: str) -> Answer:
    """Sort an answer into yes, no or neither; `rest` keeps everything that is more than the bare answer."""
    sound = _SOUNDS.get(text.strip().lower().rstrip(".!?"))
    if sound:
        return Answer("yes" if sound == "yes" else "no")
    said = plain(text)
    if not said or _UNDECIDED.match(said):
        return Answer("none", said)
    kind: Kind = "none"
    clear = False
    rest = said
    while rest:
        changed = _CHANGED_MIND.match(rest) if kind != "none" else None
        if changed and answer(rest[changed.end() :]).kind != "none":
            return answer(rest[changed.end() :])
        found = _next(rest)
        # "okay no" is a no; "no that's fine" stays one, with a rest
        if found and not (kind == "no" and found[0] == "yes"):
            kind, clear = found[0], clear or found[1]
            rest = rest[found[2] :].strip()
            continue
        polite = _POLITE.match(rest) if kind != "none" else None
        if polite is None:
            break
        rest = rest[polite.end() :].strip()
    if kind == "none" or (rest and not clear and not _SMALL_REST.match(rest)):
        return Answer("none", said)
    return Answer(kind, rest)


_SMALL_REST = re.compile(r"^(?:bye(?: bye)?|goodbye|but make it|but not|except)\b")
"""Behind a soft answer these do not make it something else."""


def _next(rest: str) -> tuple[Kind, bool, int] | None:
    """The answer at the front of `rest`: its kind, whether it is a clear one, and its end."""
    no, yes = _ANY_NO.match(rest), _ANY_YES.match(rest)
    if no is None and yes is None:
        return None
    # The longer phrase has understood more: "no problem" against "no", "that's all right" against "that's all".
    if no and (yes is None or no.end() >= yes.end()):
        return "no", _NO.match(rest) is not None, no.end()
    assert yes is not None
    return "yes", _YES.match(rest) is not None, yes.end()
