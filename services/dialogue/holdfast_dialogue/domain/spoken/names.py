# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Who is calling: "i'm dana miller", "this is tom becker from larkfield", and never "i'm on day five".

There is no list of all names, so the words around decide: an introduction, then up to three words of which none
is an everyday word. `bare=True` when the agent has just asked for the name: then the answer itself may be one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast_dialogue.domain.spoken import zones
from holdfast_dialogue.domain.spoken.letters import is_letter, is_number_word, pieces
from holdfast_dialogue.domain.spoken.text import plain


@dataclass(frozen=True, slots=True)
class Name:
    first: str
    last: str = ""

    @property
    def full(self) -> str:
        return f"{self.first} {self.last}".strip()


_SURE = r"(?:my name is|my name's|the name is|the name's|name is|name's|my full name is|you can call me|call me|they call me|put (?:it|me) (?:down )?under|it's under|make it out to|first name is|first name)"
_LIKELY = (
    r"(?:i'm|i am|this is|it's|it is|here is|here's|you're (?:speaking|talking) (?:to|with)|speaking is|that's|that is)"
)
_INTRO = re.compile(rf"\b(?:(?P<sure>{_SURE})|(?P<likely>{_LIKELY}))\s+(?P<rest>[a-z][\w' -]*)")
_HERE = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|yes|yeah|it's loud|so|okay|there|greetings|howdy)\s+)*(?P<rest>[a-z][\w'-]+(?: [a-z][\w'-]+){0,2}) here\b"
)
_FROM = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening)|there)\s+)*(?P<rest>[a-z][\w'-]+(?: [a-z][\w'-]+){1,2}) (?:from|with|at|calling from|over at) [a-z]"
)
_LAST = re.compile(r"\b(?:last name|surname|family name)(?: is|'s)?\s+(?P<rest>[a-z][\w' -]*)")

