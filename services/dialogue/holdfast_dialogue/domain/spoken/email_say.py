"""An address in words for the synthesiser: said as people say it, or spelled with code words.

Every form is checked by reading it back with `email_parse`: what the caller hears is what we would have understood.
Words that would be read as something else ("dot", "one", a code word) are spelled.
"""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken.email_parse import read
from holdfast_dialogue.domain.spoken.letters import CODE_WORDS

_MARK_WORDS: dict[str, str] = {".": "dot", "_": "underscore", "-": "dash", "+": "plus", "@": "at", "'": "apostrophe"}
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_SHORT_WORDS = {"co", "me", "al", "ed", "jo", "bo", "ty", "my", "go", "us", "he", "up", "on", "so", "no"}
_RUNS = re.compile(r"[a-z]+|\d|[^a-z\d]")


_SOUND_ALIKE = """
sara sarah, jon john, steven stephen, eric erik, marc mark, carl karl, cathy kathy, catherine katherine kathryn,
ann anne, brian bryan, jeff geoff, jeffrey geoffrey, alan allan allen, philip phillip, nicolas nicholas, teresa theresa,
sean shawn shaun, lewis louis, stewart stuart, kristin kristen, debra deborah, rachel rachael, gary garry, terry terri,
reid reed, greene green, clark clarke, browne brown, grey gray, meyer myer, page paige, leigh lee, pierce pearce, olsen
olson, larson larsen, hansen hanson, jensen jenson, petersen peterson, thompson thomson, kelly kelley, neil neal
"""
_HEARD_ALIKE = frozenset(word for group in _SOUND_ALIKE.split(",") for word in group.split())
"""Names that another spelling of sounds like: a listener cannot tell which of them was written down."""
_IN_SPANISH = {"dot": "punto", "underscore": "guion bajo", "dash": "guion", "plus": "más", "at": "arroba"}


def say(address: str, language: str = "") -> str:
    """'dana.miller@northwind.example' -> 'dana dot miller at northwind dot example'; in Spanish 'arroba', 'punto'."""
    said = _said(address)
    return " ".join(_IN_SPANISH.get(word, word) for word in said.split()) if language == "es" else said


def _said(address: str) -> str:
    for spell_all in (False, True):
        words = _words(address, spell_all=spell_all)
        if read(words)[0].address == address.lower():
            return words
    return spell(address)


def spell(address: str) -> str:
    """'d as in delta, a as in alpha ... at ...'; the well-known endings stay words."""
    local, _, domain = address.lower().rpartition("@")
    host, _, ending = domain.rpartition(".")
    parts = [*(_code(c) for c in local), "at", *(_code(c) for c in host), "dot", _ending(ending)]
    return ", ".join(part for part in parts if part)


def _code(character: str) -> str:
    if character.isdigit():
        return _DIGITS[int(character)]
    if character in CODE_WORDS:
        return f"{character} as in {CODE_WORDS[character]}"
    return _MARK_WORDS.get(character, character)


def _ending(label: str) -> str:
    return label if len(label) > 2 or label in _SHORT_WORDS else " ".join(label)


def _words(address: str, *, spell_all: bool) -> str:
    said: list[str] = []
    for run in _RUNS.findall(address.lower()):
        if run.isdigit():
            said.append(_DIGITS[int(run)])
        elif run.isalpha():
            said.append(
                _letters(run) if _speakable(run) and not (spell_all and not _is_ending(address, run)) else " ".join(run)
            )
        else:
            said.append(_MARK_WORDS.get(run) or run)
    return " ".join(said)


def _letters(name: str) -> str:
    """A word, and its letters where it could be written in another way: "reid r e i d"."""
    return f"{name} {' '.join(name)}" if name in _HEARD_ALIKE else name


def _is_ending(address: str, run: str) -> bool:
    return address.lower().endswith("." + run)


def _speakable(run: str) -> bool:
    """Whether a synthesiser would read it as a word and a listener write it down right."""
    if len(run) <= 2:
        return run in _SHORT_WORDS
    vowels = r"[aeiouy]" if len(run) > 3 or run.find("y") > 1 else r"[aeiou]"
    if not re.search(vowels, run):
        return False
    return not re.search(r"[bcdfghjklmnpqrstvwxz]{5,}|(?:^|[aeiouy])[bcdfghjklmnpqrtvwxz]{4,}$|(.)\1\1", run)
