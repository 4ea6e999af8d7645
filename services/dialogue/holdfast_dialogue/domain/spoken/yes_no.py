# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Yes or no, and what else was said with it: "yes but make it three" is a yes with a rest that must not be lost.

The rest is what decides whether a yes may book something: DESIGN calls for "a yes with no new value in it", so
politeness is taken off and everything else is handed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from holdfast_dialogue.domain.spoken.text import plain

Kind = Literal["yes", "no", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    kind: Kind
    rest: str = ""
    """What was said besides the yes or no, without politeness; empty: nothing."""


_LEAD = r"(?:(?:oh|ooh|well|okay so|so|right so|hm|and|i said|i mean|great|lovely|perfect|brilliant|wonderful|ah|okay|ok|alright|all right|right|cool)\s+)*"
_YES_PHRASES = [
    r"yes",
    r"yeah",
    r"yep",
    r"yup",
    r"ya",
    r"yah",
    r"yea",
    r"ye",
    r"aye",
    r"uh huh",
    r"mm hmm",
    r"mhm",
    r"uh-huh",
    r"mm-hmm",
    r"si",
    r"(?:that's|that is|that was|it's|it is|this is|you're|you are|you got it|all|sounds|looks|everything is|everything's)(?: (?:all|absolutely|exactly|quite|totally|completely|just|perfectly))? "
    r"(?:right|correct|fine|good|perfect|great|it|exact|ok|okay|me|accurate|spot on|the one|lovely|ideal)",
    r"(?:that|it|this|either|both)(?: (?:one|time|day|all))?(?: would| will| should|'ll|'d)? (?:works?|does|do|be (?:fine|great|good|perfect|lovely|ideal|okay|ok)|suits?(?: me)?)(?: (?:for me|fine|great|well|nicely))*",
    r"works(?: (?:for me|fine|great))*",
    r"(?:sounds|looks) (?:good|great|perfect|lovely|fine|right|okay|ok)(?: to me)?",
    r"(?:that's|that is|it's) the (?:right|correct) (?:one|address|e ?mail|time|day|name|number)",
    r"correct",
    r"right",
    r"exactly",
    r"precisely",
    r"indeed",
    r"absolutely",
    r"definitely",
    r"certainly",
    r"totally",
    r"of course",
    r"for sure",
    r"sure(?: thing)?",
    r"okay",
    r"ok",
    r"okey dokey",
    r"alright",
    r"all right",
    r"fine",
    r"perfect",
    r"great",
    r"lovely",
    r"good",
    r"wonderful",
    r"brilliant",
    r"excellent",
    r"awesome",
    r"cool",
    r"super",
    r"spot on",
    r"bingo",
    r"you bet",
    r"by all means",
    r"affirmative",
    r"agreed",
    r"deal",
    r"done",
    r"gladly",
    r"happy to",
    r"please(?: do)?",
    r"go ahead",
    r"go for it",
    r"do it",
    r"do that",
    r"book (?:it|that|me(?: in)?)",
    r"let's (?:do|go with|go for|take) (?:it|that(?: one)?|this(?: one)?)",
    r"let's go(?: ahead)?",
    r"let us do (?:it|that)",
    r"i'll take (?:it|that(?: one)?)",
    r"that one",
    r"why not",
    r"i guess(?: so)?",
    r"i suppose(?: so)?",
    r"i think so",
    r"i believe so",
    r"i do",
    r"i am",
    r"i would(?: like that| love (?:that|to))?",
    r"i'd (?:like|love) (?:that|to)",
    r"we do",
    r"we are",
    r"it does",
    r"you can",
    r"you may",
    r"that'd be (?:great|good|fine|lovely|perfect)",
    r"got it",
    r"you got it",
    r"you've got it",
    r"confirm(?:ed)?",
    r"i confirm",
    r"no problem",
    r"no worries",
    r"not a problem",
    r"that's the one",
    r"that is the one",
    r"hundred percent",
    r"a hundred percent",
    r"one hundred percent",
]
_NO_PHRASES = [
    r"no(?: no)*",
    r"nope",
    r"nah",
    r"nay",
    r"no way",
    r"no thanks",
    r"no thank you",
    r"negative",
    r"never",
    r"uh uh",
    r"uh-uh",
    r"nuh uh",
    r"not (?:really|quite|exactly|right|yet|now|today|at all|correct|that(?: one)?|for me|necessarily|any ?more|interested|at the moment)",
    r"(?:that's|that is|it's|it is|this is|you're) (?:not|all|completely|totally) (?:quite )?(?:wrong|right|correct|it|good|what i said|me|mine|fine|accurate)(?<!all right)(?<!all correct)(?<!all good)(?<!all fine)(?<!totally fine)(?<!completely fine)(?<!totally right)(?<!completely right)(?<!totally correct)(?<!completely correct)",
    r"(?:that's|that is|it's|it is) (?:wrong|incorrect|false|off|a mistake|no good)",
    r"wrong",
    r"incorrect",
    r"false",
    r"(?:that|it|this)(?: one)? (?:isn't|is not|wasn't|ain't) (?:right|correct|it|good|mine|what i said|quite right)",
    r"(?:that|it|this)(?: one| time)? (?:doesn't|does not|won't|will not|wouldn't|can't) (?:work|suit|do|fit|be)(?: (?:for|with) me| me)?",
    r"i (?:don't|do not) (?:think so|believe so|want (?:that|it|to)|need (?:that|it|to)|know about that|care(?: for (?:it|that))?)",
    r"i'd rather not",
    r"i would rather not",
    r"rather not",
    r"i'd prefer not(?: to)?",
    r"i'm (?:good|fine|okay) (?:thanks|thank you)",
    r"i'm (?:all )?good",
    r"i'm not(?: (?:sure|interested))?",
    r"i (?:can't|cannot|won't|don't|do not|didn't|haven't)",
    r"we (?:don't|do not|aren't|can't)",
    r"don't",
    r"do not",
    r"please don't",
    r"don't book (?:it|that|anything)",
    r"stop",
    r"cancel that",
    r"forget it",
    r"never ?mind",
    r"neither(?: (?:one|of them|of those|works))?",
    r"none(?: of (?:them|those|these)(?: works?)?)?",
    r"hard pass",
    r"maybe (?:later|another time|not|next time)",
    r"later maybe",
    r"hold on",
    r"wait",
    r"hang on",
    r"not so fast",
    r"nothing(?: else)?",
]
_UNDECIDED = re.compile(
    r"^(?:maybe|perhaps|possibly|i'm not sure|not sure|i don't know|i dunno|don't know|dunno|no idea|let me (?:think|check|see)|i'd have to check|i'm thinking|"
    r"hold on|hang on|wait|one (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)|give me a (?:moment|second|sec|minute)|it depends|depends|what|sorry what|pardon)\b"
)


def _any(phrases: list[str]) -> re.Pattern[str]:
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"^{_LEAD}(?:{'|'.join(ordered)})(?![\w'])")


