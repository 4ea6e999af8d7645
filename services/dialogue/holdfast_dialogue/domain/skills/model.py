"""The next route for what the knowledge base is not sure of: a language model over what was found.

Its sentences leave one by one, each judged first (`model_guard`); its proposals lead to a look-up or to a
question, never to an act (`model_tools`). Whatever goes wrong, the skill that asked takes its own way on.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from holdfast_common.contracts.dialogue import Sentence
from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness

from holdfast_dialogue.domain import model_budget, model_guard, model_prompt, model_tools, wording
from holdfast_dialogue.domain.model_guard import Verdict
from holdfast_dialogue.domain.model_steps import (
    AskModel,
    ModelDone,
    ModelFailed,
    ModelProposal,
    ModelText,
    ReadOn,
    StopModel,
)
from holdfast_dialogue.domain.model_text import SentenceStream
from holdfast_dialogue.domain.qualification import Standing, standing
from holdfast_dialogue.domain.steps import Answer, Step, Steps
from holdfast_dialogue.domain.talk import Detail, Talk

ROUTE = "model"
MAX_SENTENCES = 4
MAX_ROUNDS = 2
"""The second one after a look-up that the model proposed."""
LEAST_WORDS = 3
"""Shorter words that nobody understood are asked for again, not interpreted."""

Spoke = Generator[Step, Answer, bool]
"""Returns whether anything was said."""


def can_answer(talk: Talk) -> bool:
    """Is there a model, may it be used for this turn, and is this not another route's reply gone on with?"""
    if not model_budget.may_ask(talk.allowance, talk.state, talk.turn):
        return False
    begun = talk.turn.accepted[len(talk.reply) :]
    return not begun or begun[0].notes.route == ROUTE


def understand_freely(talk: Talk) -> Steps:
    """Words that no rule could make anything of: the model may answer them, or see what they are about."""
    said = talk.understood.text
    if talk.reply or talk.state.task or len(said.split()) < LEAST_WORDS or not can_answer(talk):
        return
    found = yield KnowledgeSearch(text=said[:2000])
    yield from answer(talk, said, found.hits if isinstance(found, KnowledgeHits) else ())


def answer(talk: Talk, question: str, hits: Sequence[Hit]) -> Spoke:
    """Answer from these hits; false: nothing was said, so the next route speaks."""
    if not can_answer(talk):
        return False
    reply = _Reply(talk, question)
    before = len(talk.reply)
    yield from reply.repeat_accepted()
    for last_round in (False, True)[:MAX_ROUNDS]:
        looked_up = yield from reply.ask(hits, may_search=not last_round)
        if looked_up is None:
            break
        if looked_up.sureness is Sureness.SURE and len(talk.reply) == before and looked_up.hits:
            yield from _say_article(talk, question, looked_up.hits[0])
            break
        hits = looked_up.hits
    if len(talk.reply) == before:
        return False
    talk.route = ROUTE
    return True


