# ruff: noqa: E501 - vocabularies: one pattern a line
"""What callers tell about themselves, asked or in passing, in any order, corrected at will.

Each field has its own small reader over normalised words. A correction ("four, no wait, make that
fifteen") is read part by part: the later part wins. Known values (CRMs, needs) are the profile's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from holdfast_common.profile import Profile

from holdfast_dialogue.domain.spoken import numbers

COUNTED_FIELDS = frozenset({"team_size", "monthly_documents"})
NONE = "none"
"""Value of a field to which the caller said that there is none."""

_NUMBER_WORD = (
    r"(?:\d[\d,]*|zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|couple)"
)
_NUMBER = rf"(?:(?:a|an) )?{_NUMBER_WORD}(?:(?: |-)(?:and |or |of |to )?{_NUMBER_WORD})*"
_PEOPLE = (
    r"(?:people|persons?|users?|seats|reps?|staff|employees|technicians|guys|salespeople|sales ?(?:people|men|reps)|colleagues|"
    r"members|agents|lawyers|teachers|nurses|developers|engineers|consultants|recruiters|managers|licen[cs]es|heads|folks|persons)"
)
_PAPERS = r"(?:documents?|contracts?|proposals?|quotes?|agreements?|forms?|envelopes?|invoices?|docs|orders?|letters?|offers?|leases?)"

_CORRECTION = re.compile(
    r"\b(?:no wait(?: make that)?|make that|scratch that|(?:uh |oh |er )?no sorry|i mean|i meant|or rather|wait no|actually no|actually|sorry no|correction|not that|(?<=\w )er|(?<=\w )sorry(?= it'?s)| no (?="
    + _NUMBER_WORD
    + r"\b))\b"
)
_DENIAL = re.compile(rf"no (?:it's |that's |i said )?{_NUMBER}")
""" "No, fifty, five zero": what was said back was wrong."""
_COUNTED_DENIAL = re.compile(
    rf"{_DENIAL.pattern}(?: {_PEOPLE}| of us| {_PAPERS})?(?: (?:a|per|each|every) (?:month|week|day|year))?"
    rf"|no (?:we're|we are|there are) {_NUMBER}(?: {_PEOPLE})?"
)
_TEAM = (
    re.compile(rf"\bteam (?:of|is|has|size is)(?: about| around| roughly| maybe)? ({_NUMBER})"),
    re.compile(rf"\b({_NUMBER})(?: \w+){{0,2}}? {_PEOPLE}\b(?! (?:sign|to sign|signs|who sign|signing|per document))"),
    re.compile(rf"\b({_NUMBER}) of us\b"),
    re.compile(
        rf"\bwe(?:'re| are)(?: about| around| roughly| maybe| only| just)? ({_NUMBER}) (?:on|using|with|in|and|all|strong)\b"
    ),
    re.compile(rf"\b({_NUMBER})[ -](?:person|people|man|strong) (?:team|company|shop|office|agency|firm)\b"),
    re.compile(
        rf"\b(?:there(?:'s| is|'re| are)|we(?:'re| are| have))(?: about| around| roughly| maybe| only| just)? ({_NUMBER})$"
    ),
)
_ALONE = re.compile(
    r"\b(?:just me|only me|it's (?:just|only) me|just myself|on my own|by myself|one[- ]?(?:man|woman|person) (?:band|show|shop|business)|i work alone|freelancer|sole trader|self employed)\b"
)
_MONTHLY = re.compile(
    rf"\b({_NUMBER})(?: or so| ish| something)?(?: \w+){{0,3}}? (?:a|per|each|every) (month|week|day|year)\b|\b({_NUMBER}) monthly\b"
)
_PER_MONTH = {"month": 1.0, "week": 52 / 12, "day": 21.0, "year": 1 / 12}
_TIMELINE = re.compile(
    r"\b((?:before|by|after|until) (?:the )?(?:end of (?:the )?\w+|christmas|new year|easter|summer|spring|autumn|fall|winter|january|february|march|april|may|june|july|august|september|october|november|december|next (?:month|quarter|year|week))"
    r"|(?:this|next) (?:month|quarter|year)|as soon as possible|asap|right away|immediately|no rush|no hurry|"
    r"(?:sometime |maybe )?in (?:the )?(?:spring|summer|autumn|fall|winter|new year|a (?:few|couple of) (?:weeks|months)|january|february|march|april|june|july|august|september|october|november|december)"
    r"|within (?:a|two|three|six) (?:weeks?|months?))\b"
)
_SOON = re.compile(r"\b(?:and |very |pretty )?soon\b|\bwhenever\b")
_USE = re.compile(
    r"\b((?:(?:[a-z]+) )?(?:proposals|quotes|contracts|agreements|ndas|forms|onboarding packs|renewals|sales orders|invoices|offer letters|waivers|leases|paperwork|packs|estimates|statements of work))\b"
)
_ASKS = re.compile(r"\b(?:how|can|could|does|do you|what|where|is there|are there|which|when|why|who)\b")
_USE_FOR = re.compile(
    r"\b(?:we|i)(?:'d| would)? (?:mainly |mostly )?(?:do|use it for|need it for|want it for|send|use this for) ((?:\w+ ){0,2}\w+?s)\b"
)
_COUNTED_USE = re.compile(
    rf"\b{_NUMBER}(?: or so| ish)? ((?:(?!documents|docs)\w+ )?(?!documents?\b|docs\b|envelopes?\b){_PAPERS}) (?:a|per|each|every) (?:month|week|day|year)\b"
)
""" "ninety proposals a month": what is counted is what it is used for."""
_NOT_ADJECTIVE = frozenset(
    [
        "a",
        "an",
        "the",
        "our",
        "my",
        "your",
        "their",
        "of",
        "for",
        "with",
        "do",
        "doing",
        "send",
        "sending",
        "many",
        "more",
        "some",
        "any",
        "these",
        "those",
        "and",
        "or",
        "to",
        "in",
        "on",
        "it",
        "is",
        "are",
        "was",
        "we",
        "i",
        "us",
        "month",
        "mostly",
        "mainly",
        "about",
        "no",
        "those",
        "all",
        "different",
        "such",
        "edit",
        "make",
        "write",
        "create",
        "get",
        "sign",
        "delete",
        "upload",
        "those",
        "mass",
        "year",
    ]
)
_INDUSTRY = (
    re.compile(r"\b(?:we're|we are|i'm|i am|i'm in|we run|i run|it's|we work as|work for|for) (?:a|an) ((?:\w+ ){0,3}(?:company|agency|firm|group|chain|clinic|practice|business|shop|school|university|hospital|hotel|startup|photographer|designer|consultancy|consultant|charity|bank|broker|studio|manufacturer|contractor|realtor|reseller|wholesaler|trust|freelancer))\b"),
    re.compile(r"\bwe (?:sell|make|build|manufacture|produce|rent out|import|distribute) ((?:\w+ ){0,2}\w+)\b"),
    re.compile(r"\b(?:we're|we are|i'm|i am|i work|we work) in ((?:the )?(?:real estate|construction|insurance|healthcare|health care|logistics|software|manufacturing|education|finance|banking|retail|hospitality|consulting|legal|marketing|advertising|energy|telecom|transport|trucking|farming|agriculture|h r|hr|recruiting|recruitment|it|media|catering|tourism|travel)(?: business| industry| space| sector)?)\b"),
)  # fmt: skip
_INDUSTRY_WORDS = re.compile(
    r"\b(logistics|food wholesale|wholesale|telecom|software|construction|real estate|insurance|healthcare|manufacturing|education|retail|hospitality|catering|heating and cooling|plumbing|sports|finance|banking|event agency|law firm|recruiting|marketing|interior design|building supplies|solar|automotive|non ?profit)\b"
)
_QUESTION_ABOUT = re.compile(
    r"\b(?:do|does|can|could|will|would|is|are|what about|how (?:do|does|about)|which|and)\b(?: (?:it|you|this|i|we|there|that|your|a|an|the|any|to|with|have|support|work|works|integrate|connect|link|sync|use|talk|do|integration|connector|for|into|in))*$"
)
_NEGATED = re.compile(r"\b(?:no|not|don't|doesn't|without|isn't|never|stopped using|old job)\b(?: \w+){0,2}$")
_NO_TOOLS = re.compile(
    r"^(?:no|none|nothing|nope|not really|not yet|nah)\b|\bno (?:integrations?|other tools|crm)\b|\bnone (?:for now|at the moment|yet)\b|\bdon't (?:use|have) (?:any|a crm)\b"
)
_NOT_AN_ANSWER = re.compile(
    r"^(?:yes|no|yeah|yep|nope|okay|ok|sure|um+|uh+|hello|hi|thanks|thank you|great|cool|right|fine|what|why|i don't know|not sure|no idea|good|alright|hm+|mm+|mhm)$"
)
_LEAD = re.compile(
    r"^(?:(?:um+|uh+|er+|oh|well|so|yeah|yes|it's|its|it is|that's|we're|we are|i'm|i am|we do|we sell|we use|for|mostly|mainly|just|probably|maybe|in|a|an|the|about|some|would be|it would be|let me think|like|to|i guess|i think|we|send|our)\b ?)+"
)
_TRAIL = re.compile(
    r"(?: (?:mostly|mainly|i guess|i think|really|please|sorry|actually|basically|and soon|and|soon|uh|um|for now))+$"
)
_BARE_NAME = re.compile(
    rf"^(?:(?:hi|hello|hey|hiya|it's|this is)(?: there)? )?([a-z']+) ([a-z'-]+) (?:here\b|{_NUMBER} (?:\w+ )?(?:{_PEOPLE}|of us)\b)"
)
_NO_NAME = frozenset(
    [
        "about",
        "around",
        "we",
        "we're",
        "are",
        "is",
        "there",
        "there's",
        "just",
        "have",
        "has",
        "our",
        "a",
        "the",
        "i",
        "i'm",
        "it",
        "it's",
        "roughly",
        "maybe",
        "with",
        "for",
        "and",
        "or",
        "of",
        "in",
        "at",
        "only",
        "team",
        "what",
        "how",
        "can",
        "do",
        "does",
        "my",
        "your",
        "us",
        "who",
        "to",
        "some",
        "over",
        "under",
        "up",
        "like",
        "so",
        "okay",
        "got",
        "about",
        "hello",
        "hi",
        "hey",
        "well",
        "uh",
        "um",
        "er",
        "yes",
        "no",
    ]
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one utterance told."""

    values: dict[str, str] = field(default_factory=dict)
    bare: bool = False
    """The utterance is the answer to the field that was asked, and nothing else."""


