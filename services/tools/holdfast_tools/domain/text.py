"""From spoken words to terms: lower case, no fillers, no stutter, letters joined, stems weighted.

Questions arrive from a recogniser ("um hi can you can you tell me about p d f files"), articles are
written. Both go through here, so that they meet in the same terms. English for now: the word lists
are knowledge of the language, not of any company.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache

import snowballstemmer

FUNCTION_WEIGHT = 0.5
"""Weight of a function word in a query (their document frequency already makes them cheap)."""
LIGHT_WEIGHT = 0.6
"""Weight of an everyday word ("everything", "look", "week"): rare in a small knowledge base, so its
inverse document frequency overrates it. Chosen with 0.3-1.0 tried on held-out phrasings."""

_FILLERS = "um uh uhm er erm hmm mm mhm yeah okay ok hi hello hey oh please thanks"
FILLERS = frozenset(_FILLERS.split())
LEAD_INS = re.compile(
    r"\b(hi there|hello there|good (morning|afternoon|evening)|(can|could|would) you (please )?tell me"
    r"|(do|would) you (happen to )?know|i was wondering( if)?|i('d| would) like to (know|ask)|i want(ed)? to (know|ask)"
    r"|i have a( quick)? question( about)?|you know|i mean|sort of|kind of|let me ask( you)?|quick question|tell me)\b"
)
_FUNCTION = """
a an and are as at be been but by can could did do does for from had has have he her him his how i i'd i'll i'm i've if
in is it it's its me my of on or our she so that that's the their them then there they they're this those these to up us
was we we'd we're we've were what what's when where which who why will with would you your you're um uh er yes no just
like well actually really maybe gonna wanna gotta know tell want need get got one some any go going about am not don't
doesn't thank sort kind bit
"""
_LIGHT = """
everything everybody everyone somebody someone anybody anyone anything something nothing thing things guy guys folk
folks people person stuff here over out off back again away around look see make made take put let come came give gave
say said think use used using find keep show ask try tried work works happen happens call called set turn start stop
begin move live feel leave left bring first last next new old same other another different every each all both many
much more most few lot own right now still already yet ever never always before after too very also only even than
because while where's here's how's who's whose yours mine itself himself myself themselves day week month year time way
place part real big small good bad sure supposed guess might must may should shall cannot can't won't wasn't isn't
aren't didn't
"""
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve"
_DIGITS = {str(value): word for value, word in enumerate(_NUMBERS.split())}
_NOT_A_WORD = re.compile(r"[^a-z0-9' ]+")
_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Snowball's English stem, without the apostrophe of a genitive.

    `accountant` is kept apart: the stemmer makes it `account`, the commonest word of a help centre.
    """
    word = word.removesuffix("'s").replace("'", "")
    return "accountant" if word.startswith("accountant") else _stemmer.stemWord(word)


FUNCTION_STEMS = frozenset(stem(word) for word in _FUNCTION.split())
LIGHT_STEMS = frozenset(stem(word) for word in _LIGHT.split()) - FUNCTION_STEMS


def query_weight(term: str) -> float:
    """How much a stem counts in a question."""
    if term in FUNCTION_STEMS:
        return FUNCTION_WEIGHT
    return LIGHT_WEIGHT if term in LIGHT_STEMS else 1.0


def spoken_words(text: str, known: Container[str] = (), *, question: bool = False) -> list[str]:
    """The words of a text in order. `known`: words that joined letters may form.

    A question also loses its lead-in ("can you tell me") and its stutter.
    """
    text = _NOT_A_WORD.sub(" ", text.lower().replace("\u2019", "'"))
    if question:
        text = LEAD_INS.sub(" ", " ".join(text.split()))
    words = [word for raw in text.split() if (word := raw.strip("'")) and word not in FILLERS]
    if question:
        words = _without_stutter(words)
    return [_DIGITS.get(word, word) for word in _join_letters(words, known)]


def character_grams(words: Iterable[str], shortest: int = 3, longest: int = 5) -> Iterator[str]:
    """All character n-grams inside each word, its ends marked by spaces."""
    for word in words:
        padded = f" {word} "
        for size in range(shortest, longest + 1):
            for at in range(len(padded) - size + 1):
                yield padded[at : at + size]


def sentences(paragraph: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?;:])\s+", paragraph) if part.strip()]


def _without_stutter(words: list[str]) -> list[str]:
    """Drop an immediate repetition of one to three words ("is that is that")."""
    kept: list[str] = []
    for word in words:
        kept.append(word)
        for size in (1, 2, 3):
            if len(kept) >= 2 * size and kept[-size:] == kept[-2 * size : -size]:
                del kept[-size:]
                break
    return kept


def _join_letters(words: list[str], known: Container[str]) -> list[str]:
    """`p d f` -> `pdf`. A leading "a" or "i" is taken for the word that it also is, unless the whole is known."""
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha():
            run.append(word)
            continue
        joined += _spell(run, known) if len(run) > 1 else run
        run = []
        if word:
            joined.append(word)
    return joined


def _spell(letters: list[str], known: Container[str]) -> list[str]:
    for start in range(len(letters) - 1):
        if "".join(letters[start:]) in known:
            return [*letters[:start], "".join(letters[start:])]
    start = 1 if letters[0] in "ai" and len(letters) > 2 else 0
    return [*letters[:start], "".join(letters[start:])]
