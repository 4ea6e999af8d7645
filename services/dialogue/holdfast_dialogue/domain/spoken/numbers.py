# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""How many: numbers as people say them ("a couple of dozen", "fifty or sixty", "nobody but me").

`text2num` (Rust, 5 us a sentence) turns number words into digits; this module knows what people do with them: the
vague words, ranges, take-backs ("four no wait fifteen"), digits spelled to be sure ("fifty, five zero"). Of a range
the larger number counts: the questions are asked to see whether a threshold is met, and "fifty or sixty" may be sixty.
"""

from __future__ import annotations

import re

from text_to_num import alpha2digit

from holdfast_dialogue.domain.spoken.text import plain, segments

_VAGUE = {"couple": 2, "pair": 2, "few": 3, "handful": 5, "several": 5, "dozen": 12, "dozens": 24, "score": 20}
_SCALES = {
    "dozen": 12,
    "dozens": 12,
    "hundred": 100,
    "hundreds": 100,
    "thousand": 1000,
    "thousands": 1000,
    "k": 1000,
    "grand": 1000,
    "million": 1_000_000,
}

_ALONE = re.compile(
    r"\b(?:(?:just|only|it's|it is|nobody|no one|no-one|nobody else|no one else) (?:but |except |only |just |other than )?(?:me|myself)"
    r"|me myself and i|just the one|solo|one man band|on my own|by myself|i'm alone|myself only|me alone|me only)\b"
)
_WITH_ME = [
    (
        re.compile(
            r"\b(?:me|myself|i) and (?:my|a|an|one|1) (?:wife|husband|partner|brother|sister|colleague|coworker|assistant|friend|son|daughter|boss|business partner|other|employee)\b"
        ),
        "2",
    ),
    (
        re.compile(r"\b(?:me|myself) (?:and|plus) (\d+)(?: others?| more| colleagues?| people| employees?| guys)?\b"),
        "+",
    ),
    (re.compile(r"\b(\d+)(?: others?| people)? (?:plus|and) (?:me|myself)\b"), "+"),
]
_NOTHING = re.compile(
    r"^(?:none|zero|nil|nothing|no|nope|not any|none at all|none yet|not yet|0)(?: (?:for now|right now|yet|really|at all|so far|at the moment|currently))?$"
)
# Numbers that count something else than what was asked for.
_OTHER = re.compile(
    r"\b(?:day|step|page|option|number|slot|chapter|article|line|version|part|room|floor|suite|level|highway|route) \d+\b"
    r"|\b\d+(?:st|nd|rd|th)\b(?: 1\b)?|\b\d{1,2}:\d\d\b|\b\d+ ?(?:am|pm|oclock|o'clock)\b|\b24/7\b|\b\d+ ?(?:%|percent)"
    r"|\b(?:at|around|by|after|before|until) \d{1,2}(?: \d\d)? (?:am|pm|in the (?:morning|afternoon|evening)|eastern|central|pacific|mountain)\b"
    r"|\b(?:tomorrow|today|monday|tuesday|wednesday|thursday|friday) (?:at|around|by|after|before) \d{1,2}(?: \d\d)?\b"
    r"|\b(?:the|that|this|which|no|another|any|some|every|each|good|right|wrong|\d(?:st|nd|rd)) 1\b(?! (?:person|user|of us))"
    r"|\b1 (?:thing|moment|second|sec|minute|question|more (?:thing|question)|other thing|of (?:those|them|these|the|your|our|my))\b"
)
_NUMBER = r"\d+(?:\.\d+)?"
_SCALE_WORD = r"(?:dozens?|hundreds?|thousands?|grand|million|k)"
_QUANTITY = re.compile(
    rf"(?P<halfof>\bhalf a (?P<halfscale>dozen|hundred|thousand|million)\b)"
    rf"|(?P<n>\b{_NUMBER}|\ba couple|\bcouple|\ba pair|\ba few|\bfew|\ba handful|\bhandful|\bseveral|\ba(?= {_SCALE_WORD}\b)|\bscores?|(?=\b(?:dozens?|hundreds|thousands)\b))"
    rf"(?P<half> and a half)?(?: of)?(?: ?(?P<scale>{_SCALE_WORD})\b)?(?:(?: of)? (?P<scale2>dozen|hundred|thousand)\b)?"
)
_ANY_OF_RANGE = re.compile(
    r"^(?: ?(?:people|users|documents|a month|or so|ish))? ?(?:or|to|-|and|maybe|even|up to|or maybe|or even|or up to)(?: maybe| even)? ?$"
)
_DIGIT_WORDS = {"oh": "0", "o": "0", "zero": "0"}


def words_to_digits(text: str) -> str:
    """Number words as digits: 'a hundred and fifty' -> '150', 'twenty fourth' -> '24th', 'half past two' -> 'half past 2'."""
    joined = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    # "two hundred and one or two": text2num is right on each; "a hundred" needs its article dropped.
    # "a few hundred", "two and a half thousand": alone, the scale must stay a word
    joined = re.sub(
        r"\b(couple(?: of)?|few|several|half(?: an?)?|point \w+) (hundred|thousand|million)s?\b", r"\1 \2x", joined
    )
    joined = re.sub(r"\b(hundreds|thousands)\b", r"\1x", joined)
    joined = re.sub(r"\b(\w+(?:ty|teen|en|elve|red|zen|one|two|ree|our|ive|six|ght|ine))-?ish\b", r"\1 ish", joined)
    digits = re.sub(r"\b(hundreds?|thousands?|million)x\b", r"\1", alpha2digit(joined, "en", 0))
    return re.sub(r"\ba (?=1(?:00|000|000000|[0-9]{2,})\b)", "", digits)


def quantity(text: str) -> int | None:
    """The number that an answer to "how many" means; None where it holds none. Ranges give their larger end."""
    said = plain(text)
    for part in reversed(segments(said) or [said]):
        number = _quantity(part)
        if number is not None:
            return number
    return None


def sounds_like(number: int) -> int | None:
    """The other of two numbers that are taken for one another on the phone: fifteen and fifty."""
    if 13 <= number <= 19:
        return (number - 10) * 10
    return number // 10 + 10 if number in range(30, 100, 10) else None


def _quantity(part: str) -> int | None:
    if _NOTHING.match(part):
        return 0
    digits = words_to_digits(part)
    for pattern, to in _WITH_ME:
        digits = pattern.sub(lambda m, to=to: to if to != "+" else str(int(m[1]) + 1), digits)
    # "two fifty": hundreds, as prices and counts are said
    digits = re.sub(r"(?<!\d )(?<!\d)\b([1-9]) (20|25|30|40|50|60|70|75|80|90)\b(?! \d)", r"\1\2", digits)
    digits = re.sub(r"\bnot (?:about |around )?\d+\b(?=.*\d)", " ; ", digits)
    digits = re.sub(r"^.*\d.*\bno (?:about |around |maybe |like )?(?=\d)", "", digits)
    digits = re.sub(r"\b(?:used to be|was|were|had) (?:about |around )?\d+\b(?=.*\bnow\b.*\d)", " ; ", digits)
    digits = _OTHER.sub(" ; ", digits)
    spelled = _spelled_digits(digits)
    if spelled is not None:
        return spelled
    values: list[tuple[float, int, int]] = []
    for match in _QUANTITY.finditer(digits):
        value = _value(match)
        if value is not None:
            values.append((value, match.start(), match.end()))
    if not values:
        return 1 if _ALONE.search(part) else None
    best, _, end = values[0]
    for value, start, stop in values[1:]:
        gap = digits[end:start]
        # "twenty, twenty five": the second number goes on from the first
        if not _ANY_OF_RANGE.match(gap) and not (gap == " " and 10 <= best < value):
            break
        best, end = max(best, value), stop
    return round(best)


def _value(match: re.Match[str]) -> float | None:
    if match["halfof"]:
        return _SCALES[match["halfscale"]] / 2
    word = (match["n"] or "").removeprefix("a ").strip()
    scale, scale2 = match["scale"], match["scale2"]
    if not word and not scale:
        return None
    if word and word[0].isdigit():
        value = float(word)
    elif word in ("a", "score", "scores"):
        value = 20.0 if word.startswith("score") else 1.0
    elif word:
        value = float(_VAGUE[word])
    else:  # "dozens", "hundreds" alone: at least two of them
        value = 2.0
    if match["half"]:
        value += 0.5
    for name in (scale, scale2):
        if name:
            value *= _SCALES[name]
    return value


def _spelled_digits(digits: str) -> int | None:
    """'five zero' -> 50; 'fifty five zero' and '15 1 5' -> the number, said and spelled."""
    tokens = [_DIGIT_WORDS.get(t, t) for t in digits.split()]
    tokens = [t for t in tokens if t not in ("that's", "thats", "is", "as", "in")]
    run: list[str] = []
    runs: list[list[str]] = []
    for token in [*tokens, ";"]:
        if token.isdigit():
            run.append(token)
        else:
            if len(run) > 1:
                runs.append(run)
            run = []
    for run in runs:
        for first in range(len(run)):
            rest = "".join(run[first + 1 :])
            if rest and len(run[first]) > 1 and rest == run[first]:
                return int(run[first])
        # text2num hears "fifty, five zero" as 55 0: the tens with the digits that spell them
        if (
            len(run) == 2
            and len(run[0]) == 2
            and len(run[1]) == 1
            and run[0][0] + "0" == run[0][1] + run[1]
            and run[1] == "0"
        ):
            return int(run[0][0] + "0")
        if all(len(t) == 1 for t in run) and len(run) <= 4:
            return int("".join(run))
    return None
