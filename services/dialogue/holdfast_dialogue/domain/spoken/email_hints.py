# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Corrections that describe an address instead of saying it: "with two l's", "john with an h", "m not n", "no dot".

Each function takes the old address and what was said, and gives the new address, or None where it has no say.
"""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken import email_parse as ep
from holdfast_dialogue.domain.spoken.common_words import EVERYDAY
from holdfast_dialogue.domain.spoken.email_parts import closest, parts, put
from holdfast_dialogue.domain.spoken.letters import is_number_word

_COUNTS = {"one": 1, "single": 1, "1": 1, "two": 2, "double": 2, "2": 2, "three": 3, "triple": 3, "3": 3, "no": 0}
_LETTERS = {
    "a": "as a's", "b": "bs b's bee bees", "c": "cs c's cee cees seas", "d": "ds d's dee dees", "e": "es e's ees ease", "f": "fs f's eff effs", "g": "gs g's gee gees",
    "h": "h's aitches", "i": "i's eyes", "k": "ks k's kays", "l": "ls l's el els ell ells elles", "m": "ms m's em ems", "n": "ns n's en ens", "o": "os o's ohs", "p": "ps p's pee pees peas",
    "r": "rs r's ar ars", "s": "ss s's ess esses", "t": "ts t's tee tees teas", "u": "u's", "x": "x's", "y": "y's", "z": "z's zee zees zed zeds",
}  # fmt: skip
"""How recognisers write the names of letters, one and several."""
_LETTER_OF = {name: letter for letter, names in _LETTERS.items() for name in names.split()}
_LETTER = rf"(?:{'|'.join(sorted(map(re.escape, _LETTER_OF), key=len, reverse=True))}|[a-z])"
_COUNT = rf"(?:(?:an? |just |only )*(?P<count>{'|'.join(_COUNTS)}))"
_NOT_NAMES = frozenset("it it's that's its no and but spelled is only just with".split())  # noqa: SIM905

COUNTED = re.compile(
    rf"(?:\b(?P<name>[a-z]+)\s+)?\b(?:is with|with|has|have|takes|it's|there's|there are|needs|only|just)\s+{_COUNT}\s+(?P<letter>{_LETTER})(?![\w'])"
    rf"(?P<more>(?:\s+and\s+(?:one|two|three|double|single|1|2|3)\s+{_LETTER}(?![\w']))*)"
)
_MORE = re.compile(rf"and\s+(?P<count>one|two|three|double|single|1|2|3)\s+(?P<letter>{_LETTER})(?![\w'])")


def counted(address: str, said: str) -> str | None:
    """'miller with two l's', 'pinnell has two ens and two els', 'only one n'."""
    changed: str | None = None
    for match in COUNTED.finditer(said):
        told = [(match["count"], match["letter"])] + [(m["count"], m["letter"]) for m in _MORE.finditer(match["more"])]
        wanted = [(_letter(letter), _COUNTS[count]) for count, letter in told]
        name = None if match["name"] in _NOT_NAMES else match["name"]
        current = changed or address
        part = closest(current, name, least=50) if name else _with_letter(current, *wanted[0])
        if part is None:
            continue
        new = name or part
        for letter, count in wanted:
            new = _set_run(new, letter, count)
        changed = put(current, part, new)
    return changed


def _letter(name: str) -> str:
    return _LETTER_OF.get(name, name)


def _with_letter(address: str, letter: str, count: int) -> str | None:
    """The part that is meant by "with two l's": the longest that has the letter; for "one", where it stands twice."""
    having = [part for part in parts(address) if letter in part and (count != 1 or letter * 2 in part)]
    return max(having, key=len) if having else None


def _set_run(word: str, letter: str, count: int) -> str:
    """Make the run of `letter` `count` long: the doubled one if there is one, else the likeliest single one."""
    if count != 1 and word.count(letter) == count and letter * count not in word:
        return word  # "anna has two a's": they stand apart, as they should
    doubled = re.search(rf"{letter}{{2,}}", word)
    if doubled:
        return word[: doubled.start()] + letter * count + word[doubled.end() :]
    inner = [match for match in re.finditer(letter, word) if match.start() > 0] if count > 1 else []
    # a letter is doubled before a vowel or at the end ("miler", "pinel"), rarely before a consonant
    likely = [match for match in inner if match.end() == len(word) or word[match.end()] in "aeiouy"]
    spot = next(iter(likely or inner), None) or re.search(letter, word)
    return word[: spot.start()] + letter * count + word[spot.end() :] if spot else word


_SOUNDALIKES = {"k": "c", "c": "k", "z": "s", "s": "z", "y": "i", "i": "y", "j": "g", "g": "j", "e": "ai", "a": "e", "o": "u", "u": "o"}  # fmt: skip
_WITH_A = re.compile(
    rf"(?:it's )?(?:(?P<name>[a-z]{{2,}}) )?(?P<way>with|without|has|starts with|begins with|ends with|ends in)(?: (?:an?|the))? (?P<letter>{_LETTER})(?: at the (?:end|beginning|start)| in it)?(?: (?P<name2>[a-z]{(3,)}))?"
)