def read_facts(text: str, asked: str, last_field: str, profile: Profile) -> dict[str, str]:
    """The fields told in these normalised words; `asked` is the field that the agent asked for last."""
    found: dict[str, str] = {}
    parts = _CORRECTION.split(text)
    corrects = len(parts) > 1
    for part in (p.strip() for p in parts):
        if part:
            found.update(_read_part(part, profile))
    if asked not in found and any(field.name == asked for field in profile.fields):
        answer = _answer(asked, text, found)
        if answer:
            found[asked] = answer
    denies = asked in ("", "permission_to_book") and _DENIAL.fullmatch(text)
    if (corrects or denies) and not found and last_field in COUNTED_FIELDS:
        value = numbers.quantity(text)
        if value is not None:
            found[last_field] = str(value)
    return found


def plainly_answers(asked: str, text: str, profile: Profile) -> bool:
    """The words hold a value of the field that was asked for: a count, a known tool, a kind of document, a date."""
    if asked in COUNTED_FIELDS:
        return numbers.quantity(text) is not None
    if asked in ("integrations", "needs") and _NO_TOOLS.search(text):
        return True
    return asked in _read_part(text, profile) or (asked == "timeline" and bool(_SOON.search(text)))


def denies_a_number(text: str) -> bool:
    """The normalised words are a no and a number with what it counts, and nothing else."""
    return _COUNTED_DENIAL.fullmatch(text) is not None


