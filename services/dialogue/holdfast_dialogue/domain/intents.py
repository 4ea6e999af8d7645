# ruff: noqa: E501 - a phrase table: one idea a line
"""What a caller wants to do with the call, apart from asking about the product: a table of phrases.

Several may be meant at once. A phrase is a regular expression over normalised words; where a
question about the same thing is common ("how long does the meeting take"), the exclusion beside it
says so.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Intent(StrEnum):
    GREETING = "greeting"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    NOTHING_MORE = "nothing_more"
    MEETING = "meeting"
    CHANGE_MEETING = "change_meeting"
    CANCEL_MEETING = "cancel_meeting"
    MEETING_STATUS = "meeting_status"
    PERSON = "person"
    FOLLOW_UP = "follow_up"
    ROBOT = "robot"
    RECORDING = "recording"
    REPEAT = "repeat"
    SLOWER = "slower"
    START_OVER = "start_over"
    WAIT = "wait"
    STOP = "stop"
    RESERVED = "reserved"
    DELETE_DATA = "delete_data"
    ACCOUNT = "account"
    CANCEL_PLAN = "cancel_plan"
    INJECTION = "injection"
    OTHER_PEOPLE = "other_people"
    LEGAL = "legal"
    ABUSE = "abuse"
    UPSET = "upset"
    SPANISH = "spanish"
    TOPIC_ONLY = "topic_only"
    REPORT = "report"
    DISCOUNT = "discount"
    CHILD = "child"


_WHO = r"(?:specialist|expert|somebody|someone|sales(?:person)?|one of your (?:people|team)|your team|colleague|advisor|consultant)"
_MEET = r"(?:meeting|appointment|demo|call|walk ?through|slot|time|session|specialist|something in)"

PHRASES: dict[Intent, str] = {
    Intent.GREETING: r"^(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening))\b",
    Intent.GOODBYE: r"\b(?:good ?bye|bye(?: bye)?|see you(?: later)?|talk to you later|have a (?:good|nice|great) (?:day|one|evening|weekend)|i have to go|hang up now|cheers bye)\b",
    Intent.THANKS: r"\b(?:thanks|thank you|cheers|much appreciated|appreciate it|that's (?:very |really |so |super )?(?:helpful|great|perfect|good|nice|cool|awesome|clear|useful|wonderful)|got it|i see|makes sense|good to know|sounds good)\b",
    Intent.NOTHING_MORE: r"\b(?:that(?:'s| is| was|'ll be| will be) (?:all|it|everything)(?: i (?:needed|wanted))?|nothing else|no more questions|i'm (?:good|all set|done)|that's all i needed)\b",
    Intent.MEETING: (
        rf"\b(?:book|schedule|set up|arrange|organi[sz]e|make|fix|get me|plan|put in)\b(?: \w+){{0,4}} {_MEET}\b"
        rf"|\b(?:like|want|need|love|get|give|have|take|looking for|do)\b(?: \w+){{0,2}} (?:a|the|an|your|my) (?:\w+ )?(?:meeting|appointment|demo|specialist|walk ?through|sales call)\b"
        r"|\b(?:a|an) (?:meeting|appointment|demo|walk ?through)(?: \w+){0,2} (?:today|tomorrow|next|this|on|at|monday|tuesday|wednesday|thursday|friday)\b"
        rf"|\b(?:like|want|need|get|can i|could i|have) (?:to )?(?:talk|speak|meet|chat|see|get)?(?: \w+)? ?(?:to|with)? ?(?:a |an |the )?{_WHO}\b(?: (?:to )?(?:show|walk|call|tomorrow|on|at|from|who|that))?"
        rf"|\b(?:talk|speak|meet|chat) (?:to|with) (?:a |an |the |one of your )?(?:{_WHO}|specialists)\b"
        r"|\b(?:meeting|demo|appointment|walk ?through) (?:today|tomorrow|next (?:week|monday|tuesday|wednesday|thursday|friday)|this (?:week|afternoon)|on (?:monday|tuesday|wednesday|thursday|friday))\b"
        r"|\b(?:show|walk|take|guide|talk)s? (?:us|me) (?:around|through)\b|\bsomebody's calendar\b|\b(?:can|could) we meet\b|\bbook (?:it|me)(?: in)?\b|\bi need a demo\b"
        r"|\bwhat times? (?:do you have|are (?:available|free|open))\b|\b(?:are you|is (?:a |the )?(?:specialist|anyone|anybody|somebody)) (?:free|available)\b"
        r"|\b(?:any|what|which) (?:openings|slots|availability|times)\b|\bwhen (?:can|could) (?:we|i) (?:meet|talk|speak|get)\b"
    ),
    Intent.CHANGE_MEETING: r"\b(?:move|reschedule|change|shift|postpone|push)\b(?: \w+){0,3} (?:meeting|appointment|booking|demo|time|slot)\b|\breschedule\b|\bmove it to\b",
    Intent.CANCEL_MEETING: r"\b(?:cancel|call off|drop|delete)\b(?: \w+){0,3} (?:meeting|appointment|booking|demo)\b|\bcancel that (?:meeting|booking)\b",
    Intent.MEETING_STATUS: r"\bam i booked\b|\bis it booked\b|\bdid (?:it|that|you) (?:book|go through)\b|\bwhen is my meeting\b|\bwhat time is my meeting\b|\bhave i got a meeting\b",
    Intent.PERSON: (
        r"\b(?:speak|talk|connect|transfer|put|pass|get)\b(?: \w+){0,3} (?:a |an |another |some )?(?:real |actual |live |human )?(?:person|human|human being|agent|operator|representative|rep|manager|supervisor|somebody real|someone real)\b"
        r"|\b(?:real|actual|live) (?:person|human)(?: please)?$|^(?:operator|representative|human|agent)(?: please)?$|\bi want a (?:human|person)\b|\bspeak to your manager\b"
    ),
    Intent.FOLLOW_UP: r"\b(?:have|let|get|ask) (?:somebody|someone|a person|them|a colleague|your team)(?: to)? (?:write|call|email|contact|get back|reach|follow)\b|\b(?:call|write|email) me(?: back)?\b|\bget in touch with me\b|\breach out to me\b",
    Intent.ROBOT: r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with))\b(?: \w+){0,2} (?:real|robot|human|machine|bot|ai|a i|person|computer|automated|recording)\b|\bwho am i (?:talking|speaking) (?:to|with)\b",
    Intent.RECORDING: r"\b(?:record(?:ing|ed)?|keep|store|save)\b(?: \w+){0,3} (?:me|call|conversation|this|voice)\b|\b(?:being|is it) recorded\b|\bcall recorded\b",
    Intent.REPEAT: r"\b(?:repeat (?:that|it|please)|can you repeat|say (?:that|it) again|come again|pardon(?: me)?$|what did you (?:just )?say|one more time|once more please|i didn't (?:catch|hear|get) (?:that|you|it)|can you say that)\b|^(?:repeat|sorry what|what was that|what|pardon|excuse me)$",
    Intent.SLOWER: r"\b(?:slower|slow down|more slowly|too fast|not so fast|speak slowly)\b",
    Intent.START_OVER: r"\b(?:start (?:over|again|from the (?:beginning|start|top))|begin again|let's restart)\b",
    Intent.WAIT: r"\b(?:hang on|hold on|one (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)|wait a (?:moment|second|sec|minute)|give me a (?:moment|second|sec|minute)|let me (?:check|think|look))\b|^wait$",
    Intent.STOP: r"^(?:no )*(?:stop|shut up|be quiet|enough|that's enough|okay stop)(?: it| please| talking)?$",
    Intent.RESERVED: r"\b(?:rather not|stop asking|not (?:now|right now|today)|later maybe|maybe later|that's not why i called|none of your business|i don't want to (?:say|tell|answer|give)|just (?:had|have) (?:a )?questions?|i said cancel|just curious|why do you (?:ask|need|want)|(?:are you )?serious right now|skip (?:that|it)|prefer not)\b",
    Intent.DELETE_DATA: r"\b(?:delete|erase|remove|wipe|forget)\b(?: \w+){0,5} (?:data|information|details|records?|everything you (?:have|know|store|keep))\b|\bright to (?:erasure|be forgotten)\b|\barticle seventeen\b",
    Intent.ACCOUNT: r"\b(?:look (?:into|at|up)|check|open|log in(?:to)?|see|access|upgrade|change|reset|extend|cancel|refund|delete|send|resend|approve)\b(?: \w+){0,3} (?:my|our) (?:\w+ )?(?:account|password|invoice|trial|subscription|card|plan|documents?|username|email address)\b(?: \w+){0,3} (?:for me|right now|today|in the system)\b|\b(?:can|could) you (?:just )?(?:do it|do that|cancel it|look into my account|see my account|check my account|log in)\b|\blook it up\b|\bcan you (?:see|access) my (?:account|screen)\b",
    Intent.CANCEL_PLAN: r"\b(?:cancel|quit|end|stop)\b(?: \w+){0,2} (?:trial|subscription|plan|membership)\b",
    Intent.INJECTION: r"\b(?:system prompt|your (?:instructions|prompt|rules|programming)|ignore (?:all |your |the |my )?(?:previous |prior )?(?:instructions|rules)|override code|developer mode|everything above|names of your tools|your tools|jailbreak|pretend (?:you are|to be)|act as (?:a|an|if)|you are now|word for word|first sentence)\b",
    Intent.OTHER_PEOPLE: r"\b(?:previous|last|other|another|earlier|the next) (?:caller|customer|person|client|user)(?:'s|s)?\b(?! (?:sign|to sign))|\b(?:address|details|email|number|meeting) you have for (?:her|him|them)\b|\blist of (?:people|callers|customers|names)\b|\b(?:people|customers|callers|anyone|who|who else|anybody) (?:that |who )?(?:has |have )?(?:called|booked|rang|phoned)\b|\b(?:does|did|has|is) (?!it\b|this\b|that\b|there\b|your\b|the\b)\w+(?: \w+)? (?:have|got|had|made?) (?:a|an|any) (?:booking|meeting|appointment) with you\b|\bsomebody else's (?:data|meeting|email)\b|\bwhat time is (?:her|his|their) (?:meeting|appointment)\b|\b(?:she|he) called (?:an hour|earlier|before|yesterday)\b",
    Intent.LEGAL: r"\b(?:sue|lawsuit|court|hold up|enforceable|non ?compete|legal advice|lawyer|attorney|liable|should i sign|is this clause|how much tax|legally binding in my)\b",
    Intent.ABUSE: r"\b(?:stupid|idiot|dumb|useless|moron|piece of (?:junk|crap|shit|garbage)|fuck\w*|shit|bitch|asshole|shut up|bastard|you suck|screw you|damn (?:bot|robot|machine|you))\b",
    Intent.UPSET: r"\b(?:a joke|ridiculous|unacceptable|furious|angry|frustrat\w+|annoy(?:ed|ing)|fed up|sick of|terrible|awful|worst|waste of (?:my )?time|look like an idiot|disappointed|outrageous|waiting (?:two|three|four|five|for) (?:days|weeks|ever|hours)|i'm not stupid|are you serious|fix this|what the hell|bloody|damn thing|for god's sake|driving me (?:crazy|nuts|mad)|this is crap|makes me mad|so mad|complain(?:t)?)\b",
    Intent.SPANISH: r"\b(?:hola|gracias|adi[oó]s|espa[nñ]ol|cu[aá]nt[oa]s|prueba|perd[oó]n|despu[eé]s|por favor|quiero|necesito|buenos d[ií]as|spanish|ayuda|cobran|c[oó]mo)\b",
    Intent.REPORT: r"\b(?:report|log|file|raise|submit|register) (?:a|an|this|that|the|one|another)(?: \w+)? ?(?:problem|bug|issue|error|fault|ticket|complaint|defect|incident)\b|\bopen a (?:ticket|case)\b|\bi(?:'ve| have) (?:found|got|hit) a (?:bug|defect)\b|\bmake a complaint\b",
    Intent.DISCOUNT: r"\b(?:discount|percent off|half price|coupon|promo(?:tional)? code|voucher|special (?:offer|price|deal)|cheaper (?:price|deal)|better (?:price|deal)|knock (?:something|some|a bit) off|price match|free months?)\b",
    Intent.CHILD: r"\bi(?:'m| am) (?:a kid|a child|(?:four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|[4-9]|1[0-3]) years? old|(?:four|five|six|seven|eight|nine|ten|eleven|twelve) and a half)\b|\bmy (?:mom|mum|mommy|mummy|dad|daddy)'s phone\b",
    Intent.TOPIC_ONLY: r"^(?:i(?:'ve| have)? ?(?:got )?(?:a|another|one more|some|a few|a couple of|two) (?:quick |other )?questions?|can i ask (?:you )?(?:a question|something)|i wanted to ask (?:you )?something|(?:i (?:was )?wonder(?:ing)? if )?(?:you )?(?:can|could) (?:you )?help(?: me)?(?: out)?|i need (?:some |your )?help)(?: (?:about|on|for you|regarding)(?: \w+){0,4})?$",
}

_NOT: dict[Intent, str] = {
    Intent.REPORT: r"\b(?:how|can|could|where) (?:do|can|would|should|could)? ?(?:i|we) (?:see|get|run|export)\b",
    Intent.DISCOUNT: r"\b(?:add|apply|put|show|offer (?:my|our)|give (?:my|our|a client|the client|clients|customers)|on (?:a|the) (?:quote|line|pricing table|proposal)|pricing table|line item)\b",
    Intent.MEETING: r"\b(?:how long (?:is|does|will) (?:the |a |an )?(?:meeting|appointment|demo|call|specialist)|is the meeting|would i qualify|what happens in|do i have to|cancel|reschedule|move|my meeting|document|don't want|no meeting)\b",
    Intent.PERSON: r"\b(?:are you|is this|am i)\b(?: \w+){0,2} (?:real|actual|human|person)\b|\bsign\b",
    Intent.RECORDING: r"\b(?:document|audit|keep the|keep it|keep my|save this (?:as|document|template))\b",
    Intent.CANCEL_MEETING: r"\bhow (?:do|can|would) i\b",
    Intent.DELETE_DATA: r"\bhow do i (?:delete|remove) (?:a|the|my) (?:document|template|field)\b",
    Intent.LEGAL: r"\b(?:lawyer is|legal team|from legal|my lawyer (?:can|sign))\b",
    Intent.OTHER_PEOPLE: r"\bcan (?:another|the other|the next) (?:person|customer|client|user)\b",
    Intent.ROBOT: r"\b(?:real time|person who sign)\b",
}

_COMPILED = {intent: re.compile(pattern) for intent, pattern in PHRASES.items()}
_COMPILED_NOT = {intent: re.compile(pattern) for intent, pattern in _NOT.items()}
_SPANISH_ALONE = re.compile(
    r"\b(?:(?:you|we|i)(?:'d| would)?(?: rather| like to| prefer to)? (?:speak|talk|go on|continue)|hablas?|habla|hablan|hablar)"
    r"(?: in| en)? (?:spanish|espa[nñ]ol)\b|^(?:in |en )?(?:spanish|espa[nñ]ol)(?: please| por favor)?$"
    r"|\bin spanish please\b|\ben espa[nñ]ol\b"
)
"""One Spanish word is a wish for the language only where it says so: documents, too, can be in Spanish."""


def intents(text: str) -> frozenset[Intent]:
    """All intents in normalised words."""
    found = {
        intent
        for intent, pattern in _COMPILED.items()
        if pattern.search(text) and not (intent in _COMPILED_NOT and _COMPILED_NOT[intent].search(text))
    }
    if (
        Intent.SPANISH in found
        and len(set(_COMPILED[Intent.SPANISH].findall(text))) < 2
        and not _SPANISH_ALONE.search(text)
    ):
        found.discard(Intent.SPANISH)
    if Intent.CANCEL_PLAN in found:
        found.discard(Intent.CANCEL_MEETING)
    if found & {Intent.PERSON, Intent.FOLLOW_UP} and "specialist" not in text:
        found.discard(Intent.MEETING)
    return frozenset(found)