_YES = _any(_YES_PHRASES)
_NO = _any(_NO_PHRASES)
_POLITE = re.compile(
    r"^(?:please|thanks(?: (?:a lot|so much|very much|a million))?|thank you(?: (?:so|very) much)?|cheers|ta|sir|ma'am|then|though|for (?:me|now|sure)|to me|with me|by me|i think|i guess|"
    r"that's (?:all|it|everything|that)|that is (?:all|it|everything)|that'll be all|that will be all|that would be (?:great|good|lovely|all)|all good|nothing else|not today|right now|at the moment|now|today|there|mate|buddy|you know|so|and|well|just|oh|um|okay|ok|i do|i am|it is|it does|we do|we are|i don't|we don't|i'm not|very much|really|totally|exactly|absolutely|have a (?:good|nice|great|lovely) (?:day|one|evening|weekend)|you too|take care)(?![\w'])"
)
_TAKES_BACK = re.compile(r"^(?:but|except|however|though|only|just|apart from|although)\b")


def answer(text: str) -> Answer:
    """Sort an answer into yes, no or neither; `rest` keeps everything that is more than the bare answer."""
    said = plain(text)
    if not said:
        return Answer("none")
    raw = text.strip().lower().rstrip(".!")
    if raw in ("mhm", "mm-hmm", "mm hmm", "mmhmm", "uh huh", "uh-huh"):
        return Answer("yes")
    if raw in ("uh uh", "uh-uh", "nuh uh"):
        return Answer("no")
    if raw in ("y", "n"):
        return Answer("yes" if raw == "y" else "no")
    if _UNDECIDED.match(said):
        return Answer("none", said)
    no, yes = _NO.match(said), _YES.match(said)
    # The longer phrase has understood more: "no problem" against "no", "right" against "right no".
    if no and (not yes or no.end() >= yes.end()):
        return _settle("no", said[no.end() :])
    if yes:
        return _settle("yes", said[yes.end() :])
    return Answer("none", said)


def _settle(kind: Kind, rest: str) -> Answer:
    """Take off repeated answers and politeness; a later plain "no" after a soft yes wins ("okay no")."""
    rest = rest.strip()
    while rest:
        changed_mind = re.match(r"(?:(?:wait|sorry|actually|i mean|hold on|hang on) )+", rest)
        if changed_mind:
            again = answer(rest[changed_mind.end() :])
            if again.kind != "none":
                return again
        polite = _POLITE.match(rest)
        if polite and not _TAKES_BACK.match(rest):
            rest = rest[polite.end() :].strip()
            continue
        no, yes = _NO.match(rest), _YES.match(rest)
        if no and kind == "yes" and (not yes or no.end() >= yes.end()):
            kind, rest = "no", rest[no.end() :].strip()
        elif no and kind == "no" and (not yes or no.end() >= yes.end()):
            rest = rest[no.end() :].strip()
        elif yes and kind == "yes":
            rest = rest[yes.end() :].strip()
        else:
            break
    return Answer(kind, rest)
