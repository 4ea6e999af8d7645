# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Who is calling: "i'm dana miller", "this is tom becker from larkfield", and never "i'm on day five".

There is no list of all names, so the words around decide: an introduction, then up to three words of which none
is an everyday word. `bare=True` when the agent has just asked for the name: then the answer itself may be one.
A name that is spelled after it was said ("miller m i double l e r") is written as spelled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast_dialogue.domain.spoken import zones
from holdfast_dialogue.domain.spoken.common_words import EVERYDAY
from holdfast_dialogue.domain.spoken.companies import company
from holdfast_dialogue.domain.spoken.letters import is_letter, is_number_word, pieces
from holdfast_dialogue.domain.spoken.text import plain, word_set

__all__ = ["Name", "company", "person"]


@dataclass(frozen=True, slots=True)
class Name:
    first: str
    """Empty where only the last name was told."""
    last: str = ""

    @property
    def full(self) -> str:
        return f"{self.first} {self.last}".strip()


_SURE = r"(?:my (?:full )?name is|my name's|the name is|the name's|name is|name's|you can call me|you can (?:just )?(?:put|say|use|write)|call me|they call me|put (?:it|me) (?:down )?(?:under|as)|put down|it's under|first name is|first name's|first name)"
_LIKELY = r"(?:i'm|i am|this is|it's|it is|here is|here's|you're (?:speaking|talking) (?:to|with)|that's|that is)"
_INTRODUCED = re.compile(rf"\b(?:(?P<sure>{_SURE})|(?P<likely>{_LIKELY}))\s+(?=(?P<rest>[a-z][\w' -]*))")
_LAST = re.compile(r"\b(?:last name|surname|family name)(?: is|'s)?\s+(?P<rest>[a-z][\w' -]*)")
_GREETING = r"^(?:(?:hi|hello|hey|hiya|howdy|yes|yeah|so|okay|there|greetings|good (?:morning|afternoon|evening|day)|it's loud here|thanks for taking my call)\s+)*"
_WORD = r"[a-z][a-z'-]+"
# "sara lind here", "greg olsen from olsen supply", "ted loomis twenty reps", "ian marsh we're fifty people"
_LED = [
    re.compile(rf"{_GREETING}(?P<rest>{_WORD}(?: {_WORD}){{0,2}}) here\b"),
    re.compile(rf"{_GREETING}(?P<rest>{_WORD}(?: {_WORD}){{1,2}}) (?:from|with|at|calling from|over at) [a-z]"),
    re.compile(
        rf"{_GREETING}(?P<rest>{_WORD} {_WORD}) (?=(?P<number>[a-z]+) [a-z]+|we're |we are |i'm |i am |i'd |my email)"
    ),
]
_END = word_set(
    """
    and from with at there there's we we're i i'm i'd i've it's it is here calling of for in on by the a an so my
    our can could would speaking who what how please thanks thank over out
    """
)
"""Ends a name that has begun: "fiona reid there are six of us"."""
_BEFORE_A_NAME = word_set(
    "yes yeah sure okay ok oh so well hi hello it it's just name and of course certainly alright no sorry actually"
)
_AFTER_A_NAME = _END | {"that's", "spelled", "sorry", "okay"}
_PREFIXES = word_set("mc mac van von de del della di da la le el al bin ibn o saint st der den dos du ten")
_LOWER_PREFIXES = word_set("van von der den de del di da dos du bin ibn")
_TITLES = word_set("mister mr missus mrs ms miss doctor dr professor sir")
_ALSO_WORDS = word_set("will mark may grace rose bill frank")
"""Names that are everyday words too: believed after a sure introduction or when the name was asked."""
_ADJECTIVE = re.compile(
    r"^(?!(?:king|ming|ling|ping|xing|ying|fleming|harding|manning|golding|browning|keating|sterling|ahmed|ned|ted|ed|fred|reed|jared|alfred|mildred|saeed|khaled)$).*(?:ing|ed|ful|less|ish|ious|ous|able|ible)$"
)


def person(text: str, bare: bool = False) -> Name | None:
    """The caller's name in `text`; with `bare`, an answer that is nothing but a name counts too."""
    said = plain(text)
    found = _introduced(said, bare) or _led(said)
    last = _LAST.search(said)
    surname = _name_words(last["rest"].split(), sure=True)[0] if last else []
    if surname:
        first = found.first if found and found.first.lower() != surname[0] else ""
        return Name(first, _written(surname))
    return found or (_bare(said) if bare else None)


