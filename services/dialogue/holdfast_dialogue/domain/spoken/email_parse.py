# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""An e-mail address out of a sentence: find its "at", take what belongs to it left and right, read words and letters.

The sentence is cut into marks (. _ - + @) and the words between them. What is cautious: a missing "at" or "dot" is
never made up, except where a recogniser is known to hear something else in exactly that place ("add", "dart"); then
`doubtful` is set. The read-back catches what is wrong all the same. Syntax is judged by email-validator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from email_validator import EmailNotValidError, validate_email
from rapidfuzz import fuzz

from holdfast_dialogue.domain.spoken.letters import Piece, is_letter, is_number_word, is_spelling, pieces
from holdfast_dialogue.domain.spoken.text import word_set

Problem = Literal["empty", "no_at", "no_local", "no_domain", "no_dot", "invalid", "unclear"]

MARKS = {".", "_", "-", "+", "@", "'"}
_MARK_WORDS = {
    "dot": ".", "point": ".", "period": ".", "fullstop": ".", "dots": ".", "underscore": "_", "underscores": "_", "underline": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+", "at": "@", "apostrophe": "'",
}  # fmt: skip
_PROVIDERS = {
    name: f"{name}.com"
    for name in ("gmail", "googlemail", "hotmail", "outlook", "icloud", "aol", "yahoo", "protonmail")
}
TLDS = word_set(
    """
    com net org edu gov io co info biz example test ai dev app uk us eu de fr ca au in me tv nz nl es it ch at ie
    se no dk tech online store agency studio design cloud company group
    """
)

_DIRECT = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_PHRASES = [
    (re.compile(pattern), to)
    for pattern, to in [
        (r"\b(?:at sign|at symbol|at the rate(?: of)?|the at sign)\b", " at "),
        (r"\bunder ?scored?\b|\bunder score\b|\bunder bar\b", " underscore "),
        (r"\bfull stop\b", " dot "),
        (r"\bdot ?com\b", " dot com "),
        (r"\b(?:forward )?hyphen\b", " hyphen "),
        (r"\b(?:all )?(?:as )?(?:one|single|1) word\b|\ball (?:together|joined up|lower ?case|small(?: letters)?|in lower ?case|caps)\b|\b(?:in )?(?:lower ?case|small letters)\b|\b(?:with )?no spaces?(?: in between)?\b|\bwithout (?:a |any )?spaces?\b", " "),
        (r"\b(?:the )?(?:number|digit|numeral|digits|numbers)s? (?=\w)", " "),
        (
            r"\bwith(?:out)? (?:an?|no|one|two|double|a double) [a-z](?:'?s)?(?: and (?:an?|no|one|two) [a-z](?:'?s)?)*(?: at the (?:end|start|beginning))?(?![\w'])",
            " ",
        ),
        (r"\b(?:and )?(?:then|followed by|and then|next is|after that)\b", " "),
        (r"\bg mail\b", "gmail"), (r"\bhot mail\b", "hotmail"), (r"\bout look\b", "outlook"), (r"\bi ?cloud\b", "icloud"), (r"\bgee mail\b", "gmail"), (r"\bya hoo\b", "yahoo"), (r"\bproton mail\b", "protonmail"),
    ]
]  # fmt: skip
# Words that are said around an address and are hardly ever in one.
_STOP = word_set(
    """
    my the is it's its it that's that this email e-mail mail address would be to me at on use send reach for yes
    yeah yep sure okay ok so well right um uh i'm i am you can we our and best let's see let think just please
    thanks thank contact work personal actually no not of an was were do does i'd i'll will with by via good here
    spelled spell wait sorry mean correction starting guess probably simply easy office's email's name's write
    down under should also or have has got a spelling meaning instead
    """
)
_BEFORE_ONE = frozenset(
    {"different", "other", "another", "best", "this", "that", "right", "correct", "new", "work", "good"}
)
_TAIL_WORDS = word_set(
    """
    please thanks thank you okay ok that's it right yes yeah all bye correct cheers there sir ma'am so and if is
    """
)
_AT_SLIPS = ("add", "ad", "et", "hat", "app", "that", "and", "act", "an", "it", "ate")
_DOT_SLIPS = ("dart", "dat", "dock", "doc", "dog", "duct", "that", "got", "dark", "daughter", "not", "dought", "ducks")


@dataclass(frozen=True, slots=True)
class Address:
    address: str | None
    problem: Problem | None = None
    local: str = ""
    domain: str = ""
    doubtful: bool = False
    """Something was guessed ("add" for "at", a provider without its ".com"): ask for a clear yes."""


def read(text: str) -> tuple[Address, list[str]]:
    """The address in `text`, and the tokens said behind it; of several the last (people correct themselves)."""
    typed = _DIRECT.findall(text.lower())
    if typed:
        return validated(typed[-1].strip(".-")), []
    tokens = tokenise(text)
    if not tokens:
        return Address(None, "empty"), []
    found, rest = _spoken(tokens)
    if found.address is None and found.problem in ("no_at", "no_dot", "no_domain"):
        return _repaired(tokens, found) or found, []
    return found, rest


