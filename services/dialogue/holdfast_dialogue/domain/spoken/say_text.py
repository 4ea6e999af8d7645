# ruff: noqa: E501, RUF001 - rules read better unbroken; written text has dashes and signs of its own
"""Written text as speech (MIND-11): links, addresses, money, dates, times, numbers and symbols become words.

For the sentences of profiles and articles, which people write the way one writes. What is speech already stays as
it is. The order of the rules matters: addresses before links before numbers.
"""

from __future__ import annotations

import datetime as dt
import re

from holdfast_dialogue.domain.spoken import email_say
from holdfast_dialogue.domain.spoken.say_values import MONTHS, number, ordinal, time, url, year

_ABBREVIATIONS = [
    (r"\be\.\s?g\.,?", "for example"), (r"\bi\.\s?e\.,?", "that is"), (r"\betc\.", "and so on"), (r"\bvs\.?(?=\s)", "versus"), (r"\bapprox\.", "about"), (r"\bmin\.(?=\s)", "minutes"), (r"\bmax\.(?=\s)", "at most"),
    (r"\bno\. (?=\d)", "number "), (r"\bDr\.(?= [A-Z])", "Doctor"), (r"\bMr\.(?= [A-Z])", "Mister"), (r"\bMrs\.(?= [A-Z])", "Missus"), (r"\bSt\.(?= [A-Z])", "Saint"), (r"\bInc\.", "Incorporated"), (r"\bLtd\.", "Limited"), (r"\bw/o\b", "without"), (r"\bw/(?=\s|\w)", "with "),
    (r"\band/or\b", "and or"), (r"\b24/7\b", "around the clock"), (r"\b[aA]\.?[sS]\.?[aA]\.?[pP]\b\.?", "as soon as possible"), (r"\bFAQs?\b", "frequently asked questions"), (r"\bhrs?\b\.?", "hours"), (r"\bmins\b", "minutes"), (r"\bsecs?\b\.?", "seconds"),
]  # fmt: skip
_UNITS = {
    "%": "percent",
    "kb": "kilobytes",
    "mb": "megabytes",
    "gb": "gigabytes",
    "tb": "terabytes",
    "ms": "milliseconds",
    "km": "kilometres",
    "kg": "kilograms",
    "px": "pixels",
    "dpi": "dots per inch",
}
_MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}


def shape(text: str) -> str:
    """Written text as speech: links, addresses, money, dates, times, numbers and symbols become words; markup goes."""
    out = _unmarked(text)
    out = re.sub(
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        lambda m: email_say.say(m[0].rstrip(".")) + ("." if m[0].endswith(".") else ""),
        out,
    )
    out = re.sub(
        r"\b(?:https?://|www\.)[^\s,;)]+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|co|dev|app|example|ai|eu|de|uk)(?:/[^\s,;)]*)?(?![\w-])",
        _say_link,
        out,
    )
    for pattern, to in _ABBREVIATIONS:
        out = re.sub(pattern, to, out)
    out = _dates_and_times(out)
    out = _numbers(out)
    out = re.sub(r"\s*&\s*", " and ", out)
    out = re.sub(r"\s*[→⇒]\s*|\s+->\s+|\s+>\s+", ", then ", out)
    out = re.sub(r"(?<=\w)\s*[—–]\s*(?=\w)|\s+-\s+", ", ", out)
    out = re.sub(r"(?<=[a-zA-Z])/(?=[a-zA-Z])", " or ", out)
    out = (
        re.sub(r"[%$\u20ac\u00a3]", " ", out)
        .replace("@", " at ")
        .replace("+", " plus ")
        .replace("=", " equals ")
        .replace("#", " ")
        .replace("…", "...")
        .replace("°", " degrees ")
        .replace("©", "")
        .replace("®", "")
        .replace("™", "")
    )
    out = re.sub(r"[*_`|~^<>\\{}\[\]]", " ", out)
    out = re.sub(r"\s+([,.;:!?])", r"\1", out)
    return re.sub(r"\s+", " ", out).strip()


