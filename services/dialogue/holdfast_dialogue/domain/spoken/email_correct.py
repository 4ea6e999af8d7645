# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Corrections of an address that was read back: a part said again, spelled, or described ("with two l's").

Everything is tried on the parts of the old address; the part that the new one resembles most is replaced
(rapidfuzz). What resembles nothing changes nothing, and the answer is `unclear`.
"""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from holdfast_dialogue.domain.spoken import email_parse as ep
from holdfast_dialogue.domain.spoken.email_parse import MARKS, Address, validated
from holdfast_dialogue.domain.spoken.letters import is_number_word

_RESEMBLES = 58
"""Least likeness (0 to 100) of a said part to the one it replaces."""
_RESEMBLES_AS_WORD = 66
"""The same for a word that is not spelled: anything may be said, but few things are spelled."""
_COUNTS = {
    "one": 1,
    "a single": 1,
    "a double": 2,
    "single": 1,
    "just one": 1,
    "only one": 1,
    "1": 1,
    "two": 2,
    "double": 2,
    "2": 2,
    "three": 3,
    "3": 3,
    "triple": 3,
    "no": 0,
}
_PLURAL = {
    "ens": "n", "ns": "n", "n's": "n", "els": "l", "ells": "l", "ls": "l", "l's": "l", "elles": "l", "ems": "m", "ms": "m", "m's": "m", "esses": "s", "ss": "s", "s's": "s", "tees": "t", "ts": "t", "t's": "t", "teas": "t",
    "ees": "e", "es": "e", "e's": "e", "ease": "e", "ohs": "o", "os": "o", "o's": "o", "ars": "r", "rs": "r", "r's": "r", "pees": "p", "ps": "p", "p's": "p", "peas": "p", "dees": "d", "ds": "d", "d's": "d", "gees": "g", "g's": "g", "gs": "g", "effs": "f", "fs": "f", "f's": "f", "cees": "c", "c's": "c", "cs": "c", "seas": "c", "bees": "b", "b's": "b", "bs": "b", "a's": "a", "as": "a", "i's": "i", "eyes": "i", "k's": "k", "ks": "k", "zees": "z", "z's": "z", "zeds": "z", "u's": "u", "y's": "y", "h's": "h",
    "en": "n", "el": "l", "ell": "l", "em": "m", "ess": "s", "tee": "t", "ar": "r", "pee": "p", "dee": "d", "eff": "f", "gee": "g", "bee": "b", "zee": "z", "zed": "z",
}  # fmt: skip
_LETTER = rf"(?:[a-z]|{'|'.join(sorted(map(re.escape, _PLURAL), key=len, reverse=True))})"
_COUNTED = re.compile(
    rf"(?:\b(?P<name>[a-z]+)\s+)?\b(?:with|has|have|is with|takes|with only|with just|it's|it's only|it's just|there's|there's only|there are|only|just)\s+(?P<count>a single|a double|just one|only one|one|two|three|double|triple|single|no|1|2|3)\s+(?P<letter>{_LETTER})(?![\w'])(?P<more>(?:\s+and\s+(?:one|two|three|double|single|1|2|3)\s+{_LETTER}(?![\w']))*)"
)
_MORE = re.compile(rf"and\s+(?P<count>one|two|three|double|single|1|2|3)\s+(?P<letter>{_LETTER})(?![\w'])")
_LEAD = re.compile(
    r"^(?:(?:no|nope|nah|not quite|almost|nearly|close|wrong|sorry|actually|um|uh|well|it's|it is|that's|that is|its|should be|it should be|i said|i meant|wrong|incorrect|the|my|but|and|so|yes|yeah|wait|oh|"
    r"name is|name's|last name is|surname is|first name is|part is|spelled|is spelled|spelling is|right|not right|one thing|only|please|make it|make that|change it to|change that to|correct is|email is|address is|correction)\s+)+"
)
_DOMAIN_IS = re.compile(
    r"\b(?:the )?(?:domain|company|part after the at|after the at|second part|last part|it's at|is at|provider)(?: name| part)?(?:'s| is| should be|'s called)?\b|^at\b|\bat(?= \w+ not\b)"
)
_LOCAL_IS = re.compile(
    r"\b(?:the )?(?:first part|part before the at|before the at|user ?name|beginning|name part|local part)(?:'s| is| should be)?\b"
)


def parse(text: str) -> Address:
    """The address in `text`, with what was said behind it ("... dot com i a n", "... with two l's") applied."""
    found, rest = ep.read(text)
    return refine(found, rest) if found.address and rest else found


def correct(old: str, text: str) -> Address:
    """`old` changed by what was said; problem `unclear` and address None where that could not be used."""
    whole = parse(text)
    if whole.address and not _has_not(text) and whole.local not in _NO_LOCAL:
        return whole
    said = re.sub(r"\s+", " ", text.lower().replace("\u2019", "'").strip(" .!?,"))
    said = _EXPLAINED.sub(_explained, said)
    found = _apply(old, said)
    if found is None or found == old:
        local, _, domain = old.rpartition("@")
        return Address(None, "unclear", local, domain) if found is None else validated(old)
    return validated(found)


_NO_LOCAL = {"its", "it", "no", "is", "thats", "that", "not", "the", "but", "and", "domain"}
"""In "no it's at north wind dot example" these stand before the "at" and are no local part."""
_EXPLAINED = re.compile(r"\b(?P<word>[a-z]{3,}) (?P<letter>[a-z]) (?:as in|for|like) (?P<code>[a-z]+)$")


def _explained(match: re.Match[str]) -> str:
    """'mina m as in mary', "nina m as in mary": the letter tells how the word begins."""
    word, initial = match["word"], match["code"][0]
    if word in ("with", "and", "then", "no", "it's", "that's", "spelled", "double"):
        return match[0]
    return word if word[0] == initial else initial + word[1:]


def refine(found: Address, rest: list[str]) -> Address:
    """Apply what was said behind a whole address ("... dot com i a n"); useless words change nothing."""
    assert found.address is not None
    words = " ".join({".": "dot", "_": "underscore", "-": "dash", "+": "plus", "@": "at"}.get(t, t) for t in rest)
    changed = _counted(found.address, words) if _COUNTED.search(words) else _spelled(found.address, ep.tokenise(words))
    return validated(changed, doubtful=found.doubtful) if changed else found


def _has_not(text: str) -> bool:
    return bool(re.search(r"\bnot \w+", text.lower()))


def _apply(old: str, said: str) -> str | None:
    current, used = old, False
    if _COUNTED.search(said):
        changed = _counted(current, said)
        if changed:
            current, used = changed, True
        said = re.sub(r"\b(?:and|it's|its)\s*$", "", _COUNTED.sub(" ", said)).strip()
    letters = _LETTER_SWAP.search(_LEAD.sub("", said + " ").strip())
    changed = _letter_swap(current, letters["old"], letters["code"] or letters["new"]) if letters else None
    if changed:
        return changed
    changed = _digits_changed(current, _LEAD.sub("", said + " ").strip())
    if changed:
        return changed
    said, changed = _swaps(current, said)
    if changed:
        current, used = changed, True
    said = _LEAD.sub("", said + " ").strip()
    if not said:
        return current if used else None
    for step in (_digits_changed, _with_a_letter, _marks_changed, _domain_changed, _local_changed):
        changed = step(current, said)
        if changed:
            return changed
    tokens = ep.tokenise(said)
    changed = _spelled(current, tokens) or _part_said(current, tokens)
    if changed:
        return changed
    return current if used else None


def _parts(address: str) -> list[str]:
    """The words of an address that may be replaced: not the last label of the domain."""
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")[:-1]
    return [p for p in re.split(r"[._+-]|(?<=\D)(?=\d)", local) if p] + [
        p for label in labels for p in label.split("-") if p
    ]


def _closest(address: str, word: str, *, least: float = _RESEMBLES) -> str | None:
    """The part of the address that `word` resembles most."""
    best, score = None, least
    for part in _parts(address):
        likeness = fuzz.ratio(part, word)
        if part and word and part[0] == word[0]:
            likeness += 5
        if likeness >= score:
            best, score = part, likeness
    return best


def _put(address: str, old: str, new: str) -> str:
    """Replace one part, in the local part if it is there."""
    local, _, domain = address.rpartition("@")
    pattern = re.compile(rf"(?<![a-z0-9]){re.escape(old)}(?![a-z])|(?<=\d){re.escape(old)}(?![a-z])")
    if pattern.search(local):
        return f"{pattern.sub(new, local, count=1)}@{domain}"
    return f"{local}@{pattern.sub(new, domain, count=1)}"


def _counted(address: str, said: str) -> str | None:
    """'miller with two l's', 'pinnell has two ens and two els', 'with one n'."""
    changed: str | None = None
    for match in _COUNTED.finditer(said):
        counts = [(match["count"], match["letter"])] + [
            (m["count"], m["letter"]) for m in _MORE.finditer(match["more"] or "")
        ]
        name = (
            match["name"]
            if match["name"] not in ("it", "it's", "that's", "its", "no", "and", "but", "spelled", "is")
            else None
        )
        current = changed or address
        wanted = [(_PLURAL.get(letter, letter), _COUNTS[count]) for count, letter in counts]
        part = _closest(current, name, least=50) if name else _with_letter(current, *wanted[0])
        if part is None:
            continue
        new = name if name else part
        for letter, count in wanted:
            new = _set_run(new, letter, count)
        changed = _put(current, part, new)
    return changed