def validated(address: str, *, doubtful: bool = False) -> Address:
    """Judge the syntax. Reserved names (.example, .test) pass: trial profiles use them."""
    local, _, domain = address.lower().rpartition("@")
    try:
        checked = validate_email(
            f"{local}@{domain}", check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError:
        return Address(None, "no_dot" if domain and "." not in domain else "invalid", local, domain, doubtful)
    return Address(checked.normalized.lower(), None, local, domain, doubtful)


def tokenise(text: str) -> list[str]:
    """Lower-case words and marks; typed marks inside words become tokens of their own."""
    said = text.lower().replace("\u2019", "'")
    said = re.sub(r"(?<=\w)[.,!?;:]+(?=\s|$)|[,!?;:()\"<>]", " ", said)
    for pattern, to in _PHRASES:
        said = pattern.sub(to, said)
    said = re.sub(r"([@+_]|(?<=\w)\.(?=\w)|(?<=[a-z0-9])-(?=[a-z0-9]))", r" \1 ", said)
    words = [
        w for w in said.split() if (w in MARKS or w.strip("'.-")) and w not in ("um", "uh", "er", "erm", "hmm", "ah")
    ]
    marked: list[str] = []
    for i, word in enumerate(words):
        mark = _MARK_WORDS.get(word, word)
        before = marked[-1] if marked else ""
        following = _MARK_WORDS.get(words[i + 1], words[i + 1]) if i + 1 < len(words) else ""
        # "then an underscore", "a dash": the article, unless it is a letter being spelled
        if (
            word in ("a", "an")
            and following in MARKS
            and following != "@"
            and (word == "an" or (len(before) > 1 and before not in MARKS))
        ):
            continue
        marked.append(mark)
    return marked


def _spoken(tokens: list[str]) -> tuple[Address, list[str]]:
    ats = [i for i, t in enumerate(tokens) if t == "@"]
    if not ats:
        return Address(None, "no_at", local=_guess_local(tokens)), []
    best: Address | None = None
    for at in reversed(ats):
        local_words = _left(tokens[:at])
        domain_words, rest = _right(tokens[at + 1 :])
        local, domain = join(local_words), join(domain_words)
        if "." in domain.lstrip(".") and domain[0] != "." and local:
            return validated(f"{local}@{domain}"), [] if all(t in _TAIL_WORDS for t in rest) else rest
        if best is None or (domain and not best.domain):
            problem: Problem = (
                "no_domain" if not domain.strip(".") or domain[0] == "." else "no_local" if not local else "no_dot"
            )
            best = Address(None, problem, local, domain)
    assert best is not None
    if best.domain in _PROVIDERS and best.local:
        return validated(f"{best.local}@{_PROVIDERS[best.domain]}", doubtful=True), []
    return best, []


def _guess_local(tokens: list[str]) -> str:
    return join(_left(tokens)) if any(t in MARKS for t in tokens) else ""


def _left(tokens: list[str]) -> list[str]:
    """What belongs to the local part, going left from the "at"."""
    taken: list[str] = []
    i = len(tokens) - 1
    while i >= 0:
        token = tokens[i]
        if token == "@":
            break
        introduces = token in ("that's", "that", "is", "spelled", "spelt") and taken and looks_spelled(taken)
        if introduces and i > 0 and not _is_stop(tokens, i - 1, taken):
            i -= 1  # "massey that's m a double s e y"
            continue
        if token not in MARKS and _is_stop(tokens, i, taken):
            break
        taken.insert(0, token)
        i -= 1
    while taken and taken[0] in (".", "-", "+"):
        taken.pop(0)
    taken = _without_name(taken)
    if not taken and tokens and tokens[-1] not in MARKS:
        taken = [tokens[-1]]  # "me at ...", "office at ..."
    return taken


def _without_name(words: list[str]) -> list[str]:
    """'siobhan massey s as in sam underscore ...': the name was said first, the address is what is spelled."""
    end = next((i for i, word in enumerate(words) if word in MARKS), len(words))
    for i in range(2, end - 2):
        if is_letter(words[i]) and words[i + 1 : i + 3] == ["as", "in"]:
            is_name = all(
                len(word) > 2 and word not in ("double", "triple") and not is_spelling(word) for word in words[:i]
            )
            return words[i:] if is_name else words
    return words


def _is_stop(tokens: list[str], i: int, taken: list[str]) -> bool:
    token = tokens[i]
    if token == "one" and i > 0 and tokens[i - 1] in _BEFORE_ONE:
        return True  # "it's a different one tom at ..."
    if token not in _STOP:
        return False
    before = tokens[i - 1] if i > 0 else ""
    after = tokens[i + 1] if i + 1 < len(tokens) else ""
    if is_letter(token):  # "a" and "i": a letter being spelled, or a word
        return not any(is_letter(t) or t in MARKS or t in ("double", "as", "for", "like") for t in (before, after))
    if token == "for" and is_letter(before) and after.startswith(before):
        return False  # "b for bob"
    # next to a mark it is part of the address: "me dot too at", "the underscore office"
    return not ((taken and taken[0] in MARKS) or (before in MARKS and before != "@"))


def looks_spelled(words: list[str]) -> bool:
    plain = [w for w in words if w not in MARKS and w not in ("double", "triple", "as", "in")]
    return bool(plain) and sum(is_letter(w) or is_number_word(w) for w in plain) * 2 >= len(plain)


def _right(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The domain's tokens, and what was said after it."""
    taken: list[str] = []
    i = 0
    while i < len(tokens) and tokens[i] not in (".", "@"):
        taken.append(tokens[i])
        i += 1
    if i == len(tokens) or tokens[i] == "@":
        return _trim(taken), tokens[i:]
    while i < len(tokens) and tokens[i] == ".":
        label, used = _label(tokens[i + 1 :])
        if not label:
            break
        taken += [".", *label]
        i += 1 + used
    return taken, tokens[i:]


def domain_of(tokens: list[str]) -> str:
    """The domain that `tokens` begin with; a provider's name alone stands for its domain."""
    domain = join(_right(tokens)[0])
    return _PROVIDERS.get(domain, domain)


def _trim(words: list[str]) -> list[str]:
    """A domain without a dot: leave out the politeness behind it."""
    while words and words[-1] in _TAIL_WORDS:
        words = words[:-1]
    return words


def _label(tokens: list[str]) -> tuple[list[str], int]:
    """The tokens up to the next dot, where they look like one label; else one word, or a run of letters ("c o m")."""
    if "." in tokens:
        ahead = tokens.index(".")
        label = tokens[:ahead]
        whole = [t for t in label if t != "-"]
        one_label = (
            whole and label[0] != "-" and not any(t in MARKS or (t in _STOP and not is_letter(t)) for t in whole)
        )
        if one_label and (ahead <= 4 or looks_spelled(whole)):
            return label, ahead
    if not tokens or tokens[0] in MARKS:
        return [], 0
    if not is_letter(tokens[0]):
        return tokens[:1], 1
    used = 1
    while used < min(4, len(tokens)) and is_letter(tokens[used]):
        # "c o" may go on to "c o m", "i o" may not
        longer = ("".join(tokens[: used + 1]), "".join(tokens[: used + 2]))
        if "".join(tokens[:used]) in TLDS and not TLDS & set(longer):
            break
        used += 1
    return tokens[:used], used


def join(tokens: list[str]) -> str:
    """Tokens of a local part or a domain as it is written."""
    text = ""
    words: list[str] = []
    for token in [*tokens, ""]:
        if token in MARKS or not token:
            text += join_words(words) + token
            words = []
        else:
            words.append(token)
    return text


def join_words(words: list[str]) -> str:
    """One stretch between marks. A word said and then spelled counts once, as spelled: "pinnell that's p i double n ..."."""
    words = [w for w in words if w not in ("that's", "spelled", "spelt", "is", "it's") or len(words) == 1]
    words = [w for i, w in enumerate(words) if w not in words[max(0, i - 1) : i] or len(w) < 3 or is_spelling(w)]
    found = pieces(words)
    for i in range(1, len(found)):
        head = "".join(p.text for p in found[:i])
        tail = found[i:]
        spelled = "".join(p.text for p in tail if p.how == "letter")
        extra = "".join(p.text for p in tail if p.how != "letter")
        if found[i - 1].how == "word" and _all_spelled(tail) and len(spelled) > 2 and fuzz.ratio(head, spelled) >= 60:
            return spelled + extra
    return re.sub(r"[^a-z0-9]", "", "".join(p.text for p in found))


def _all_spelled(found: list[Piece]) -> bool:
    """Letters, with digits only after them."""
    return re.fullmatch(r"l+d*", "".join({"letter": "l", "digits": "d"}.get(p.how, "w") for p in found)) is not None


def _repaired(tokens: list[str], found: Address) -> Address | None:
    """Known slips of recognisers, only where the structure fails and one change makes it whole."""
    if found.problem == "no_at":
        for i in range(len(tokens) - 1, 0, -1):
            if tokens[i] in _AT_SLIPS and "." in tokens[i + 1 :] and i + 1 < len(tokens) and tokens[i + 1] != ".":
                again, _ = _spoken([*tokens[:i], "@", *tokens[i + 1 :]])
                if again.address:
                    return validated(again.address, doubtful=True)
        return None
    if "@" not in tokens:
        return None
    at = len(tokens) - 1 - tokens[::-1].index("@")
    for i in range(len(tokens) - 1, at + 1, -1):
        if tokens[i - 1] in _DOT_SLIPS and tokens[i] in TLDS and i - 1 > at + 1:
            again, _ = _spoken([*tokens[: i - 1], ".", *tokens[i:]])
            if again.address:
                return validated(again.address, doubtful=True)
    for i in range(at + 2, len(tokens)):
        if tokens[i] in ("com", "net", "org") and tokens[i - 1] not in MARKS:
            again, _ = _spoken([*tokens[:i], ".", *tokens[i:]])
            if again.address:
                return validated(again.address, doubtful=True)
    return None
