"""One simulated call from dialling to the recording: puts line, ears, voice and script together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog
from holdfast_common.bus import Bus
from holdfast_common.contracts.dialogue import Proposal
from holdfast_common.contracts.watch import Watch

from holdfast_cli.caller import recording
from holdfast_cli.caller.audio import Utterance
from holdfast_cli.caller.conversation import CallTurn, Conversation, Lines, Manners, Screen
from holdfast_cli.caller.dial import hold_line
from holdfast_cli.caller.ears import Ears, Exchange, Judge, content
from holdfast_cli.caller.phone import Phone
from holdfast_cli.caller.script import Line
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.voice import Voice

log = structlog.get_logger()

HANG_UP_S = 3.0
"""The line may take this long to close after the caller has hung up."""


class CallScreen(Screen, Protocol):
    def event(self, event: Watch) -> None: ...


@dataclass(frozen=True, slots=True)
class CallReport:
    """What a call came to, by the caller's clock."""

    call: str
    turns: list[CallTurn]
    greeting: Exchange
    finished: bool
    seconds: float
    underruns: int
    """Gaps in the agent's speech."""
    late_frames: int
    """Frames that we ourselves sent more than 20 ms late: the measurement is worth that much less."""
    clears: int
    proposals: list[Proposal] = field(default_factory=list)
    error: str = ""


async def place_call(
    carrier: Carrier,
    script: Lines,
    voice: Voice,
    screen: CallScreen,
    *,
    bus: Bus | None = None,
    judge: Judge = content,
    on_say: Callable[[Line, Utterance], None] = lambda *_: None,
    wav: Path | None = None,
    caller: str = "+15550000001",
    manners: Manners | None = None,
) -> CallReport:
    """Place a call and talk it through. Failures of the far end are in the report, not raised."""
    phone = Phone()
    ears = Ears(phone.call_sid, screen.event)
    if bus is not None:
        await ears.listen(bus)
    talk = Conversation(phone, ears, script, voice, screen, judge=judge, on_say=on_say, manners=manners)
    error = ""
    line = asyncio.create_task(hold_line(carrier, phone, caller), name="line")
    try:
        await talk.run()
        phone.hang_up()
        async with asyncio.timeout(HANG_UP_S):
            await line
    except TimeoutError:
        error = "the line did not close"
    except Exception as failure:  # noqa: BLE001 - whatever broke, the report says so and the recording is kept
        error = f"{type(failure).__name__}: {failure}"
    finally:
        line.cancel()
        await asyncio.wait([line])
    if not error and line.done() and not line.cancelled() and (failure := line.exception()):
        error = str(failure)
    seconds = 0.0
    if wav is not None and phone.opened_at is not None:
        seconds = await asyncio.to_thread(
            recording.save, wav, caller=phone.spoken, agent=phone.playout.heard, started=phone.opened_at
        )
    return CallReport(
        call=ears.call,
        turns=talk.turns,
        greeting=talk.greeting,
        finished=talk.finished,
        seconds=seconds or talk.clock_s,
        underruns=phone.playout.underruns,
        late_frames=phone.late_frames,
        clears=phone.playout.clears,
        proposals=ears.proposals,
        error=error,
    )