def _with_letter(address: str, letter: str, count: int) -> str | None:
    """The part that is meant by "with two l's": the longest that has the letter; for "one", where it stands twice."""
    having = [part for part in _parts(address) if letter in part and (count != 1 or letter * 2 in part)]
    return max(having, key=len) if having else None


def _set_run(word: str, letter: str, count: int) -> str:
    """Make the run of `letter` `count` long: the doubled one if there is one, else the first inside the word."""
    if word.count(letter) == count and count != 1 and letter * count not in word:
        return word  # "pinel has two ..." where the two stand apart
    doubled = re.search(rf"{letter}{{2,}}", word)
    spot = doubled or (re.search(rf"(?<=\w){letter}", word) if count > 1 else re.search(letter, word))
    if spot is None:
        return word
    if spot[0] == letter and count > 1:
        inner = [m for m in re.finditer(letter, word) if m.start() > 0]
        # before a vowel or at the end a letter is doubled ("miler", "pinel"), rarely before a consonant
        good = [m for m in inner if m.end() == len(word) or word[m.end()] in "aeiouy"]
        spot = (good or inner or [spot])[0]
    return word[: spot.start()] + letter * count + word[spot.end() :]


_WORD_PAIR = re.compile(r"\b(?P<new>[a-z0-9']+) (?:and )?not (?:with )?(?P<old>[a-z0-9']+)(?: (?P<next>[a-z0-9']+))?")
_NOT_BUT = re.compile(r"\bnot (?P<old>[a-z0-9]+) (?:but|it's|its|it is)? ?(?P<new>[a-z0-9]+)$")


