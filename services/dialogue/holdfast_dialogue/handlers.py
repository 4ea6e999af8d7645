"""The life of one turn: Turn in; sentences out as they are whole; tools asked; entry appended; Committed.

    recall -> think (sentences, tools) -> [confirmed] -> append -> Committed

A speculative turn thinks, and waits for its Confirm before it appends or changes the world. An
Interrupt ends the thinking at once; a change of the world that has begun goes on without this turn,
which commits with the wish pending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from holdfast_common import telemetry
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import (
    Committed,
    Confirm,
    Interrupt,
    Sentence,
    ToolUse,
    Turn,
    TurnEntry,
    TurnKind,
)
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import CHANGES_THE_WORLD, Booking, KnowledgeHits, ToolCall, ToolResult
from holdfast_common.errors import ContractError, StreamFailed
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Session
from msgspec.structs import replace

from holdfast_dialogue.domain.model_steps import AskModel, ReadOn, StopModel
from holdfast_dialogue.domain.state import FORMAT, State, dump, load, remember, take_accepted
from holdfast_dialogue.domain.steps import Answer, Outcome, Policy, Step, ToolFailed
from holdfast_dialogue.domain.talk import as_said
from holdfast_dialogue.journal import Journal
from holdfast_dialogue.model_run import ModelLimits, ModelRun
from holdfast_dialogue.ports import Model, Tools

log = structlog.get_logger()

T = TypeVar("T")
SPEAKING_S = 0.3
"""Kept of a turn's budget for the voice, and the least that a tool is given."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that the tools of a turn may take."""

    search_s: float = 2.0
    change_s: float = 8.0
    model: ModelLimits = field(default_factory=ModelLimits)


class Dialogue:
    """Serves turns; one instance for the life of the process, and nothing of any call in it."""

    def __init__(
        self,
        *,
        profile: Profile,
        policy: Policy,
        tools: Tools,
        call_log: CallLog,
        limits: Limits,
        model: Model | None = None,
        version: str = "",
    ) -> None:
        self.profile = profile
        self.policy = policy
        self.tools = tools
        self.call_log = call_log
        self.limits = limits
        self.model = model
        self.version = version

    async def __call__(self, session: Session) -> None:
        """Serve one turn. Raises StreamFailed: `superseded` when fenced, `bad_input` for a strange snapshot."""
        structlog.contextvars.bind_contextvars(turn=session.first.n)
        turn = OneTurn(self, session)
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(turn.listen(), name="turn-inputs")
                await turn.run()
                listening.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures  # the host tells StreamFailed from our bugs


class _Interrupted(Exception):
    """The caller has the floor."""