def with_a_letter(address: str, said: str) -> str | None:
    """'john with an h', 'katherine with a c', 'without the h'."""
    match = _WITH_A.fullmatch(said)
    if not match:
        return None
    letter, instead = _letter(match["letter"]), _SOUNDALIKES.get(_letter(match["letter"]), "")
    told = match["name"] or match["name2"]
    if told:
        name, part = told, closest(address, told, least=50)
    else:
        part = name = next(
            (p for p in parts(address) if set(instead if match["way"] != "without" else letter) & set(p)), ""
        )
    if not part:
        return None
    if match["way"] == "without":
        return put(address, part, name.replace(letter, ""))
    if letter not in name:
        name = re.sub(f"[{instead}]", letter, name, count=1) if instead else name
    return put(address, part, name)


_LETTER_SWAP = re.compile(
    r"(?:with )?(?:an? )?(?P<new>[a-z])(?: (?:as in|for|like) (?P<code>[a-z])[a-z]*)? (?:and )?not (?:with )?(?:an? )?(?P<old>[a-z])(?: (?:as in|for|like) [a-z]+)?"
)


def letter_swapped(address: str, said: str) -> str | None:
    """'m not n', 'd as in david not f': at the beginning of a part, or where there is only one such letter."""
    match = _LETTER_SWAP.fullmatch(said)
    if not match:
        return None
    old, new = match["old"], match["code"] or match["new"]
    for part in parts(address):
        if part[0] == old:
            return put(address, part, new + part[1:])
    local, _, domain = address.rpartition("@")
    return f"{local.replace(old, new)}@{domain}" if local.count(old) == 1 else None


_INITIAL = re.compile(
    r"(?:(?P<starts>(?:it )?(?:starts|begins) with )(?:an? )?(?P<letter>[a-z])|(?P<said>[a-z]))(?: (?:as in|for|like) (?P<code>[a-z])[a-z]*)?"
)
_SOUND_SETS = ("bpdtvegcz", "mn", "fsx", "ajk", "iy", "uq", "lr")
"""Letters that are taken for one another on the phone."""


def initial_changed(address: str, said: str) -> str | None:
    """'it starts with a b', "b as in bravo": the first letter of the local part, or the letter that stands alone."""
    match = _INITIAL.fullmatch(said)
    if not match or not (match["starts"] or match["code"]):
        return None
    new = match["code"] or match["letter"] or match["said"]
    local, _, domain = address.rpartition("@")
    alone = next((part for part in parts(address) if len(part) == 1 and part.isalpha()), "")
    if alone and not match["starts"]:
        return put(address, alone, new)
    if match["starts"] or any({local[0], new} <= set(group) for group in _SOUND_SETS):
        return f"{new}{local[1:]}@{domain}"
    return None


def digits_changed(address: str, said: str) -> str | None:
    """'eighty nine', 'eighty nine not eighty eight', 'without the number': the digits of the local part."""
    local, _, domain = address.rpartition("@")
    runs = re.findall(r"\d+", local)
    if len(runs) != 1:
        return None
    if re.fullmatch(
        r"(?:there's |there are |there is )?(?:(?:no|without(?: the| any)?) )?(?:numbers?|digits?)(?: (?:just|only) \w+)?",
        said,
    ):
        return f"{re.sub(r'[._-]?' + runs[0], '', local)}@{domain}"
    gone = re.fullmatch(r"(?:no|without|drop|remove)(?: the)? (?P<digits>[a-z0-9 ]+)", said)
    if (
        gone
        and all(is_number_word(word) for word in gone["digits"].split())
        and ep.join_words(gone["digits"].split()) == runs[0]
    ):
        return f"{re.sub(r'[._-]?' + runs[0], '', local)}@{domain}"
    new = said.partition(" not ")[0].split()
    if new and all(is_number_word(word) or word in ("oh", "double", "triple", "and") for word in new):
        return f"{local.replace(runs[0], ep.join_words(new))}@{domain}"
    return None


_MARKS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+"}
_MARK = rf"(?:an? |the )?(?P<{{0}}>{'|'.join(_MARKS)})"
_MARK_SWAP = re.compile(rf"\b{_MARK.format('new')} (?:and )?not {_MARK.format('old')}\b|\bnot {_MARK.format('old2')} (?:but |it's )?{_MARK.format('new2')}\b")  # fmt: skip
_NO_MARK = re.compile(rf"(?:there's |there is |with |it has )?(?:no|without|drop|remove|take out|leave out|skip) {_MARK.format('mark')}(?: (?:in it|in there|in between|at all|it's all one word|all one word))?")  # fmt: skip
_ONLY_MARK = re.compile(rf"(?:with )?{_MARK.format('mark')}(?: (?:in between|in it|there))?")
_ADD_MARK = re.compile(rf"(?:there's |there is |with |put |add |it has |you need |you missed )?{_MARK.format('mark')} (?:between|after) (?:the )?(?P<first>\w+)(?: and (?:the )?\w+)?")  # fmt: skip
_ONE_WORD = re.compile(r"(?:it's )?(?:all )?(?:as )?one word(?: no (?:dot|spaces?))?")