def _swaps(address: str, said: str) -> tuple[str, str | None]:
    """'dot com not dot net', 'miller not mueller', 'not mueller miller', 'a dash not an underscore'."""
    tld = re.search(r"\bdot (?P<new>[a-z]+(?: [a-z])?) not dot (?P<old>[a-z]+(?: [a-z])?)\b", said) or re.search(
        r"\bnot dot (?P<old>[a-z]+) (?:but |it's )?(?:dot )?(?P<new>[a-z]+)\b", said
    )
    if tld:
        new, old = tld["new"].replace(" ", ""), tld["old"].replace(" ", "")
        local, _, domain = address.rpartition("@")
        if domain.endswith("." + old):
            return said[: tld.start()] + said[tld.end() :], f"{local}@{domain.removesuffix(old)}{new}"
        return said[: tld.start()] + said[tld.end() :], f"{local}@{domain.rsplit('.', 1)[0]}.{new}"
    marks = re.search(
        r"\b(?:an? )?(?P<new>dash|hyphen|underscore|dot|plus|minus) (?:and )?not (?:an? )?(?P<old>dash|hyphen|underscore|dot|plus|minus)\b",
        said,
    ) or re.search(
        r"\bnot (?:an? )?(?P<old>dash|hyphen|underscore|dot|plus|minus) (?:but |it's )?(?:an? )?(?P<new>dash|hyphen|underscore|dot|plus|minus)\b",
        said,
    )
    if marks:
        local, _, domain = address.rpartition("@")
        return said[: marks.start()] + said[
            marks.end() :
        ], f"{local.replace(_MARKS[marks['old']], _MARKS[marks['new']])}@{domain}"
    for pattern in (_WORD_PAIR, _NOT_BUT):
        pair = pattern.search(_LEAD.sub("", said))
        if not pair:
            continue
        old, new = pair["old"], pair["new"]
        if pattern is _WORD_PAIR and new in ("no", "that's", "it's", "is", "sorry", "but"):
            continue
        if len(old) == 1:
            continue
        part = _closest(address, old, least=70) or _closest(address, new)
        if part:
            return "", _put(address, part, new)
    return said, None