# Words that are no part of a name. What is both (will, mark, grace, may, rose) is left out where the introduction is sure.
_EVERYDAY = {
    "a",
    "about",
    "actually",
    "after",
    "again",
    "all",
    "almost",
    "alone",
    "already",
    "also",
    "although",
    "always",
    "am",
    "an",
    "and",
    "another",
    "any",
    "anybody",
    "anyone",
    "anything",
    "are",
    "around",
    "as",
    "asking",
    "at",
    "available",
    "away",
    "back",
    "bad",
    "based",
    "basically",
    "be",
    "because",
    "been",
    "before",
    "being",
    "better",
    "big",
    "boss",
    "both",
    "bored",
    "building",
    "but",
    "buying",
    "by",
    "call",
    "called",
    "caller",
    "calling",
    "can",
    "can't",
    "cannot",
    "cancelling",
    "canceling",
    "company",
    "confused",
    "considering",
    "correct",
    "curious",
    "currently",
    "customer",
    "day",
    "days",
    "definitely",
    "did",
    "different",
    "disappointed",
    "do",
    "does",
    "doing",
    "don't",
    "done",
    "driving",
    "each",
    "easy",
    "either",
    "eight",
    "eighteen",
    "eighty",
    "eleven",
    "email",
    "enough",
    "even",
    "every",
    "everybody",
    "everything",
    "evaluating",
    "exactly",
    "excited",
    "exploring",
    "fed",
    "few",
    "fifteen",
    "fifty",
    "fine",
    "first",
    "five",
    "for",
    "forty",
    "four",
    "from",
    "frustrated",
    "full",
    "getting",
    "given",
    "glad",
    "go",
    "going",
    "gonna",
    "good",
    "got",
    "great",
    "had",
    "half",
    "handling",
    "happy",
    "has",
    "have",
    "having",
    "he",
    "hello",
    "her",
    "here",
    "hers",
    "hey",
    "hi",
    "him",
    "his",
    "hoping",
    "how",
    "hundred",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "if",
    "in",
    "interested",
    "into",
    "is",
    "isn't",
    "it",
    "it's",
    "its",
    "just",
    "keen",
    "kind",
    "late",
    "later",
    "leaving",
    "left",
    "less",
    "let",
    "like",
    "little",
    "located",
    "loud",
    "logged",
    "long",
    "looking",
    "lost",
    "lots",
    "made",
    "maybe",
    "me",
    "mine",
    "more",
    "most",
    "moving",
    "much",
    "my",
    "myself",
    "nearly",
    "need",
    "needing",
    "never",
    "new",
    "next",
    "nice",
    "nine",
    "no",
    "nobody",
    "none",
    "nope",
    "not",
    "nothing",
    "now",
    "of",
    "off",
    "okay",
    "ok",
    "old",
    "on",
    "once",
    "one",
    "only",
    "open",
    "or",
    "other",
    "our",
    "out",
    "outside",
    "over",
    "owner",
    "paying",
    "perfect",
    "person",
    "phoning",
    "planning",
    "please",
    "pleased",
    "pretty",
    "probably",
    "put",
    "quick",
    "quite",
    "ready",
    "really",
    "right",
    "running",
    "same",
    "sat",
    "saying",
    "seeing",
    "setting",
    "seven",
    "several",
    "she",
    "should",
    "sick",
    "since",
    "six",
    "sixty",
    "small",
    "so",
    "some",
    "somebody",
    "someone",
    "something",
    "somewhere",
    "soon",
    "sorry",
    "speaking",
    "still",
    "stuck",
    "such",
    "supposed",
    "sure",
    "taken",
    "taking",
    "talking",
    "team",
    "ten",
    "terrible",
    "testing",
    "than",
    "thank",
    "thanks",
    "that",
    "that's",
    "the",
    "their",
    "them",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "they're",
    "thinking",
    "thirty",
    "this",
    "those",
    "though",
    "thousand",
    "three",
    "through",
    "time",
    "tired",
    "to",
    "today",
    "tomorrow",
    "tonight",
    "too",
    "totally",
    "trial",
    "tried",
    "tries",
    "trying",
    "twelve",
    "twenty",
    "two",
    "unable",
    "under",
    "unhappy",
    "up",
    "upset",
    "us",
    "user",
    "using",
    "very",
    "waiting",
    "wanting",
    "was",
    "way",
    "we",
    "we'd",
    "we'll",
    "we're",
    "we've",
    "week",
    "well",
    "were",
    "what",
    "what's",
    "when",
    "where",
    "which",
    "while",
    "who",
    "why",
    "wondering",
    "working",
    "worried",
    "would",
    "wrong",
    "yeah",
    "yes",
    "yep",
    "yet",
    "you",
    "you're",
    "your",
    "yours",
    "zero",
    "account",
    "admin",
    "administrator",
    "agency",
    "assistant",
    "attorney",
    "bookkeeper",
    "business",
    "consultant",
    "contractor",
    "designer",
    "developer",
    "director",
    "engineer",
    "founder",
    "freelancer",
    "lawyer",
    "manager",
    "marketing",
    "member",
    "office",
    "operations",
    "partner",
    "photographer",
    "realtor",
    "recruiter",
    "rep",
    "reps",
    "sales",
    "salesperson",
    "staff",
    "student",
    "teacher",
    "vendor",
    "document",
    "documents",
    "contract",
    "contracts",
    "proposal",
    "proposals",
    "quote",
    "quotes",
    "template",
    "templates",
    "hubspot",
    "salesforce",
    "pipedrive",
    "dynamics",
    "pandadoc",
    "panda",
    "pricing",
    "price",
    "eastern",
    "pacific",
    "central",
    "mountain",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "morning",
    "afternoon",
    "evening",
    "noon",
    "o'clock",
    "dot",
    "underscore",
    "signed",
    "signing",
    "sending",
    "sent",
    "needs",
    "wants",
    "want",
    "works",
    "work",
    "stupid",
    "angry",
    "annoyed",
    "impressed",
    "afraid",
    "aware",
    "certain",
    "allowed",
    "able",
    "ask",
    "absolutely",
    "alright",
    "hold",
    "hang",
    "wait",
    "um",
    "uh",
    "regarding",
    "book",
    "booking",
    "meeting",
    "demo",
    "specialist",
    "question",
    "questions",
    "help",
    "problem",
    "issue",
    "bug",
    "broken",
    "system",
    "prompt",
    "robot",
    "human",
    "bot",
    "real",
    "bit",
    "lot",
    "thing",
    "things",
    "stuff",
    "else",
    "cool",
    "lovely",
    "brilliant",
    "awesome",
    "nah",
    "sounds",
    "whatever",
    "depends",
    "unfortunately",
    "hopefully",
    "honestly",
    "frankly",
    "obviously",
    "it'll",
    "tell",
    "give",
    "show",
    "send",
    "stop",
    "cancel",
    "delete",
}
# Ends a name that has begun: "fiona reid there are six of us", "tom becker from larkfield".
_END = {"and", "from", "with", "at", "there", "there's", "we", "we're", "i", "i'm", "i'd", "i've", "it's", "it", "is", "here", "calling", "of", "for", "in", "on", "by", "the", "a", "an", "so", "my", "our", "can", "could", "would", "speaking", "who", "what", "how", "please", "thanks", "thank", "over", "out"}  # fmt: skip
_PREFIXES = {
    "mc",
    "mac",
    "van",
    "von",
    "de",
    "del",
    "della",
    "di",
    "da",
    "la",
    "le",
    "el",
    "al",
    "bin",
    "ibn",
    "o",
    "saint",
    "st",
    "der",
    "den",
    "dos",
    "du",
    "ten",
}
_TITLES = {"mister", "mr", "missus", "mrs", "ms", "miss", "doctor", "dr", "professor", "sir"}