def marks_changed(address: str, said: str) -> str | None:
    """'no dot', 'it's all one word', 'a dot between dana and miller', 'an underscore not a dash'."""
    local, _, domain = address.rpartition("@")
    swap = _MARK_SWAP.search(said)
    if swap:
        return f"{local.replace(_MARKS[swap['old'] or swap['old2']], _MARKS[swap['new'] or swap['new2']])}@{domain}"
    if gone := _NO_MARK.fullmatch(said):
        return f"{local.replace(_MARKS[gone['mark']], '')}@{domain}" if _MARKS[gone["mark"]] in local else None
    there = set(re.findall(r"[._+-]", local))
    if (only := _ONLY_MARK.fullmatch(said)) and len(there) == 1:
        return f"{local.replace(there.pop(), _MARKS[only['mark']])}@{domain}"
    if _ONE_WORD.fullmatch(said) and there:
        return f"{re.sub(r'[._-]', '', local)}@{domain}"
    if added := _ADD_MARK.fullmatch(said):
        before, word, after = local.partition(added["first"])
        if word and after:
            return f"{before}{word}{_MARKS[added['mark']]}{after.lstrip('._-')}@{domain}"
    return None


_WORD_SWAPS = (
    re.compile(r"\b(?P<new>[a-z0-9']{2,}) (?:and )?not (?:with )?(?P<old>[a-z0-9']{2,})"),
    re.compile(r"\bnot (?P<old>[a-z0-9]{2,}) (?:but |it's |its |it is )?(?P<new>[a-z0-9]{2,})$"),
)
_NO_NEW = frozenset("no that's it's is sorry but dot".split())  # noqa: SIM905


def word_swapped(address: str, said: str) -> str | None:
    """'miller not mueller', 'not mueller miller'."""
    for pattern in _WORD_SWAPS:
        pair = pattern.search(said)
        if pair and pair["new"] not in _NO_NEW and pair["old"] != "dot":
            around = next((p for p in parts(address) if pair["old"] in p and p != pair["old"]), "")
            if around and len(pair["old"]) > 2:
                return put(address, around, around.replace(pair["old"], pair["new"]))
            part = closest(address, pair["old"], least=70) or closest(address, pair["new"], least=75)
            if part:
                return put(address, part, pair["new"])
    return None


_TLD = "|".join(sorted(ep.TLDS))
_ENDING_SWAP = re.compile(
    rf"\b(?P<new3>{_TLD}) (?:at the end )?not (?:dot )?(?:{_TLD})$|"
    r"\bdot (?P<new>[a-z]+(?: [a-z])?) not dot [a-z]+|\bnot dot [a-z]+ (?:but |it's )?(?:dot )?(?P<new2>[a-z]+)\b"
)
_ENDING = re.compile(
    r"(?:(?:.*\b(?:end|ending|ends|extension|last bit)\b.* )|it's |it )?(?P<ending>dot (?:[a-z ]+?))(?: at the end)?(?: please)?"
)
_DOMAIN_IS = re.compile(
    r"^(?:(?:the |my )?(?:domain|company|part after the at|after the at|second part|last part|provider)(?: name| part)?(?:'s| is| should be|'s called| is called)|at)\b"
)


def domain_changed(address: str, said: str) -> str | None:
    """'the domain is north wind dot example', 'it's at gmail', 'it ends in dot net', 'dot com not dot net'."""
    local, _, domain = address.rpartition("@")
    swap = _ENDING_SWAP.search(said)
    if swap:
        return f"{local}@{domain.rsplit('.', 1)[0]}.{(swap['new'] or swap['new2'] or swap['new3']).replace(' ', '')}"
    ending = _ENDING.fullmatch(said)
    labels = ep.join(ep.tokenise(ending["ending"])).strip(".") if ending else ""
    if labels and all(label in ep.TLDS for label in labels.split(".")):
        # "dot co dot u k" replaces "com"; "dot u k" replaces only the last label of "co.uk"
        keep = domain.split(".")[0] if labels.count(".") else domain.rsplit(".", 1)[0]
        return f"{local}@{keep}.{labels}"
    match = _DOMAIN_IS.search(said)
    if not match:
        return None
    tokens = ep.tokenise(said[match.end() :])
    while tokens and tokens[0] in ("@", "is", "it's", "that's"):
        tokens.pop(0)
    new = ep.domain_of(tokens)
    if not new or "." in new:
        return f"{local}@{new}" if new else None
    sentence = len(tokens) > 4 or any(token in EVERYDAY for token in tokens)
    return None if sentence else f"{local}@{new}.{domain.rsplit('.', 1)[-1]}"


_LOCAL_IS = re.compile(
    r"\b(?:the )?(?:first part|part before the at|before the at|user ?name|beginning|name part|local part)(?:'s| is| should be)?\b"
)


def local_changed(address: str, said: str) -> str | None:
    """'the first part is d miller'."""
    match = _LOCAL_IS.search(said)
    new = ep.join([token for token in ep.tokenise(said[match.end() :]) if token != "@"]) if match else ""
    return f"{new}@{address.rpartition('@')[2]}" if new else None
