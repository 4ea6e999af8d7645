"""Questions that no article may answer, however close the words are: told by rules, before the search.

A similarity cannot tell "how do I extend the trial" (an article) from "extend my trial right now, please" (an act
in somebody's account), nor "is it binding" from "is clause nine binding for me". These rules can, for English. They
are about what is asked *for*; what the knowledge is about does not matter, and rivals' names come from the profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum


class Outside(StrEnum):
    """Why a question is outside of what a knowledge base may answer."""

    ACCOUNT_ACTION = "account_action"
    """Look something up or do something in the caller's account."""
    ADVICE = "advice"
    """Legal, tax or business advice on the caller's own case."""
    COMPETITOR = "competitor"
    """About another company's product."""
    UNSAFE = "unsafe"
    """Deceit, other people's data, the assistant's inner workings."""


_ACT = (
    r"(?:cancel|delete|remove|resend|send|approve|upgrade|downgrade|extend|refund|change|update|reset|unlock|sign|"
    r"transfer|void|switch|add|create|fix|open|pull up|look up|look|check|see|find|read|move|turn|put|give|apply|book|"
    r"restore|close|activate|set|edit|correct|renew|stop)"
)
_POLITE = r"(?:please|can you|could you|would you|will you|i want you to|i need you to|i'd like you to|go ahead and)"
_OWN = r"(?:my|our|mine)"
_THING = (
    r"(?:account|trial|plan|subscription|documents?|contracts?|invoices?|proposals?|quotes?|password|email|card|"
    r"payment|order|user|users|agreement|ticket|booking|settings)"
)

