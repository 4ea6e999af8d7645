"""Text as callers say it: lower case, numbers as words, no punctuation.

The one normal form that the language model, the dictionary's lint and the measurements share.
"""

from __future__ import annotations

import re

from num2words import num2words

_SPOKEN = {"&": " and ", "%": " percent ", "+": " plus ", "e-mail": "email", "e-sign": "e sign"}
_ORDINAL = re.compile(r"\b(\d{1,4})(st|nd|rd|th)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_NUMBER = re.compile(r"\d+")
_OTHER = re.compile(r"[^a-z' ]+")


def normalise(text: str) -> str:
    """The words of `text` in the normal form, separated by single blanks.

    "Does it work with 2FA?" -> "does it work with two fa"
    """
    text = text.lower().replace("\u2019", "'")
    for sign, spoken in _SPOKEN.items():
        text = text.replace(sign, spoken)
    text = _ORDINAL.sub(lambda m: f" {num2words(int(m[1]), to='ordinal')} ", text)
    text = _THOUSANDS.sub("", text)
    text = _NUMBER.sub(lambda m: f" {num2words(int(m[0]))} ", text)
    words = (word.strip("'") for word in _OTHER.sub(" ", text).split())
    # "twenty-one" is two words to a recogniser; num2words' commas and "and" go the same way.
    return " ".join(word for word in words if word)


def words_of(text: str) -> list[str]:
    return normalise(text).split()
