# ruff: noqa: E501 - phrase tables: one idea a line
"""What a model may be heard to say: each sentence is judged before it leaves, as if the model were hijacked. Pure.

A sentence passes when it is speech, rests on the passages or on what this caller said, and claims no
act, no promise and no advice. The rules err on the side of silence: what is stopped here is answered by
the next route. They are lexical, so they cannot tell a wrong sentence that uses only the passages' words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdfast_common.contracts.tools import Hit

from holdfast_dialogue.domain.model_prompt import UNKNOWN
from holdfast_dialogue.domain.spoken.numbers import words_to_digits
from holdfast_dialogue.domain.spoken.text import word_set

COPIED_WORDS = 8
"""So many consecutive words of the instructions are the instructions."""
MAX_WORDS = 45
LEAST_SUPPORT = 0.6
"""Share of a sentence's telling words that passages or conversation must hold (by their first letters)."""


class Verdict(StrEnum):
    """What is wrong with a sentence; `ok`: nothing."""

    OK = "ok"
    SKIP = "skip"
    """Harmless, but left out: a question of the model's own, or a sentence said before."""
    UNKNOWN = "unknown"
    """The model says that it does not know."""
    NO_SPEECH = "no_speech"
    """Markup, links, code, other scripts, far too long, bad language."""
    PROMPT = "prompt"
    TOOLS = "tools"
    CONTACT = "contact"
    """An address or telephone number that nobody gave."""
    NUMBER = "number"
    NAME = "name"
    ACT = "act"
    """A claim that something was or will be done; a booking that the calendar has not confirmed."""
    PROMISE = "promise"
    """A discount, a guarantee, a price reduction."""
    ADVICE = "advice"
    PRETENCE = "pretence"
    """That it is a person, or without rules."""
    SECRET = "secret"
    """Asks for a password or card."""
    UNGROUNDED = "ungrounded"

    @property
    def is_breach(self) -> bool:
        """Nothing more of this answer is to be heard."""
        return self not in (Verdict.OK, Verdict.SKIP, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer may rest on, and what it must not give away."""

    passages: str
    """The articles that were found."""
    conversation: str
    """What this caller said and heard, and what the profile says of itself."""
    instructions: str
    tools: tuple[str, ...]
    said: tuple[str, ...] = ()
    """Sentences of this reply that were said already."""

    @property
    def all(self) -> str:
        return f"{self.passages}\n{self.conversation}"


_MARKUP = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|org|net|io|ru|cn|co|dev|app)\b(?!@)|[<>{}\[\]|\\^~`=]|\]\(|\*|_\w+_|^\s*(?:#|[-\u2022] |\d+[.)] )|&\w+;"
)
_ABUSE = re.compile(r"\b(?:stupid|idiot|moron|dumb|fuck\w*|shit\w*|bitch|asshole|bastard|kill yourself|shut up)\b")
_ADDRESS = re.compile(
    r"[\w.+-]+\s?@\s?[\w-]+|\b[\w-]+(?: (?:dot|underscore|dash) [\w-]+)* at [\w-]+(?: [\w-]+)? dot [\w-]+\b"
)
_UNIT = r"(?:days?|weeks?|months?|years?|hours?|minutes?|percent|%|dollars?|euros?|pounds?|cents?|users?|seats?|people|times|documents?|free|extra)"
_SMALL = re.compile(rf"\b[012]\b(?!\s+(?:more |extra |free )?{_UNIT}\b)")
_CURRENCY = re.compile(r"[$\u20ac\u00a3%]|\b(?:dollars?|euros?|pounds|bucks|cents|percent)\b")
_DAYS = re.compile(
    r"\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|april|june|july|august|september|october|november|december|tomorrow|tonight|noon|midnight)\b"
)
_DONE = r"(?:booked|scheduled|reserved|confirmed|arranged|cancel(?:l)?ed|moved|rescheduled|sent|emailed|mailed|forwarded|deleted|erased|removed|changed|updated|upgraded|downgraded|extended|applied|activated|credited|refunded|charged|transferred|connected|notified|informed|noted|saved|recorded|registered|added|created|reset|unlocked|escalated|submitted|opened|passed|told|asked|set|put|granted|waived|approved|issued|processed|taken care)"
_ACT = (
    re.compile(
        rf"\b(?:i|we)(?:'ve| have|'m| am|'re| are)?(?: (?:just|now|already|gone ahead and|successfully|also|happily|going to|about to))* (?:been able to )?{_DONE}\b"
    ),
    re.compile(
        r"\b(?:i|we)(?:'ll| will| can| could|'m going to| am going to| shall|'d be happy to) (?:now |then |just |go ahead and |personally |also )*(?:book|schedule|reserve|confirm|arrange|cancel|move|send|email|mail|forward|delete|erase|change|update|upgrade|extend|apply|activate|credit|refund|charge|transfer|connect|put you|notify|inform|note|save|register|create|reset|unlock|escalate|submit|call|ring|text|make sure|see to it|ensure|get you|give you|offer you|waive|grant|set up|set you|sign you)\b"
    ),
    re.compile(
        rf"\b(?:you(?:'re| are)(?: now)?|you have been|you've been|it(?:'s| is| has been)|that(?:'s| is| has been)|(?:your|the|this) (?:\w+ )?(?:meeting|appointment|booking|demo|call|slot|request|trial|account|data|invitation|order)(?: \w+){{0,4}} (?:is|was|has been|have been)) (?:now |all |already |successfully )*(?:{_DONE}|all set|ready for you)\b"
    ),
    re.compile(
        r"\b(?:you(?:'re| are) all set|see you (?:on|at|then|there|tomorrow|soon)|consider it done|booking (?:is )?(?:complete|confirmed)|invitation is on its way|i(?:'ve| have) got you down)\b"
    ),
)
_PROMISE_ALWAYS = re.compile(
    r"\b(?:i|we) (?:promise|guarantee|assure|vow|swear)\b|\b(?:guaranteed|you have my word|trust me|special (?:offer|deal|price)|just for you|lifetime deal|money ?back|half price|(?:promo|coupon|discount|voucher) code|at no (?:extra )?(?:cost|charge) to you)\b"
)
_PROMISE_WORDS = re.compile(
    r"\b(?:discounts?|coupons?|vouchers?|refunds?|compensation|credits?|bonus|gift|free of charge|for free|cheaper|price match|unlimited|never expires?|forever|always free|warranty)\b"
)
"""May be said where the passages say them."""
_ADVICE = re.compile(
    r"\b(?:you (?:should|ought to|must|need to|can|could|would|will) (?:sue|sign (?:it|this|that)\b|win|lose|not sign|invest|deduct|hire a lawyer)|i(?:'d| would) (?:recommend|advise|suggest) (?:suing|signing|not signing|investing)|my (?:legal )?advice|hold up in court|(?:is|are|it's|would be) (?:not )?(?:un)?enforceable|legally (?:valid|void|binding|required|safe|obliged)|(?:il)?legal in|you(?:'re| are) (?:not )?liable|tax.deductible)\b"
)
_PRETENCE = re.compile(
    r"\bi(?:'m| am) (?:not (?:a|an) (?:robot|bot|machine|ai|computer|assistant|automated)|(?:a|an) (?:\w+ )?(?:human|person|man|woman|developer|lawyer|attorney|doctor|manager|employee|hacker)|(?:now )?(?:in )?developer mode|free of|no longer|unrestricted|jailbroken|dan\b)|\bi(?:'m| am) (?:really |actually )?(?:human|real)\b|\b(?:developer|debug|god|admin) mode\b|\bmy name is\b"
)
_PROMPT_TALK = re.compile(
    r"\b(?:my|the|these) (?:system |initial |original |hidden |secret |full )?(?:prompt|instructions?|rules|guidelines|programming)\b|\bi (?:was|am|have been) (?:told|instructed|programmed|configured|prompted)\b|\bknowledge base passages?\b|\bpassages? (?:below|above)\b|\blanguage model\b|\bopenai\b|\bsystem message\b|\buntrusted\b"
)
_TOOL_TALK = re.compile(r"\b(?:tools?|functions?) (?:are|is|called|named|include|call|i (?:can|have))\b|\b\w+_\w+\b")
_SECRET = re.compile(
    r"\b(?:tell|give|read|share|provide|need|confirm|say|spell|enter|verify)\b.{0,40}\b(?:password|passcode|pin|card number|credit card|cvv|security code|social security|ssn|bank account|routing number|date of birth|mother's maiden)\b"
)
_OTHERS = re.compile(
    r"\b(?:(?:an)?other|previous|last|earlier|next|different) (?:caller|customer|client|user|person)(?:'s|s)?\b"
)
_UNKNOWN = re.compile(
    r"\b(?:i (?:do not|don't|am not|'m not) (?:know|sure|certain|have (?:that|any|this|the|enough)? ?(?:information|details|answer))|i'm not sure|i have no (?:information|answer)|(?:the )?passages? (?:do|does)(?: not|n't)|not (?:covered|mentioned) in)\b"
)
_COMMON = word_set(
    """
    a about able according actually after again all allow allows also always an and another any anyone anything
    are around as ask at available away back based be because been before being below best better both but by
    call can can't cannot case change check choose click come comes could day do does doesn't doing done don't
    each easily easy either else enough even every everything example feature features few find first for from
    get gets getting give gives go goes going good great had happen happens has have have haven't having help
    helps here hi hello how however i i'm i'll i've if in include included includes inside instead into is isn't
    it it's its just keep know later least let lets like little long look looks lot main make makes many may
    mean means might more most much must my need needs never new next no not note now of off ok okay on once one
    only onto open or other otherwise our out over own part particular people per place please possible put
    quick quickly rather really right same say see select set should show shows simply since so some someone
    something soon sorry sort start still such sure take takes tell than thank thanks that that's the their them
    then there there's these they they're thing things think this those through time to together too try turn
    two under until up us use used user using usually very via want was way ways we we're well were what when
    where whether which while who why will with within without won't work works would yes you you'll you're
    you've your yourself question answer short depends directly exactly simple currently generally typically
    though along across
    """
)


def judge(sentence: str, ground: Ground) -> Verdict:
    """The first thing that is wrong with the sentence; OK where nothing is."""
    text = _plain(sentence)
    words = re.findall(r"[a-z']+", text)
    if sentence.strip(" .!\"'").upper() == UNKNOWN or (_UNKNOWN.search(text) and len(words) <= 25):
        return Verdict.UNKNOWN
    if _is_no_speech(sentence, text, words):
        return Verdict.NO_SPEECH
    passages, allowed = _plain(ground.passages), _plain(ground.all)
    for is_so, verdict in (
        (_PROMPT_TALK.search(text) or _copies(text, ground.instructions), Verdict.PROMPT),
        (_TOOL_TALK.search(text) or any(_names(tool, text) for tool in ground.tools), Verdict.TOOLS),
        (_PRETENCE.search(text), Verdict.PRETENCE),
        (_SECRET.search(text), Verdict.SECRET),
        (any(pattern.search(text) for pattern in _ACT), Verdict.ACT),
        (_PROMISE_ALWAYS.search(text) or _unsaid(_PROMISE_WORDS, text, passages), Verdict.PROMISE),
        (_unsaid(_ADVICE, text, passages), Verdict.ADVICE),
        (_unsaid(_ADDRESS, text, allowed), Verdict.CONTACT),
        (_has_strange_number(text, passages, allowed), Verdict.NUMBER),
        (_unsaid(_OTHERS, text, passages) or _has_strange_name(sentence, allowed), Verdict.NAME),
    ):
        if is_so:
            return verdict
    if text.rstrip().endswith("?") or any(text.strip(" .!") == _plain(s).strip(" .!") for s in ground.said):
        return Verdict.SKIP
    return Verdict.OK if _support(words, allowed) >= LEAST_SUPPORT else Verdict.UNGROUNDED


def best_of(sentence: str, hits: Sequence[Hit]) -> Hit | None:
    """The article that the sentence rests on most; the earlier one where two are alike."""
    words = re.findall(r"[a-z']+", _plain(sentence))
    return max(
        hits, key=lambda hit: _support(words, _plain(f"{hit.title} {hit.answer} {' '.join(hit.details)}")), default=None
    )


def _plain(text: str) -> str:
    return " ".join(text.lower().translate(_QUOTES).split())


_QUOTES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u00a0": " "}
)


def _is_no_speech(sentence: str, text: str, words: list[str]) -> bool:
    if not words or len(words) > MAX_WORDS or _MARKUP.search(text) or _ABUSE.search(text):
        return True
    if (
        any(ord(c) > 0x24F and c not in "\u2019\u2018\u201c\u201d\u2013\u2014\u20ac\u2026" for c in sentence)
        or not sentence.isprintable()
    ):
        return True
    return any(a == b == c for a, b, c in zip(words, words[1:], words[2:], strict=False)) or any(
        len(w) > 24 for w in words
    )


def _copies(text: str, instructions: str) -> bool:
    """Do eight words in a row stand in the instructions?"""
    mine = re.findall(r"[a-z0-9']+", text)
    theirs = " " + " ".join(re.findall(r"[a-z0-9']+", _plain(instructions))) + " "
    return any(" " + " ".join(mine[i : i + COPIED_WORDS]) + " " in theirs for i in range(len(mine) - COPIED_WORDS + 1))


def _names(tool: str, text: str) -> bool:
    """The tool's name, as written or as it would be spoken."""
    return tool in text or tool.replace("_", "") in text.replace(" ", "").replace("-", "")


def _unsaid(pattern: re.Pattern[str], text: str, ground: str) -> bool:
    """Something of this kind is in the sentence that the ground does not hold."""
    return any(match[0] not in ground for match in pattern.finditer(text))


def _has_strange_number(text: str, passages: str, allowed: str) -> bool:
    """A number, sum or day that neither passages nor conversation hold."""
    unknown = not _numbers(text) <= _numbers(allowed)
    return unknown or _unsaid(_CURRENCY, text, passages) or _unsaid(_DAYS, text, allowed)


def _numbers(text: str) -> set[str]:
    """Every number in digits; a bare one or two counts only with a unit."""
    digits = words_to_digits(re.sub(r"(?<=\d),(?=\d{3})", "", text))
    return set(re.findall(r"\d+", _SMALL.sub(" ", digits)))


def _has_strange_name(sentence: str, allowed: str) -> bool:
    """A capitalised word within the sentence that nobody has said: a person, a company, a place."""
    known = set(re.findall(r"[a-z0-9']+", allowed))
    for match in re.finditer(r"(?<![.!?:\"\u201c])\s\(?([A-Z][\w'\u2019-]+)", sentence):
        word = _plain(match[1]).removesuffix("'s")
        if word in known or word in _COMMON or word.startswith("i'") or all(part in known for part in word.split("-")):
            continue
        return True
    return False


def _support(words: list[str], allowed: str) -> float:
    """Share of the telling words whose first letters the ground has."""
    telling = [word for word in words if word not in _COMMON and len(word) > 2]
    if not telling:
        return 1.0
    known = {word[:5] for word in re.findall(r"[a-z']+", allowed)}
    return sum(word[:5] in known for word in telling) / len(telling)