@dataclass(slots=True)
class _Reply:
    """One answer in the making."""

    talk: Talk
    question: str
    said: list[str] = field(default_factory=list)
    cut: bool = False

    def repeat_accepted(self) -> Steps:
        """What has begun to play elsewhere is this answer's beginning."""
        talk = self.talk
        for sentence in talk.turn.accepted[len(talk.reply) :]:
            if sentence.notes.route != ROUTE:
                return
            talk.reply.append(sentence)
            self.said.append(sentence.text)
            self._remember(sentence.notes.article, "")
            yield sentence

    def ask(self, hits: Sequence[Hit], *, may_search: bool) -> Generator[Step, Answer, KnowledgeHits | None]:
        """One request, read to its end. Returns what the model had looked up, where it asked for that."""
        talk, allowance = self.talk, self.talk.allowance
        assert allowance is not None
        request = model_prompt.build(
            talk.profile,
            talk.state,
            talk.turn.text,
            hits,
            tools=model_tools.ALL if may_search else model_tools.ALL[1:],
            accepted=self._accepted(),
            reply_tokens=allowance.reply_tokens,
            prompt_chars=allowance.prompt_chars,
        )
        ground = self._ground(request, hits)
        text = SentenceStream()
        proposals: list[ModelProposal] = []
        event = yield request
        while isinstance(event, ModelText | ModelProposal):
            if isinstance(event, ModelProposal):
                proposals.append(event)
            else:
                yield from self._say(text.feed(event.text), ground, hits)
            if self.cut or len(self.said) >= MAX_SENTENCES:
                yield StopModel()
                return None
            event = yield ReadOn()
        if isinstance(event, ModelDone | ModelFailed):
            model_budget.spend(talk.state, event)
            if isinstance(event, ModelFailed):
                talk.model_failure = event.kind
                talk.state.record("incident_logged", what=f"model_{event.kind}")
        whole = isinstance(event, ModelDone) and event.finish != "length"
        yield from self._say(text.rest(whole=whole), ground, hits)
        return (yield from self._follow(proposals, may_search=may_search)) if whole and not self.cut else None

    def _say(self, sentences: list[str], ground: model_guard.Ground, hits: Sequence[Hit]) -> Steps:
        talk = self.talk
        for sentence in sentences:
            if self.cut or len(self.said) >= MAX_SENTENCES:
                return
            verdict = model_guard.judge(sentence, ground)
            if verdict is Verdict.OK and sentence not in self.said:
                self.said.append(sentence)
                hit = model_guard.best_of(sentence, hits)
                article = hit.article if hit else ""
                yield from talk.words(sentence, detail=Detail(article=article, route=ROUTE))
                self._remember(article, hit.title if hit else "")
            elif verdict is Verdict.UNKNOWN or verdict.is_breach:
                self.cut = True
                if verdict.is_breach:
                    talk.refused.append(verdict)
                    model_budget.count_breach(talk.state)

    def _remember(self, article: str, title: str) -> None:
        """The subject of the answer, for follow-up questions."""
        talk = self.talk
        if talk.answered:
            return
        talk.answered = True
        talk.state.question = self.question[:300]
        talk.state.count("answers")
        if article:
            talk.article = talk.state.article = article
            talk.state.article_title = title or talk.state.article_title

    def _follow(
        self, proposals: list[ModelProposal], *, may_search: bool
    ) -> Generator[Step, Answer, KnowledgeHits | None]:
        """What becomes of the proposals: the first that holds, and no other."""
        talk, done = self.talk, False
        for proposal in proposals:
            made = model_tools.examine(proposal, talk.state, talk.turn.text)
            if done or (isinstance(made, model_tools.Search) and not may_search):
                made = model_tools.Refusal.ANOTHER
            match made:
                case model_tools.Search(query=query):
                    done = True
                    found = yield KnowledgeSearch(text=query)
                    if isinstance(found, KnowledgeHits):
                        return found
                case model_tools.Meeting():
                    done = True
                    yield from self._offer_meeting(made)
                case model_tools.FollowUp():
                    done = True
                    if not talk.has_asked:
                        yield from talk.say("offer_follow_up", asks="permission_follow_up", detail=Detail(route=ROUTE))
                case refusal:
                    talk.refused.append(refusal)
        return None

    def _offer_meeting(self, wish: model_tools.Meeting) -> Steps:
        """A meeting begins with the caller's own yes, whatever was proposed; all of it is read back later."""
        talk = self.talk
        if standing(talk.profile, talk.state.fields) is Standing.UNQUALIFIED or talk.has_asked:
            return
        if wish.email:
            talk.state.fields.setdefault("email", wish.email)
        yield from talk.say("offer_meeting", asks="permission_to_book", detail=Detail(route=ROUTE))

    def _accepted(self) -> list[Sentence]:
        return [s for s in self.talk.reply if s.notes.route == ROUTE and s.text in self.said]

    def _ground(self, request: AskModel, hits: Sequence[Hit]) -> model_guard.Ground:
        talk, profile = self.talk, self.talk.profile
        heard = [words for exchange in talk.state.exchanges for words in (exchange.said, exchange.reply)]
        about = [profile.company, profile.product, profile.agent_name, *talk.state.fields.values()]
        return model_guard.Ground(
            passages=model_prompt.grounding(hits),
            conversation="\n".join([*heard, talk.turn.text, *about]),
            instructions=model_prompt.instructions(profile),
            tools=tuple(tool.name for tool in request.tools) or model_tools.NAMES,
            said=tuple(self.said),
        )


def _say_article(talk: Talk, question: str, hit: Hit) -> Steps:
    """The look-up that the model proposed found the article: its own words are better than any model's."""
    talk.article = talk.state.article = hit.article
    talk.state.article_title, talk.state.question = hit.title, question[:300]
    talk.answered = True
    talk.state.count("answers")
    for sentence in wording.sentences(hit.answer):
        yield from talk.words(sentence, detail=Detail(article=hit.article, route=ROUTE))