def bare_name(text: str) -> str:
    """The name in "ted loomis twenty reps ..." or "sara lind here"; empty where there is none."""
    match = _BARE_NAME.match(text)
    if not match or {match[1], match[2]} & _NO_NAME or numbers.quantity(f"{match[1]} {match[2]}") is not None:
        return ""
    return f"{match[1]} {match[2]}".title()


def _read_part(text: str, profile: Profile) -> dict[str, str]:
    found: dict[str, str] = {}
    if (monthly := _monthly(text)) is not None:
        found["monthly_documents"] = monthly
    if (team := _team_size(_MONTHLY.sub(" ", text))) is not None:
        found["team_size"] = team
    for name, values in profile.recognise.items():
        if known := _known(text, values):
            found[name] = ", ".join(known)
    if use := _use_case(text):
        found["use_case"] = use
    if industry := _industry(text):
        found["industry"] = industry
    timelines = [m[1].removeprefix("sometime ").removeprefix("maybe ") for m in _TIMELINE.finditer(text)]
    if timelines:
        found["timeline"] = next((t for t in timelines if not t.startswith("no ")), timelines[0])
    return found


def _number(words: str) -> int | None:
    return numbers.quantity(words.removeprefix("a couple of ").strip()) if words else None


def _team_size(text: str) -> str | None:
    for pattern in _TEAM:
        for match in pattern.finditer(text):
            value = _number(match[1])
            if value and not re.search(
                r"\b(?:can|could|do|does|how|send (?:it )?to|documents? (?:for|to))\b(?: \w+){0,4}$",
                text[: match.start()],
            ):
                return str(value)
    return "1" if _ALONE.search(text) else None