def _unmarked(text: str) -> str:
    out = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    out = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", out)
    out = re.sub(r"(?m)^\s{0,3}(?:#{1,6}\s+|>\s+|[-*+]\s+|\d+[.)]\s+(?=\D))", "", out)
    out = re.sub(r"\*\*([^*]+)\*\*|__([^_]+)__", lambda m: m[1] or m[2], out)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])|`([^`]*)`", lambda m: m[1] or m[2] or "", out)


def _say_link(match: re.Match[str]) -> str:
    stop = "." if match[0].endswith(".") else ""
    return url(match[0]) + stop


def _dates_and_times(text: str) -> str:
    def iso(m: re.Match[str]) -> str:
        return _month_day(int(m[2]), int(m[3]), m[1]) or m[0]

    def clock(m: re.Match[str]) -> str:
        hour, minute, half = int(m[1]), int(m[2] or 0), (m[3] or "").lower()[:1]
        if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
            return m[0]
        if half:
            return time(dt.time(hour % 12 + (12 if half == "p" else 0), minute)) + (
                "." if m[0].endswith(".") and m.end() == len(text) else ""
            )
        return time(dt.time(hour, minute), part=hour > 12)

    out = re.sub(r"\b(\d{4})-(\d\d)-(\d\d)\b", iso, text)
    names = "|".join(MONTHS)
    out = re.sub(
        rf"\b({names}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b(?!:)",
        _named_date,
        out,
    )
    out = re.sub(r"\b(\d{1,2}):(\d\d)(?::\d\d)?\s?([ap]\.?\s?m\b\.?)?", clock, out, flags=re.IGNORECASE)
    return re.sub(r"\b(\d{1,2})()\s?([ap]\.?m\b\.?)", clock, out, flags=re.IGNORECASE)


def _named_date(m: re.Match[str]) -> str:
    month = next(i for i, name in enumerate(MONTHS, 1) if name.startswith(m[1].rstrip(".")[:3]))
    return _month_day(month, int(m[2]), m[3]) or m[0]


def _month_day(month: int, day: int, in_year: str | None) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTHS[month - 1]} {ordinal(day)}" + (f", {year(int(in_year))}" if in_year else "")


_PLAIN_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"


def _value(text: str) -> int | float:
    bare = text.replace(",", "")
    return float(bare) if "." in bare else int(bare)


def _numbers(text: str) -> str:
    out = re.sub(rf"([$€£])\s?({_PLAIN_NUMBER})(?:\s?(k|m|million|billion)\b)?", _money, text, flags=re.IGNORECASE)
    out = re.sub(r"(?<![\w.])\+?(\d[\d ()-]{7,}\d)(?![\w.])", _phone, out)
    out = re.sub(r"\b(\d+)\s?[x×]\s?(\d+)\b", lambda m: f"{number(int(m[1]))} by {number(int(m[2]))}", out)
    out = re.sub(r"\b(\d+)[x×](?!\w)", lambda m: f"{number(int(m[1]))} times", out)
    out = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1])), out)
    out = re.sub(rf"({_PLAIN_NUMBER})\s?[-–]\s?(?=\d)", lambda m: f"{number(_value(m[1]))} to ", out)
    out = re.sub(
        rf"({_PLAIN_NUMBER})\s?(%|kb|mb|gb|tb|ms|km|kg|px|dpi)(?!\w)",
        lambda m: f"{number(_value(m[1]))} {_UNITS[m[2].lower()]}",
        out,
        flags=re.IGNORECASE,
    )
    out = re.sub(rf"({_PLAIN_NUMBER})k\b", lambda m: number(round(_value(m[1]) * 1000)), out)
    out = re.sub(rf"({_PLAIN_NUMBER})\+(?!\w)", lambda m: f"{number(_value(m[1]))} or more", out)
    out = re.sub(
        r"(?<=\w)/(month|mo|year|yr|user|day|week|hour|seat|document|person)\b",
        lambda m: " a " + {"mo": "month", "yr": "year"}.get(m[1], m[1]) if m[1] != "hour" else " an hour",
        out,
    )
    out = re.sub(
        r"\b(19|20)(\d\d)\b(?!\s?(?:documents|people|users|seats|characters|dollars|euros))",
        lambda m: year(int(m[0])),
        out,
    )
    out = re.sub(r"(?<=\d)/(?=\d)", " of ", out)
    out = re.sub(r"\bv?(\d+)\.(\d+)\.(\d+)\b", lambda m: " point ".join(number(int(p)) for p in m.groups()), out)
    out = re.sub(rf"(?<![\w.,])-({_PLAIN_NUMBER})", lambda m: f"minus {number(_value(m[1]))}", out)
    out = re.sub(_PLAIN_NUMBER, lambda m: _spaced(m, out), out)
    return out


def _spaced(match: re.Match[str], text: str) -> str:
    """A number inside a word ("OAuth2", "B2B") gets spaces around it."""
    before = " " if match.start() and text[match.start() - 1].isalpha() else ""
    after = " " if match.end() < len(text) and text[match.end()].isalpha() else ""
    digits = match[0]
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
        return before + " ".join(number(int(d)) for d in digits) + after
    return before + number(_value(digits)) + after


def _money(m: re.Match[str]) -> str:
    one, many, cent, cents = _MONEY[m[1]]
    amount, scale = m[2].replace(",", ""), (m[3] or "").lower()
    if scale:
        word = {"k": "thousand", "m": "million"}.get(scale, scale)
        return f"{number(_value(amount))} {word} {many}"
    whole, _, fraction = amount.partition(".")
    said = f"{number(int(whole))} {one if int(whole) == 1 else many}"
    if fraction and int(fraction.ljust(2, "0")[:2]):
        n = int(fraction.ljust(2, "0")[:2])
        said += f" and {number(n)} {cent if n == 1 else cents}"
    return said


def _phone(m: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", m[1])
    if len(digits) < 9:
        return m[0]
    groups = [g for g in re.split(r"\D+", m[1]) if g]
    plus = "plus " if m[0].startswith("+") else ""
    return plus + ", ".join(" ".join(number(int(d)) for d in g) for g in groups)