class OneTurn:
    """One opening of one turn."""

    def __init__(self, dialogue: Dialogue, session: Session) -> None:
        self._dialogue = dialogue
        self._session = session
        self._turn: Turn = session.first
        self._due = asyncio.get_running_loop().time() + self._turn.budget_ms / 1000
        self._state = State()
        self._reply: list[Sentence] = []
        self._tools_used: list[ToolUse] = []
        self._confirmed = asyncio.Event()
        self._interrupted = asyncio.Event()
        if self._turn.confirmed:
            self._confirmed.set()
        self._journal = self._open_journal()
        self._model = ModelRun(dialogue.model, dialogue.limits.model, self._turn.budget_ms / 1000)

    async def listen(self) -> None:
        """Take the turn's signals as they come."""
        async for item in self._session:
            match item:
                case Confirm():
                    self._confirmed.set()
                case Interrupt():
                    self._confirmed.set()  # only what is confirmed is ever played
                    self._interrupted.set()

    @property
    def budget_s(self) -> float:
        """Left until the caller should hear the first sentence; what takes longer has a shorter way."""
        return max(0.0, self._due - asyncio.get_running_loop().time())

    async def run(self) -> None:
        await self._recall()
        outcome = await self._think()
        await self._confirmed.wait()
        await self._commit(outcome)

    async def _recall(self) -> None:
        """The state after the previous turn: as given, or out of the log where this side must know better."""
        turn = self._turn
        self._state = self._load(turn.snapshot)
        if turn.kind is TurnKind.RESUMED and not turn.snapshot:
            await self._recall_from_log()
        elif turn.attempt:
            # An earlier attempt of this turn was withdrawn; if it had begun to change the world, that stands.
            there = await self._journal.read_last()
            if there and there.n == turn.n and (there.intent or there.booking):
                self._state = self._load(there.snapshot)
        self._state.version = self._state.version or self._dialogue.version

    async def _recall_from_log(self) -> None:
        """After the death of a gateway: the last entry holds the state, and says which turn this is."""
        turn = self._turn
        self._journal = self._open_journal(any_turn=True)
        there = await self._journal.read_last()
        last = self._journal.last
        if there is not None:
            # Opened again after it had been written: the same turn once more, from the state in its entry.
            again = there.kind is TurnKind.RESUMED and there.generation == self._session.generation
            self._state = self._load(there.snapshot)
            self._turn = replace(turn, n=max(turn.n, there.n if again else there.n + 1))
        self._journal = self._open_journal()
        self._journal.last = last

    async def _think(self) -> Outcome:
        """Run the policy to its end, or to the caller's interruption."""
        turn, state = self._turn, self._state
        model = self._dialogue.model
        if model is not None and model.is_away:  # the call is served a little worse, asked or not
            state.record("incident_logged", what="model_away")
        steps = self._dialogue.policy(self._dialogue.profile, state, turn, self._session.call)
        answer: Answer = None
        try:
            while not self._interrupted.is_set():
                step = steps.send(answer)
                answer = await self._do(step)
            outcome = Outcome(state=state, route="interrupted")
        except StopIteration as done:
            outcome = done.value
        except _Interrupted:
            outcome = Outcome(state=state, route="interrupted")
        finally:
            steps.close()
            await self._model.close()
        self._reply.extend(turn.accepted[len(self._reply) :])
        if turn.kind is not TurnKind.ENDED:
            remember(state, turn.n, turn.text, [as_said(sentence) for sentence in self._reply])
        return outcome

    async def _do(self, step: Step) -> Answer:
        match step:
            case Sentence():
                await self._say(step)
                return None
            case AskModel():
                await self._unless_interrupted(self._confirmed.wait())  # tokens are for what was really said
                return await self._unless_interrupted(self._model.take(step))
            case ReadOn() | StopModel():
                return await self._unless_interrupted(self._model.take(step))
            case _:
                return await self._ask(step)

    async def _say(self, sentence: Sentence) -> None:
        """Send a sentence; one that has begun to play stands as it was, and is not sent again."""
        accepted = self._turn.accepted
        if sentence.index < len(accepted):
            sentence = accepted[sentence.index]
            take_accepted(self._state, sentence)
        else:
            await self._session.send(sentence)
        self._model.spoken()
        self._reply.append(sentence)

    async def _ask(self, request: ToolCall) -> Answer:
        changes = isinstance(request, CHANGES_THE_WORLD)
        if changes:
            await self._unless_interrupted(self._confirmed.wait())
            if not await self._journal.write_intent(self._entry(intent=request.key)):
                self._note(request, "not_allowed", 0.0)
                return ToolFailed("not_allowed")
        limits, loop = self._dialogue.limits, asyncio.get_running_loop()
        limit_s = min(limits.change_s if changes else limits.search_s, max(0.1, self._session.remaining_s()))
        if not changes:
            limit_s = min(limit_s, max(SPEAKING_S, self.budget_s - SPEAKING_S))
        began = loop.time()
        task = self._dialogue.tools.begin(
            request, call=self._session.call, generation=self._session.generation, deadline_s=limit_s
        )
        try:
            result = await self._unless_interrupted(asyncio.shield(task) if changes else task)
        except StreamFailed as error:
            if error.code == ErrorCode.SUPERSEDED:
                raise
            self._note(request, error.code, loop.time() - began)
            return ToolFailed(error.code, began=changes)
        finally:
            if not changes:
                task.cancel()
        self._note(request, _outcome_of(result), loop.time() - began)
        return result

    async def _unless_interrupted(self, awaited: Awaitable[T]) -> T:
        """The result, or _Interrupted as soon as the caller takes the floor."""
        work = asyncio.ensure_future(awaited)
        interrupted = asyncio.ensure_future(self._interrupted.wait())
        try:
            await asyncio.wait({work, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise _Interrupted
            return work.result()
        finally:
            work.cancel()
            interrupted.cancel()

    async def _commit(self, outcome: Outcome) -> None:
        """Append, then hand the state back."""
        for kind in outcome.refused:
            telemetry.MODEL_REFUSED.add(1, {"kind": kind})
        entry = self._entry(outcome=outcome)
        there = await self._journal.write(entry)
        journal = self._journal
        await self._session.send(
            Committed(
                n=self._turn.n,
                snapshot=there.snapshot,
                log_sequence=journal.last,
                unlogged=journal.unlogged,
                ends_call=there.ends_call,
                hand_over=_summary(there) if there.hands_over else "",
                route=there.route,
                article=there.article,
                answered=there.answered,
            )
        )
        log.info(
            "turn_committed",
            call=self._session.call,
            turn=self._turn.n,
            kind=self._turn.kind,
            route=there.route,
            sentences=len(self._reply),
            tools=[use.name for use in self._tools_used],
            adopted=there is not entry,
        )

    def _entry(self, *, outcome: Outcome | None = None, intent: str = "") -> TurnEntry:
        turn, state = self._turn, self._state
        result = outcome or Outcome(state=state)
        return TurnEntry(
            call=self._session.call,
            n=turn.n,
            generation=self._session.generation,
            kind=turn.kind,
            at=turn.now,
            attempt=turn.attempt,
            profile=self._dialogue.profile.id,
            channel=turn.channel,
            said=turn.text,
            confidence=turn.confidence,
            heard=turn.heard,
            reply=[sentence.text for sentence in self._reply][:40],
            route=result.route,
            article=result.article,
            answered=result.answered,
            tools=self._tools_used[:40],
            fields=dict(state.fields),
            records=state.records[-20:],
            qualified=result.qualified,
            booking=result.booking,
            intent=intent,
            ends_call=result.ends_call,
            hands_over=result.hands_over,
            format=FORMAT,
            snapshot=dump(state),
        )

    def _open_journal(self, *, any_turn: bool = False) -> Journal:
        turn = self._turn
        return Journal(
            self._dialogue.call_log,
            self._session.call,
            generation=self._session.generation,
            n=1_000_000 if any_turn else turn.n,
            last=turn.log_sequence,
            unlogged=turn.unlogged,
        )

    def _load(self, snapshot: bytes) -> State:
        try:
            return load(snapshot)
        except ContractError as error:
            raise StreamFailed(ErrorCode.BAD_INPUT, str(error)) from error

    def _note(self, request: ToolCall, outcome: str, took_s: float) -> None:
        name = str(type(request).__struct_config__.tag)
        self._tools_used.append(ToolUse(name=name, outcome=outcome, took_ms=round(took_s * 1000)))


def _summary(entry: TurnEntry) -> str:
    """For the person who takes over; never empty."""
    notes = [record.values.get("summary", "") for record in entry.records if record.kind == "follow_up_request"]
    return next((note for note in reversed(notes) if note), "caller: not named")


def _outcome_of(result: ToolResult) -> str:
    match result:
        case KnowledgeHits():
            return result.sureness
        case Booking():
            return result.state
        case _:
            return "ok"
