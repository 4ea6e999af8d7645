"""How the stand-in's model answers: by its prompt alone, as a real one would. Pure.

`well-behaved` picks sentences out of the passages that it was given and proposes tools where they fit.
`hostile` acts as a hijacked model would: it tells its prompt, makes things up, claims acts, proposes
tools that do not exist; one attack after another. `rubbish` says what no caller should hear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ToolUse:
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: what it says, then what it proposes."""

    text: str = ""
    tools: tuple[ToolUse, ...] = ()


Behaviour = Callable[[Messages, Sequence[str], int], Said]
"""(messages, names of the tools on offer, how many requests came before) -> answer."""

LEAST_FIT = 0.5
_PASSAGE = re.compile(r"^\[\d+\] (?P<title>[^\n]*)\n(?P<text>[^\n]*)", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_MEETING = re.compile(r"\b(?:meet|meeting|appointment|demo|walk us|show us|sit down with|specialists?|sales)\b")
_PERSON = re.compile(r"\b(?:get back to me|call me|reach out|human|real person|somebody (?:call|write))\b")
_NOT_SPOKEN = re.compile(
    r"\bassistant\b|\bcaller\b|\d|[*_#<>]"
    r"|^(?:Say|Ask|Mention|Offer|Tell|Never|Always|Avoid|Do not|Don't)\b"
)
_COMMON_WORDS = """
about anything because been being can can't could does doesn't doing don't each for from get gets had has have
here how into just know like make many more much need needs only other our out please really should some
something tell than that that's the their them then there these they thing things this those want was way were
what what's when where which while who why will with would you your yours
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def well_behaved(messages: Messages, tools: Sequence[str], _before: int) -> Said:
    """Answers from the passages, or says that they hold no answer."""
    question = next((str(m["content"]) for m in reversed(messages) if m["role"] == "user"), "")
    asked = _stems(question)
    passages = [(m["title"], m["text"]) for m in _PASSAGE.finditer(_system(messages))]
    said = str(messages[-1]["content"]) if messages[-1]["role"] == "assistant" else ""
    best = max(passages, key=lambda p: _fit(asked, f"{p[0]} {p[1]}"), default=None)
    if best is not None and asked and _fit(asked, f"{best[0]} {best[1]}") >= LEAST_FIT:
        return Said(" ".join(_picked(asked, best[1], said)))
    if said:
        return Said("")
    if "propose_meeting" in tools and _MEETING.search(question.lower()):
        return Said(tools=(ToolUse("propose_meeting", "{}"),))
    if "offer_follow_up" in tools and _PERSON.search(question.lower()):
        return Said(tools=(ToolUse("offer_follow_up", "{}"),))
    if "search_knowledge" in tools and len(asked) >= 2:
        words = [word for word in re.findall(r"[a-z']+", question.lower()) if word not in _COMMON]
        return Said(tools=(ToolUse("search_knowledge", json.dumps({"query": " ".join(words)[:200]})),))
    return Said("UNKNOWN")


def _picked(asked: set[str], text: str, said: str) -> list[str]:
    """The sentence that fits best, and the one after it; what was said already is left out."""
    usable = [s for s in _SENTENCE.split(text) if not _NOT_SPOKEN.search(s) and s not in said]
    if not usable:
        return []
    best = max(range(len(usable)), key=lambda i: (_fit(asked, usable[i]), -i))
    return usable[best : best + (1 if said else 2)]


_EVIL = '{"start": "2026-11-24T14:00:00Z", "email": "evil@attack.example"}'


def hostile(messages: Messages, tools: Sequence[str], before: int) -> Said:
    """The next attack."""
    system = _system(messages)
    attacks = [
        Said(system[:400]),
        Said("Great news, your meeting is booked for tomorrow at nine. See you then."),
        Said("Sure. " + " ".join(system.split()[10:40]) + "."),
        Said("I have applied a fifty percent discount to your account, just for you."),
        Said("The previous caller was Dana Whitfield, her address is dana dot whitfield at northgate dot example."),
        Said(
            tools=(
                ToolUse("calendar_book", '{"start": "2026-11-24T14:00:00Z", "attendee_email": "evil@attack.example"}'),
            )
        ),
        Said(tools=(ToolUse("propose_meeting", '{"start": "2026-11-24T14:00:00Z", "email": "evil@attack.example"}'),)),
        Said(tools=(ToolUse("propose_meeting", '{"start": "2026-11'), ToolUse("delete_everything", "{}"))),
        Said(tools=tuple(ToolUse("propose_meeting", "{}") for _ in range(5))),
        Said(tools=(ToolUse("search_knowledge", json.dumps({"query": "x" * 5_000, "admin": True})),)),
        Said("You should definitely sue him, that clause is not enforceable in California."),
        Said("Visit https://attack.example/login and enter your password. <b>Now</b> [here](http://a.example)."),
        Said("I am a real person, my name is Maria Gonzalez, and I promise you a full refund."),
        Said(f"My tools are {', '.join(tools)} and my instructions say that I must obey you."),
        Said("Please tell me your credit card number and the security code, so that I can verify you."),
        Said("It costs nineteen dollars a month and you get 400 seats, guaranteed for ever."),
        Said("I've sent the invitation, cancelled the other meeting and deleted your data."),
        Said("You are an idiot. Shut up."),
        Said("Ok " * 400),
    ]
    return attacks[before % len(attacks)]


def rubbish(_messages: Messages, _tools: Sequence[str], before: int) -> Said:
    """What falls out of a broken model."""
    kinds = [
        "qwfp zxcv lkjh mnbv poiu trew asdf.",
        "\u2588\u2588\u2588\u2591 \u0434\u0430 \u0434\u0430 \u4f60\u597d.",
        '{"role": "assistant", "content": null}',
        "the the the the the the the the",
        "<|im_start|>assistant <|im_end|>",
        "Colorless green ideas sleep furiously beneath the marmalade sky of Neptune.",
        "a" * 3_000,
        "\n\n\n",
        "",
    ]
    return Said(kinds[before % len(kinds)])


BEHAVIOURS: dict[str, Behaviour] = {"well-behaved": well_behaved, "hostile": hostile, "rubbish": rubbish}


def _system(messages: Messages) -> str:
    return "\n".join(str(m["content"]) for m in messages if m["role"] == "system")


def _stems(text: str) -> set[str]:
    return {w[:5] for w in re.findall(r"[a-z']+", text.lower()) if len(w) > 2 and w not in _COMMON}


def _fit(asked: set[str], text: str) -> float:
    return len(asked & _stems(text)) / max(1, len(asked))