def _introduced(said: str, bare: bool) -> Name | None:
    best: Name | None = None
    for match in _INTRODUCED.finditer(said):
        words, _ = _name_words(match["rest"].split(), sure=bool(match["sure"]) or bare)
        if words and (match["sure"] or _believable(words, match["likely"], said, bare=bare)):
            best = _name(words)
    return best


def _believable(words: list[str], introduction: str, said: str, *, bare: bool) -> bool:
    """'i'm dana' is a name; "it's perfect", "i'm denver based" and "that's correct" are not."""
    if introduction in ("that's", "that is") and not bare:
        return False
    if len(words) > 1:
        return True
    if zones.zone(words[0]) or _ADJECTIVE.search(words[0]):
        return False
    if introduction in ("i'm", "i am", "this is") or bare or said.endswith(words[0]):
        return True
    return bool(re.search(rf"\b{re.escape(words[0])} (?:calling|here|from|speaking|again)\b", said))


def _led(said: str) -> Name | None:
    """A name in front, without an introduction; two words unless "here" follows."""
    for pattern in _LED:
        match = pattern.search(said)
        if not match:
            continue
        number = match.groupdict().get("number")
        if number and not is_number_word(number):
            continue
        told = match["rest"].split()
        words, used = _name_words(told, sure=False)
        if used == len(told) and words:
            return _name(words)
    return None


def _bare(said: str) -> Name | None:
    """An answer to "what is your name?"."""
    words = said.split()
    while words and (words[0] in _BEFORE_A_NAME or words[0] in _TITLES):
        words = words[1:]
    taken, used = _name_words(words, sure=True)
    rest = words[used:]
    if not taken or (rest and rest[0] not in _AFTER_A_NAME and not is_letter(rest[0])):
        return None
    return _name(taken)


def _name_words(words: list[str], *, sure: bool) -> tuple[list[str], int]:
    """The leading words that can be a name, and how many words were used up for them."""
    i = 1 if words and words[0] in _TITLES else 0
    taken: list[str] = []
    while i < len(words) and len([w for w in taken if w not in _PREFIXES]) < 3:
        word = words[i].strip("'")
        spelled, used = _spelled(words[i:])
        if used > 1:
            if taken and spelled[:1] == taken[-1][:1]:
                taken[-1] = spelled
            elif not taken or sure:
                taken.append(spelled)
            i += used
        elif (
            is_letter(word)
            and len(taken) == 1
            and word not in ("i", "a")
            and _is_name(words[i + 1 : i + 2], sure=False)
        ):
            i += 1  # a middle initial
        elif (taken and word in _END) or not _is_name([word], sure=sure and not taken):
            break
        else:
            if taken[-1:] != [word]:
                taken.append(word)
            i += 1
    if taken and taken[-1] in _PREFIXES and len(taken) > 1:
        taken.pop()
    return ([] if len(taken) == 1 and taken[0] in _PREFIXES - {"al"} else _once(taken)), i


def _once(words: list[str]) -> list[str]:
    """'dana, dana miller' is one person."""
    return words[1:] if len(words) > 2 and words[0] == words[1] else words


def _is_name(word: list[str], *, sure: bool) -> bool:
    if not word or is_letter(word[0]) or is_number_word(word[0]) or any(c.isdigit() for c in word[0]):
        return False
    if word[0].endswith("'s"):  # "dana's assistant"
        return False
    return word[0] not in EVERYDAY or (sure and word[0] in _ALSO_WORDS)


def _spelled(words: list[str]) -> tuple[str, int]:
    """A run of letters at the front ("m i double l e r"), and how many words it took."""
    used = 0
    while used < len(words) and (is_letter(words[used]) or words[used] in ("double", "triple")):
        used += 1
    return "".join(piece.text for piece in pieces(words[:used])), used


def _name(words: list[str]) -> Name:
    if len(words) == 1:
        return Name(_written(words))
    return Name(_written(words[:1]), _written(words[1:]))


def _written(words: list[str]) -> str:
    """Written as names are: McDonald, O'Brien, van der Berg, Mary-Ann."""
    return " ".join(word if word in _LOWER_PREFIXES and len(words) > 1 else _capitals(word) for word in words).replace(
        "O Brien", "O'Brien"
    )


def _capitals(word: str) -> str:
    if word.startswith("mc") and len(word) > 3:
        return "Mc" + word[2:].capitalize()
    return re.sub(r"(^|[-'])([a-z])(?=[a-z'])", lambda match: match[1] + match[2].upper(), word)
