# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Letters as people spell them: bare, doubled, "s as in sam", in code words, as letter names ("zee", "double u").

`spelled` turns the words of one part of an address ("m as in mary a double s e y eighty eight") into characters and
joins them; words that are not spelling stay words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from holdfast_dialogue.domain.spoken.numbers import words_to_digits

CODE_WORDS = {
    "a": "alpha", "b": "bravo", "c": "charlie", "d": "delta", "e": "echo", "f": "foxtrot", "g": "golf", "h": "hotel", "i": "india",
    "j": "juliet", "k": "kilo", "l": "lima", "m": "mike", "n": "november", "o": "oscar", "p": "papa", "q": "quebec", "r": "romeo",
    "s": "sierra", "t": "tango", "u": "uniform", "v": "victor", "w": "whiskey", "x": "xray", "y": "yankee", "z": "zulu",
}  # fmt: skip
_OF_CODE_WORD = {word: letter for letter, word in CODE_WORDS.items()} | {
    "alfa": "a",
    "juliett": "j",
    "whisky": "w",
    "x-ray": "x",
}
# How the letters' own names are written by recognisers; only among other letters.
_LETTER_NAMES = {
    "ay": "a", "bee": "b", "be": "b", "cee": "c", "see": "c", "sea": "c", "dee": "d", "ee": "e", "eff": "f", "ef": "f", "gee": "g", "aitch": "h", "haitch": "h",
    "eye": "i", "jay": "j", "kay": "k", "el": "l", "ell": "l", "elle": "l", "em": "m", "en": "n", "oh": "o", "owe": "o", "pee": "p", "pea": "p", "cue": "q", "queue": "q",
    "are": "r", "ar": "r", "ess": "s", "es": "s", "tee": "t", "tea": "t", "you": "u", "yu": "u", "vee": "v", "ex": "x", "why": "y", "wye": "y", "zee": "z", "zed": "z",
}  # fmt: skip
_PLAIN_NAMES = frozenset("be see sea eye oh owe pea tea are you why ex queue cue".split())  # noqa: SIM905
"""Names of letters that are words of their own: a sentence is full of them."""
_DIGIT_WORDS = {"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12"}  # fmt: skip
_NUMBER_WORDS = set(_DIGIT_WORDS) | {
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "nought",
    "naught",
}
_TIMES = {"double": 2, "triple": 3, "treble": 3}


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of a part: characters, and whether they were spelled or said as a word."""

    text: str
    how: str
    """`word`, `letter`, `digits`, `code` (a code word on its own is a name until its neighbours say otherwise)."""


def is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def is_number_word(word: str) -> bool:
    return word in _NUMBER_WORDS or word.isdigit()


def is_spelling(word: str) -> bool:
    """Whether a word may stand for a letter or digits, so that saying it twice means two of them."""
    return is_number_word(word) or word in _OF_CODE_WORD or word in _LETTER_NAMES


def without_plain_words(words: list[str]) -> list[str]:
    """The words without those that only sound like letters: "you are a b c" is a, b, c, and "see a r l" is c, a, r, l.

    Among letters stays what stands between them, or alone at an end of them.
    """
    kept: list[str] = []
    for spells, stretch in groupby(words, key=lambda word: is_letter(word) or is_spelling(word)):
        run = list(stretch)
        doubled = bool(kept) and kept[-1] in _TIMES
        if not spells or doubled:
            kept += run
        elif any(word not in _PLAIN_NAMES and word not in ("a", "i") for word in run):
            letters = [i for i, word in enumerate(run) if word not in _PLAIN_NAMES]
            first = letters[0] if letters[0] > 1 else 0
            last = letters[-1] if letters[-1] < len(run) - 2 else len(run) - 1
            kept += run[first : last + 1]
    return kept


def pieces(words: list[str]) -> list[Piece]:
    """Read the words of one part of an address."""
    found: list[Piece] = []
    i = 0
    while i < len(words):
        piece, used = _piece(words, i, found)
        found.append(piece)
        i += used
    return _settle_names(found)


def _piece(words: list[str], i: int, before: list[Piece]) -> tuple[Piece, int]:
    word = words[i]
    if i + 1 < len(words) and word == "double" and words[i + 1] in ("u", "you"):
        return Piece("w", "letter"), 2
    if i + 2 < len(words) and word in _TIMES and words[i + 1] in ("oh", "o") and is_number_word(words[i + 2]):
        return Piece("0" * _TIMES[word], "digits"), 2
    if word in _TIMES and i + 1 < len(words):
        inner, used = _piece(words, i + 1, before)
        if len(inner.text) == 1 or inner.how == "digits":
            return Piece(
                inner.text[0] * _TIMES[word] + inner.text[1:], "letter" if inner.how != "digits" else "digits"
            ), used + 1
        if inner.how == "code":
            return Piece(_OF_CODE_WORD.get(inner.text, inner.text[0]) * _TIMES[word], "letter"), used + 1
    as_in = _as_in(words, i)
    if as_in:
        return as_in
    if is_number_word(word) or (word == "oh" and i + 1 < len(words) and is_number_word(words[i + 1])):
        return _digits(words, i)
    if word == "x" and i + 1 < len(words) and words[i + 1] == "ray":
        return Piece("x", "letter"), 2
    if is_letter(word):
        return Piece(word, "letter"), 1
    if (
        word in ("capital", "uppercase", "lowercase", "small", "letter")
        and i + 1 < len(words)
        and is_letter(words[i + 1])
    ):
        return Piece(words[i + 1], "letter"), 2
    if word in _OF_CODE_WORD:
        return Piece(word, "code"), 1
    if word in _LETTER_NAMES:
        return Piece(word, "name"), 1
    return Piece(word.replace("'", ""), "word"), 1


def _as_in(words: list[str], i: int) -> tuple[Piece, int] | None:
    """'s as in sam', 'b for bob', 'v like victor'. The word is surer than the letter before it, which may be misheard."""
    rest = words[i + 1 : i + 5]
    first = words[i]
    if not (is_letter(first) or first in _LETTER_NAMES or first == "as"):
        return None
    if first == "as":  # the letter itself was swallowed: "as in sam"
        if len(rest) > 1 and rest[0] == "in" and len(rest[1]) > 1:
            return Piece(rest[1][0], "letter"), 3
        return None
    letter = first if is_letter(first) else _LETTER_NAMES[first]
    for lead in (["as", "in"], ["like", "in"], ["is", "in"], ["like"], ["as"], ["for"], ["from"]):
        if rest[: len(lead)] == lead and len(rest) > len(lead):
            word = rest[len(lead)]
            sure = len(lead) == 2
            if len(word) > 1 and not word.isdigit() and (sure or word[0] == letter):
                article = word in ("the", "an") and len(rest) > len(lead) + 1
                if article:
                    return Piece(rest[len(lead) + 1][0], "letter"), len(lead) + 3
                return Piece(word[0], "letter"), len(lead) + 2
    return None


def _digits(words: list[str], i: int) -> tuple[Piece, int]:
    """A run of number words and 'oh's: digit by digit or as numbers ("eighty eight", "double oh seven")."""
    run: list[str] = []
    j = i
    while j < len(words) and (
        is_number_word(words[j]) or (words[j] in ("oh", "o") and (run or j == i) and _digit_next(words, j))
    ):
        run.append({"oh": "zero", "o": "zero", "nought": "zero", "naught": "zero"}.get(words[j], words[j]))
        j += 1
    text = ""
    chunk: list[str] = []
    # single digits are spelled one by one; "twenty five" and "nineteen eighty eight" belong together
    for word in [*run, ""]:
        if (
            word in _DIGIT_WORDS
            and (not chunk or chunk[-1] not in _TENS)
            and len(_DIGIT_WORDS[word]) == 1
            and not _scaled(run)
        ):
            text += _number(chunk) + _DIGIT_WORDS[word]
            chunk = []
        elif word:
            chunk.append(word)
        else:
            text += _number(chunk)
    return Piece(text, "digits"), j - i


_TENS = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}


def _scaled(run: list[str]) -> bool:
    return "hundred" in run or "thousand" in run


def _digit_next(words: list[str], j: int) -> bool:
    return (
        j + 1 == len(words)
        or is_number_word(words[j + 1])
        or words[j + 1] in ("oh", "o")
        or not is_letter(words[j + 1])
    )


def _number(chunk: list[str]) -> str:
    return re.sub(r"\D", "", words_to_digits(" ".join(chunk))) if chunk else ""


def _settle_names(found: list[Piece]) -> list[Piece]:
    """Code words and letter names are letters among letters, and words on their own ("mike at ...", "bee at ...")."""
    spells = [p.how in ("letter", "code", "name") for p in found]
    settled: list[Piece] = []
    for i, piece in enumerate(found):
        if piece.how not in ("code", "name"):
            settled.append(piece)
            continue
        run = _run(spells, i)
        solid = sum(len(found[k].text) for k in run if found[k].how == "letter")
        codes = sum(found[k].how == "code" for k in run)
        if piece.how == "code":
            is_spelling = codes >= 2 or (solid >= 2)
            letter = _OF_CODE_WORD[piece.text]
        else:
            is_spelling = solid + codes >= 2 or len(run) >= 3
            letter = _LETTER_NAMES[piece.text]
        settled.append(Piece(letter, "letter") if is_spelling else Piece(piece.text.replace("-", ""), "word"))
    return settled


def _run(flags: list[bool], at: int) -> list[int]:
    low = high = at
    while low > 0 and flags[low - 1]:
        low -= 1
    while high + 1 < len(flags) and flags[high + 1]:
        high += 1
    return list(range(low, high + 1))
