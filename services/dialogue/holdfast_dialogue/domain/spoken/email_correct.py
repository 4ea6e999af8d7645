# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Corrections of an address that was read back: a new one, a part of it said again or spelled, or a description.

A new whole address replaces the old. Descriptions ("with two l's") are tried next (email_hints). What is left is
taken for a part of the address said again: it replaces the part it resembles most. What resembles nothing changes
nothing, and the answer is `unclear`.
"""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from holdfast_dialogue.domain.spoken import email_hints as hints
from holdfast_dialogue.domain.spoken import email_parse as ep
from holdfast_dialogue.domain.spoken.email_parse import MARKS, Address, validated
from holdfast_dialogue.domain.spoken.email_parts import RESEMBLES, RESEMBLES_AS_WORD, parts, put
from holdfast_dialogue.domain.spoken.letters import pieces, without_plain_words

_LEAD_WORDS = (
    r"no|nope|nah|not quite|almost|nearly|close|wrong|sorry|actually|um|uh|well|it's|it is|that's|that is|its|should be|it should be|i said|i meant|incorrect|the|my|but|and|so|yes|yeah|wait|oh|use|just|"
    r"name is|name's|last name is|surname is|first name is|part is|spelled|is spelled|spelling is|right|not right|one thing|only|please|make it|make that|change it to|change that to|correct is|email is|address is|correction"
)
_LEAD = re.compile(rf"^(?:(?:{_LEAD_WORDS})\s+)+")
_LONE_COUNT = re.compile(r"^(?=(?:an? |only |just )*(?:double|single|one|two|three|triple) \S+$)")
_NO_LOCAL = frozenset("its it no is thats that not the but and domain".split())  # noqa: SIM905
"""In "no it's at north wind dot example" these stand before the "at" and are no local part."""
_EXPLAINED = re.compile(r"\b(?P<word>[a-z]{3,}) [a-z] (?:as in|for|like) (?P<initial>[a-z])[a-z]*$")
LEAST_SPELLED = 3
"""So few letters in code words are no part of an address."""
_NO_WORD = frozenset("with and then no it's that's spelled double not".split())  # noqa: SIM905


def parse(text: str) -> Address:
    """The address in `text`, with what was said behind it ("... dot com i a n", "... with two l's") applied."""
    found, rest = ep.read(text)
    if found.address is None or not rest:
        return found
    words = " ".join({".": "dot", "_": "underscore", "-": "dash", "+": "plus", "@": "at"}.get(t, t) for t in rest)
    changed = hints.counted(found.address, words) or _spelled_again(found.address, rest)
    return validated(changed, doubtful=found.doubtful) if changed else found


def correct(old: str, text: str) -> Address:
    """`old` changed by what was said; problem `unclear` and address None where that could not be used."""
    whole = parse(text)
    if whole.address and whole.local not in _NO_LOCAL and not re.search(r"\bnot \w+", text.lower()):
        return whole
    said = re.sub(r"\s+", " ", text.lower().replace("\u2019", "'").strip(" .!?,"))
    said = _EXPLAINED.sub(_explained, said)
    said = re.sub(r"\b(?:instead of|rather than)(?: the| an?)?\b", "not", said)
    changed = _apply(old, said)
    if changed:
        return validated(changed)
    local, _, domain = old.rpartition("@")
    return Address(None, "unclear", local, domain)


def respelled(old: str, text: str) -> Address:
    """`old` with what was spelled in the place of the part that it is most like; before an "at" that is the local part.

    The answer to "please spell what is wrong". Words that are no spelling are read as any correction.
    """
    tokens = ep.tokenise(_bare(text.lower().replace("x-ray", "xray")))
    is_local = "@" in tokens
    if is_local and (said := parse(text)).address and said.local not in _NO_LOCAL:
        return said
    new = _letters(tokens[: tokens.index("@")] if is_local else tokens)
    if len(new) < LEAST_SPELLED:
        return correct(old, text)
    domain = old.rpartition("@")[2]
    whole = f"{new}@{domain}"
    if is_local or re.search(r"[._+-]", new):
        return validated(whole)
    likest = max(parts(old), key=lambda part: fuzz.ratio(new, part), default="")
    return validated(put(old, likest, new) if likest else whole)


def _letters(tokens: list[str]) -> str:
    """What is spelled among the tokens, with the marks between; words said before their letters are left out."""
    stretches, marks = [list[str]()], list[str]()
    for token in tokens:
        if token in MARKS:
            marks.append(token)
            stretches.append([])
        else:
            stretches[-1].append(token)
    spelled = [
        "".join(p.text for p in pieces(without_plain_words(words)) if p.how in ("letter", "digits"))
        for words in stretches
    ]
    told = spelled[0] + "".join(mark + letters for mark, letters in zip(marks, spelled[1:], strict=True))
    return told.strip(".-_+'")


def _explained(match: re.Match[str]) -> str:
    """'mina m as in mary', "nina m as in mary": the letter tells how the word begins."""
    word = match["word"]
    return match[0] if word in _NO_WORD else match["initial"] + word[1:]


def _apply(old: str, said: str) -> str | None:
    """The changed address; None where nothing that was said could be used."""
    rest = _LONE_COUNT.sub("with ", _bare(said))
    current = hints.counted(old, rest)
    if current:
        rest = re.sub(r"\b(?:and|it's|its)\s*$", "", _bare(hints.COUNTED.sub(" ", rest))).strip()
    steps = (
        hints.letter_swapped,
        hints.initial_changed,
        hints.digits_changed,
        hints.marks_changed,
        hints.with_a_letter,
        hints.word_swapped,
        hints.domain_changed,
        hints.local_changed,
    )
    for step in steps if rest else ():
        changed = step(current or old, rest)
        if changed:
            return changed
    # "phillip with a p h": how it is written follows the name
    said_again = _said_again(current or old, ep.tokenise(rest.partition(" with ")[0])) if rest else None
    return said_again or current


def _bare(said: str) -> str:
    return _LEAD.sub("", said.strip() + " ").strip()


def _spelled_again(address: str, tokens: list[str]) -> str | None:
    """Behind a whole address only letters count, or words with a mark between them."""
    useful = "@" not in tokens and (ep.looks_spelled(tokens) or any(token in MARKS for token in tokens))
    return _said_again(address, tokens) if useful else None


def _said_again(address: str, tokens: list[str]) -> str | None:
    """What was said stands for the local part, the domain, or one part of either, whichever is most like it."""
    new = ep.join([token for token in tokens if token != "@"]).strip(".-_+")
    if len(new) < 2:
        return None
    local, _, domain = address.rpartition("@")
    host, _, ending = domain.rpartition(".")
    options = [(fuzz.ratio(new, local), f"{new}@{domain}")]
    if "." in new:
        options.append((fuzz.ratio(new, domain), f"{local}@{new}"))
    if "." not in new or "." in host:
        options.append((fuzz.ratio(new, host), f"{local}@{new}.{ending}"))
    if not re.search(r"[._+-]", new):
        options += [(fuzz.ratio(new, part) + 1, put(address, part, new)) for part in parts(address)]
    score, changed = max(options)
    least = RESEMBLES if ep.looks_spelled(tokens) else RESEMBLES_AS_WORD
    # several plain words are rather a sentence than a name
    if least == RESEMBLES_AS_WORD and len(tokens) > 1 and not any(token in MARKS for token in tokens):
        least = 75
    return changed if score >= least else None