def person(text: str, bare: bool = False) -> Name | None:
    """The caller's name in `text`; with `bare`, an answer that is nothing but a name counts too."""
    said = plain(text)
    if not said:
        return None
    best: Name | None = None
    for match in _INTRO.finditer(said):
        words = _name_words(match["rest"].split(), sure=bool(match["sure"]))
        if words and (match["sure"] or _believable(words, match, said, bare=bare)):
            best = _name(words)
    if best is None:
        for pattern in (_HERE, _FROM):
            match = pattern.search(said)
            if match:
                words = _name_words(match["rest"].split(), sure=False)
                if len(words) == len(match["rest"].split()) and (len(words) > 1 or bare or pattern is _HERE):
                    best = _name(words)
                    break
    last = _LAST.search(said)
    if last:
        words = _name_words(last["rest"].split(), sure=True)
        if words:
            first = best.first if best and best.first.lower() != words[0] else ""
            return (
                Name(first or "", _title(words))
                if first
                else (Name(best.first, _title(words)) if best else Name("", _title(words)))
            )
    if best is None and bare:
        best = _bare(said)
    return best


def _believable(words: list[str], match: re.Match[str], said: str, *, bare: bool) -> bool:
    """'i'm dana' is a name; "it's perfect", "i'm denver based" and "that's correct" are not."""
    likely = match["likely"]
    if likely in ("that's", "that is") and not bare:
        return False
    if zones.zone(" ".join(words)) and len(words) == 1:
        return False
    if likely in ("i'm", "i am", "this is"):
        # "i'm pipedrive certified": adjectives and participles in one word are the usual trap
        return len(words) > 1 or not re.search(r"(?:ing|ed|ly|ful|ish|less|ious|able)$", words[0])
    return len(words) > 1 or bare or said.endswith(words[-1])


def _bare(said: str) -> Name | None:
    """An answer to "what is your name?"."""
    words = said.split()
    while words and (
        words[0]
        in (
            "yes",
            "yeah",
            "sure",
            "okay",
            "ok",
            "oh",
            "so",
            "well",
            "hi",
            "hello",
            "it",
            "just",
            "name",
            "and",
            "of",
            "course",
            "certainly",
            "alright",
            "no",
            "sorry",
            "actually",
        )
        or words[0] in _TITLES
    ):
        words = words[1:]
    if not words:
        return None
    taken = _name_words(words, sure=False)
    rest = words[len(taken) :]
    if not taken or (
        rest and rest[0] not in _END | {"that's", "spelled", "sorry", "thanks", "okay"} and not is_letter(rest[0])
    ):
        return None
    return _name(taken)


def _name_words(words: list[str], *, sure: bool) -> list[str]:
    """The leading words that can be a name; a spelling of it ("d a n a") counts as the word."""
    while words and words[0] in _TITLES:
        words = words[1:]
    taken: list[str] = []
    i = 0
    while i < len(words) and len(taken) < 4:
        word = words[i].strip("'")
        if is_letter(word) or word == "double":
            spelled, used = _spelled(words[i:])
            if used < 2:
                if (
                    taken
                    and is_letter(word)
                    and i + 1 < len(words)
                    and word not in ("i", "a")
                    and words[i + 1] not in _EVERYDAY
                    and len(taken) == 1
                ):
                    i += 1  # a middle initial
                    continue
                break
            if taken and spelled[:1] == taken[-1][:1]:
                taken[-1] = spelled
            elif not taken:
                taken.append(spelled)
            i += used
            continue
        if is_number_word(word) or any(c.isdigit() for c in word):
            break
        if taken and word in _END:
            break
        if word in _EVERYDAY and not (sure and not taken and word in ("will", "mark", "may")):
            break
        if word in _PREFIXES and i + 1 < len(words) and words[i + 1] not in _EVERYDAY:
            taken.append(word)
            i += 1
            continue
        taken.append(word)
        i += 1
        if len([w for w in taken if w not in _PREFIXES]) == 3:
            break
    while taken and taken[-1] in _PREFIXES and len(taken) > 1:
        taken.pop()
    return taken if taken and not (len(taken) == 1 and taken[0] in _PREFIXES and len(taken[0]) < 3) else []