_LETTER_SWAP = re.compile(
    r"^(?:with )?(?:an? )?(?P<new>[a-z])(?: (?:as in|for|like) (?P<code>[a-z])[a-z]*)? (?:and )?not (?:with )?(?:an? )?(?P<old>[a-z])(?: (?:as in|for|like) [a-z]+)?$"
)


def _letter_swap(address: str, old: str, new: str) -> str | None:
    """'m not n', 'd as in david not f': at the beginning of a part, or where there is only one such letter."""
    for part in _parts(address):
        if part[0] == old:
            return _put(address, part, new + part[1:])
    local, _, domain = address.rpartition("@")
    return f"{local.replace(old, new)}@{domain}" if local.count(old) == 1 else None


def _digits_changed(address: str, said: str) -> str | None:
    """'eighty nine', 'eighty nine not eighty eight': the digits of the local part."""
    new = said.partition(" not ")[0].split()
    if not new or not all(is_number_word(word) or word in ("oh", "double", "triple", "and") for word in new):
        return None
    local, _, domain = address.rpartition("@")
    runs = re.findall(r"\d+", local)
    return f"{local.replace(runs[0], ep.join_words(new))}@{domain}" if len(runs) == 1 else None


_SOUNDALIKES = {
    "k": "c",
    "c": "k",
    "z": "s",
    "s": "z",
    "y": "i",
    "i": "y",
    "j": "g",
    "g": "j",
    "e": "a",
    "a": "e",
    "o": "u",
    "u": "o",
}


def _with_a_letter(address: str, said: str) -> str | None:
    """'john with an h', 'katherine with a c', 'without the h'."""
    match = re.fullmatch(
        rf"(?:it's )?(?P<name>[a-z]+) (?P<way>with|without)(?: (?:an?|the))? (?P<letter>{_LETTER})(?: (?:at the (?P<end>end|beginning|start)))?",
        said,
    )
    if not match:
        return None
    name, letter = match["name"], _PLURAL.get(match["letter"], match["letter"])
    part = _closest(address, name, least=50)
    if part is None:
        return None
    if match["way"] == "without":
        return _put(address, part, name.replace(letter, ""))
    if letter not in name and _SOUNDALIKES.get(letter, "-") in name:
        name = name.replace(_SOUNDALIKES[letter], letter, 1)
    return _put(address, part, name)


_MARKS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+"}