def _monthly(text: str) -> str | None:
    match = _MONTHLY.search(text)
    if not match or re.search(r"\b(?:cost|price|pay|charge|how much)\b", text):
        return None
    value = _number(match[1] or match[3])
    return str(round(value * _PER_MONTH[match[2] or "month"])) if value else None


def _known(text: str, values: dict[str, list[str]]) -> list[str]:
    """Known values that are told, not asked about ("does it work with ..." tells little)."""
    found: list[str] = []
    for value, ways in values.items():
        for way in sorted({value, *ways}, key=len, reverse=True):
            match = re.search(rf"\b{re.escape(way)}\b", text)
            if match:
                before = text[: match.start()].rstrip()
                if not _QUESTION_ABOUT.search(before) and not _NEGATED.search(before):
                    found.append(value)
                break
    return found


def _use_case(text: str) -> str:
    plain = re.sub(rf"\b{_NUMBER}(?: or so| ish)? {_PAPERS} (?:a|per|each|every) \w+", " ", text)
    for match in _USE.finditer(plain):
        before = plain[: match.start()]
        if _ASKS.search(before):
            continue
        words = match[1].split()
        while len(words) > 1 and (words[0] in _NOT_ADJECTIVE or re.fullmatch(_NUMBER_WORD, words[0])):
            words = words[1:]
        return " ".join(words)
    match = _USE_FOR.search(plain)
    if match and not _ASKS.search(plain[: match.start()]):
        return match[1]
    counted = _COUNTED_USE.search(text)
    return counted[1] if counted and not _ASKS.search(text[: counted.start()]) else ""


def _industry(text: str) -> str:
    for pattern in _INDUSTRY:
        if match := pattern.search(text):
            return match[1].removeprefix("the ")
    if re.search(r"\b(?:how|what|can|does|is there|do you)\b", text):
        return ""
    match = _INDUSTRY_WORDS.search(text)
    return match[1] if match else ""


def _answer(asked: str, text: str, found: dict[str, str]) -> str:
    """The value of an asked field in an answer that has no other form than being the answer."""
    last = [part.strip() for part in _CORRECTION.split(text) if part.strip()][-1:]
    words = last[0] if last else text
    if asked in COUNTED_FIELDS:
        if found:  # "heating and cooling, seventy a month": the number belongs to what it was said with
            return ""
        value = numbers.quantity(words)
        if value == 1 and len(words.split()) > 4 and not _ONE_OF_THEM.search(words):
            return ""  # "my friend got one from you last week"
        told = value is not None and (value > 0 or asked != "team_size") and not re.fullmatch(r"no|nope|nah", words)
        return str(value) if told else ""
    if asked in ("integrations", "needs"):
        return NONE if _NO_TOOLS.search(text) else ""
    if asked == "timeline" and (soon := _SOON.search(text)):
        return soon[0].removeprefix("and ")
    if asked in ("use_case", "industry", "timeline") or asked not in ("name", "email", "timezone"):
        return _open_answer(words)
    return ""


_ONE_OF_THEM = re.compile(
    r"\b(?:one (?:person|user|seat|of us|man|a month)|(?:just|only|it's) (?:the )?(?:one|me)|by myself|on my own|alone)\b"
)


def _open_answer(words: str) -> str:
    """A free answer, cut to its core ("it's mostly sales contracts" -> "sales contracts")."""
    if _NOT_AN_ANSWER.match(words):
        return ""
    core = _TRAIL.sub("", _LEAD.sub("", words)).strip()
    if len(core.split()) <= 2 and numbers.quantity(core) is not None:
        return ""
    return core if 0 < len(core.split()) <= 12 else ""