_RULES: dict[Outside, tuple[str, ...]] = {
    Outside.UNSAFE: (
        r"\bforg(?:e|ing)\b",
        r"\bfake (?:a|the|my|his|her|their) (?:signature|document|id)",
        r"\bwithout (?:\w+ ){1,3}(?:knowing|noticing|finding out)\b",
        r"\bwithout (?:telling|asking) (?:him|her|them|my)",
        r"\bsystem prompt\b",
        r"\b(?:ignore|forget) (?:\w+ )?(?:your|all|any|previous|the) (?:\w+ )?(?:instructions|rules)\b",
        r"\bhack\w*\b",
        r"\bback ?dat(?:e|ed|ing)\b",
        r"\bpretend (?:to be|that i)\b",
        r"\bimpersonat\w+",
        (
            r"\b(?:last|previous|other|another|before me|earlier) (?:person|caller|customer|user)s?\b.*\b(?:called?|"
            r"said?|say|asked?|email|number|address|name|phone|data)\b"
        ),
        (
            r"\b(?:email|phone|number|address|name|data|password|documents?)\b.*\b(?:of|from) (?:another|an?other|"
            r"the last|the previous|somebody else|someone else|other) ?(?:person|caller|customer|user|people|"
            r"company)?"
        ),
        r"\b(?:caller|customer|person) before me\b",
        r"\bwho else (?:called|is calling)\b",
        r"\b(?:admin|administrator)(?:'s|s)? password\b",
        r"\bother people's (?:documents|data|files|accounts?)",
    ),
    Outside.ADVICE: (
        r"\bshould (?:i|we) (?:even )?(?:sign|sue|accept|invest|agree|fire|buy|hire|charge)\b",
        r"\bcan (?:i|we) sue\b",
        r"\bsue (?:him|her|them|my|somebody|someone)\b",
        r"\bwhat should (?:i|we) (?:write|put|charge|say|ask for|include|do about)\b",
        r"\bhow (?:do|should|would) i (?:word|phrase)\b",
        r"\b(?:tax|taxes|vat) (?:do|does|should|will|must) (?:i|we)\b",
        r"\b(?:pay|owe|deduct|write off) (?:any |the |some )?(?:tax|taxes|vat)\b",
        r"\btax (?:return|advice)\b",
        r"\bnon ?competes?\b",
        (
            r"\bis (?:this|that|the|my|his|her|our) (?:\w+ )?(?:clause|contract|lease|nda|agreement) (?:fair|"
            r"enforceable|legal|valid|okay|ok|binding|any good)"
        ),
        r"\bclause \w+ (?:a problem|okay|ok|fair|binding|enforceable|legal)\b",
        r"\bis it a good idea to (?:invest|buy|sue|sign)",
        (
            r"\b(?:review|look over|look at|check|read through|explain) (?:my|this|the|our) (?:lease|contract|"
            r"agreement|clause|nda|will)\b(?! (?:status|got|has|was))"
        ),
        r"\b(?:write|draft) (?:me|us) (?:a|an|the|my|our)\b",
        r"\bdo i need a lawyer\b",
        r"\bwhich (?:law|court) (?:applies|governs)\b",
        r"\bmy (?:landlord|divorce|tenant|ex wife|ex husband)\b",
        r"\b(?:notice period|severance|liability cap|penalty)\b.*\b(?:should|fair|reasonable|normal|put)\b",
    ),
    Outside.COMPETITOR: (
        r"\b(?:cheaper|better|worse) than (?:you|yours)\b",
        r"\byour (?:biggest |main )?(?:competitors?|rivals?|competition)\b",
    ),
    Outside.ACCOUNT_ACTION: (
        rf"\b{_ACT} (?:it|that|this|them|him|her)(?: \w+){{1,3}} (?:for me|for us)\b",
        rf"^(?:{_POLITE} )?(?:just )?{_ACT}\b.* (?:for|on) (?:my|our) account\b",
        rf"\b{_POLITE} (?:just )?(?:call|phone|ring) (?:my|our|him|her|them)\b",
        r"\bgive (?:me|us) .*\b(?:percent|per cent) off\b",
        (
            rf"\b{_POLITE} (?:\w+ )?{_ACT}\b.*\b{_OWN} (?:\w+ )?{_THING}\b.*\b(?:for me|right now|right away|"
            r"immediately|today|now)\b"
        ),
        rf"\bplease {_ACT} (?:\w+ )?{_OWN}\b",
        (
            rf"\b{_ACT} (?:it|that|this|them|me|him|her|{_OWN} [\w ]+|the [\w ]+) (?:for me|for us)(?: (?:now|please|"
            r"right now))?$"
        ),
        rf"^(?:please )?{_ACT} (?:{_OWN}|me|the) .*\b(?:right now|now|today|immediately|please)$",
        r"\b(?:can|could|would|will) you (?:please )?(?:look|check|find|pull) (?:it|that|this|them)? ?up\b",
        r"\blook (?:it|that|this) up\b",
        (
            r"\b(?:pull up|open|log in ?to|go into|get into|look in|access) (?:my|our) (?:account|documents?|profile|"
            r"workspace)\b.*\b(?:and|to) (?:see|tell|check|look|find|fix|change|read)\b"
        ),
        (
            r"\b(?:has|have) (?:\w+ ){1,8}(?:signed|paid|opened|viewed|approved|answered)\b.*\b(?:can|could|would) "
            r"you (?:check|tell|look|see)\b"
        ),
        (
            r"\b(?:tell me|check|see|find out) (?:if|whether) (?!i |we |you |it |that |this |they |the client |the "
            r"customer |the recipient |someone |somebody |my client |people )\w+(?: \w+)? (?:has |have |already "
            r")*(?:signed|paid|opened|viewed|approved)\b"
        ),
        (
            r"\b(?:tell me|read me|give me|look up|send me) (?:\w+ ){0,3}(?:my|our|on my|in my) (?:last|latest|own|"
            r"current|account|balance|invoice|password)\b"
        ),
        r"\bhow many (?:\w+ ){1,5}(?:do i have|have i) (?:left|used|sent)\b",
        r"\blog in for me\b",
        r"\bin (?:the|your) system (?:for me|please)\b",
        (
            r"\b(?:give|get|grant) (?:me|us) (?:a|an|the|my) (?:discount|refund|extension|coupon|promo|free month|"
            r"voucher)\b"
        ),
    ),
}
"""Each reason's patterns; the first reason that has a match is given."""


class Borders:
    """The rules, with the profile's names of rivals. Immutable."""

    def __init__(self, rivals: Iterable[str] = ()) -> None:
        self._rules = [(why, re.compile("|".join(patterns))) for why, patterns in _RULES.items()]
        names = sorted({_apart(name) for name in rivals if name.strip()}, key=len, reverse=True)
        self._rivals = re.compile(rf"\b(?:{'|'.join(names)})\b") if names else None

    def outside(self, text: str) -> Outside | None:
        """Why this question may not be answered from the knowledge; None where it may."""
        said = " ".join(re.sub(r"[^a-z0-9' ]+", " ", text.lower().replace("\u2019", "'")).split())
        if self._rivals and self._rivals.search(said):
            return Outside.COMPETITOR
        return next((why for why, rule in self._rules if rule.search(said)), None)


def _apart(name: str) -> str:
    """A name, its parts joined or apart ("docusign", "docu sign"): recognisers write both."""
    parts = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return r" ?".join(map(re.escape, parts))