def _marks_changed(address: str, said: str) -> str | None:
    local, _, domain = address.rpartition("@")
    gone = re.fullmatch(
        r"(?:there's |there is |with |it has )?(?:no|without|without the|without a|without an|drop the|remove the|take out the|leave out the|skip the) (dot|underscore|dash|hyphen|plus)(?: in it| in there| in between| at all| it's all one word| all one word)?",
        said,
    )
    if gone:
        mark = _MARKS[gone[1]]
        return f"{local.replace(mark, '')}@{domain}" if mark in local else None
    only = re.fullmatch(
        r"(?:with )?(?:an? |the )?(dot|underscore|dash|hyphen|plus)(?: in between| in it| there)?", said
    )
    there = set(re.findall(r"[._+-]", local))
    if only and len(there) == 1:
        return f"{local.replace(there.pop(), _MARKS[only[1]])}@{domain}"
    if re.fullmatch(r"(?:it's )?(?:all )?(?:as )?one word(?: no (?:dot|spaces?))?", said):
        joined = re.sub(r"[._-]", "", local)
        return f"{joined}@{domain}" if joined != local else None
    put = re.fullmatch(
        r"(?:there's |there is |with |put |add |it has |you need |you missed )?(?:a|an|the) (dot|underscore|dash|hyphen) (?:between|after) (?:the )?(\w+)(?: and (?:the )?(\w+))?",
        said,
    )
    if put:
        mark = _MARKS[put[1]]
        first = put[2]
        at = local.find(first)
        if at >= 0 and at + len(first) < len(local):
            end = at + len(first)
            after = local[end:].lstrip("._-")
            return f"{local[:end]}{mark}{after}@{domain}"
    return None


def _domain_changed(address: str, said: str) -> str | None:
    """'the domain is north wind dot example', 'it's at gmail', 'it ends in dot net', 'dot com'."""
    local, _, domain = address.rpartition("@")
    ending = re.fullmatch(
        r"(?:it )?(?:ends? (?:in|with) |the ending is )?(dot [a-z ]+?)(?: at the end)?(?: please)?", said
    )
    if ending:
        labels = ep.join(ep.tokenise(ending[1])).strip(".")
        if all(label in ep.TLDS for label in labels.split(".")):
            host = (
                domain.split(".")[0]
                if len(domain.split(".")) < 3 or domain.count(".") == labels.count(".") + 1
                else domain.rsplit(".", 1)[0]
            )
            return f"{local}@{host}.{labels}"
    match = _DOMAIN_IS.search(said)
    if not match:
        return None
    tokens = ep.tokenise(said[match.end() :])
    while tokens and tokens[0] in ("@", "is", "it's", "that's"):
        tokens.pop(0)
    if not tokens:
        return None
    domain_tokens, _rest = ep._right(tokens)
    new = ep.join(domain_tokens)
    if "." in new:
        return f"{local}@{new}"
    if new in ep._PROVIDERS:
        return f"{local}@{ep._PROVIDERS[new]}"
    return f"{local}@{new}.{domain.rsplit('.', 1)[-1]}" if new else None


def _local_changed(address: str, said: str) -> str | None:
    match = _LOCAL_IS.search(said)
    if not match:
        return None
    new = ep.join([t for t in ep.tokenise(said[match.end() :]) if t != "@"])
    return f"{new}@{address.rpartition('@')[2]}" if new else None


def _spelled(address: str, tokens: list[str]) -> str | None:
    """A run of letters, possibly with marks: replaces the part, or the whole local part, that it resembles."""
    if (not tokens or "@" in tokens or not ep._looks_spelled(tokens)) and not any(t in MARKS for t in tokens):
        return None
    return _part_said(address, tokens)


def _part_said(address: str, tokens: list[str]) -> str | None:
    """What was said stands for the local part, the domain, or one part of either, whichever is most like it."""
    tokens = [t for t in tokens if t != "@"]
    new = ep.join(tokens).strip(".-_+")
    if len(new) < 2:
        return None
    local, _, domain = address.rpartition("@")
    host = domain.rsplit(".", 1)[0]
    options = [
        (fuzz.ratio(new, local), f"{new}@{domain}"),
        (fuzz.ratio(new, domain), f"{local}@{new}" if "." in new else ""),
        (fuzz.ratio(new, host), f"{local}@{new}.{domain.rsplit('.', 1)[1]}" if "." not in new or "." in host else ""),
    ]
    if not re.search(r"[._+-]", new):
        options += [(fuzz.ratio(new, part) + 1, _put(address, part, new)) for part in _parts(address)]
    usable = [(score, changed) for score, changed in options if changed]
    score, changed = max(usable)
    return changed if score >= (_RESEMBLES if ep._looks_spelled(tokens) else _RESEMBLES_AS_WORD) else None