def _spelled(words: list[str]) -> tuple[str, int]:
    used = 0
    while used < len(words) and (
        is_letter(words[used])
        or words[used] in ("double", "triple")
        or (words[used : used + 2] and words[used] in ("as", "in") and used > 0)
    ):
        used += 1
    return "".join(p.text for p in pieces(words[:used])), used


def _name(words: list[str]) -> Name:
    first, *rest = words
    return Name(_title([first]), _title(rest))


def _title(words: list[str]) -> str:
    """Written as names are: McDonald, O'Brien, van der Berg, Mary-Ann."""
    out: list[str] = []
    for word in words:
        if word in ("van", "von", "der", "den", "de", "del", "di", "da", "dos", "du", "bin", "ibn") and len(words) > 1:
            out.append(word)
        elif word.startswith("mc") and len(word) > 3:
            out.append("Mc" + word[2:].capitalize())
        else:
            out.append(
                "-".join(
                    "'".join(
                        p[:1].upper() + p[1:] if len(p) > 1 or i == 0 else p for i, p in enumerate(part.split("'"))
                    )
                    for part in word.split("-")
                )
            )
    return " ".join(out).replace("O Brien", "O'Brien")


_COMPANY = re.compile(
    r"\b(?:(?:i'm|i am|this is [\w' -]{2,30}?|we're|we are|calling|here|[a-z]+) (?:from|with|at|calling from|over at|out of|representing)|from|(?:i|we) work (?:for|at)|(?:company|business|firm|agency|our name|company name|organization|organisation|shop) (?:is called|is|called|name is|named)|called|on behalf of|we're called|the name of the company is|work for|"
    r"at)\s+(?P<rest>[a-z0-9][\w' &-]*)"
)
_COMPANY_END = {"and", "we", "we're", "we've", "we'd", "i", "i'm", "i'd", "i've", "it's", "it", "is", "there", "there's", "the", "my", "our", "so", "in", "on", "here", "calling", "who", "which", "that", "has", "have", "to", "do", "use", "using", "uses", "was", "with", "about", "for", "a", "an", "at", "by", "can", "could", "would", "please", "thanks", "thank", "where", "because", "but", "or", "if", "just", "right", "now", "based", "out", "over", "looking", "trying"}  # fmt: skip
_NO_COMPANY = {
    "the",
    "a",
    "an",
    "my",
    "our",
    "your",
    "this",
    "that",
    "here",
    "home",
    "work",
    "day",
    "first",
    "last",
    "next",
    "least",
    "most",
    "all",
    "once",
    "noon",
    "three",
    "two",
    "one",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "scratch",
    "us",
    "you",
    "them",
    "it",
    "time",
    "about",
    "what",
    "where",
    "now",
    "then",
    "today",
    "tomorrow",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "christmas",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "lunch",
    "half",
    "quarter",
    "night",
    "any",
    "some",
    "something",
    "someone",
    "people",
    "hubspot",
    "salesforce",
    "pipedrive",
    "dynamics",
    "pandadoc",
    "panda",
    "word",
    "excel",
    "google",
    "docusign",
    "outlook",
    "gmail",
    "microsoft",
    "another",
    "other",
    "different",
    "around",
    "under",
    "sales",
    "marketing",
    "hr",
    "legal",
    "finance",
    "accounting",
    "support",
    "beginning",
    "end",
    "start",
    "everything",
    "anything",
    "there",
    "and",
    "so",
    "is",
    "was",
    "we",
    "i",
    "both",
    "either",
    "example",
}


def company(text: str) -> str | None:
    """The company in 'from larkfield interiors', 'at northwind we ...', 'our company is called ...'."""
    said = plain(text)
    found: str | None = None
    for match in _COMPANY.finditer(said):
        words: list[str] = []
        rest = match["rest"].split()
        if rest[:2] == ["a", "company"] and "called" in rest[:4]:
            rest = rest[rest.index("called") + 1 :]
        if rest and rest[0] == "the" and len(rest) > 2:
            continue
        for word in rest:
            if (
                word in _COMPANY_END
                or (not words and word in _NO_COMPANY)
                or len(words) == 4
                or (is_number_word(word) and words)
            ):
                break
            words.append(word)
        if not words or is_number_word(words[0]) or "@" in words[0] or "dot" in rest[: len(words) + 2]:
            continue
        place = " ".join(words)
        if zones.zone(f"in {place}") or zones.zone(place):
            continue
        weak = match[0].split(" ")[0] == "at"
        # "at northwind we ...": the bare "at" needs a "we" behind it to be a company
        if weak and not re.match(r"(?:we|we're|we've|we'd|i|i'm|and we|our|they)\b", " ".join(rest[len(words) :])):
            continue
        found = " ".join(w if w in ("and", "of") else w.capitalize() for w in words)
        break
    return found
