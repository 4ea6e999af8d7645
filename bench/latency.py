"""What the gateway says of its latency against what the caller's phone recorded, turn by turn, with the stages.

    .venv/bin/holdfast up --home var/bench --name bench --quiet &
    .venv/bin/python bench/latency.py --home var/bench --name bench [--voices slt,rms,awb] [--calls 1] [--json FILE]
                                      [--questions FILE --most 24]

Places calls over the Twilio protocol, one after another, to a system that runs on this machine: `--calls` by each
voice. Each asks questions that the profile's knowledge answers (spoken by the system's own voices, at 8 kHz through
mu-law). Recorded: last voiced frame sent to first audible sample heard, by the phone's clock; told: the first sound of
the reply (`v2v`), or of the clip that came before it (`filler`), as the call's watch subject has them. An answer's
latency is that of its own first sound, whatever clip bridged the wait. Set-up: the webhook's answer to the agent's
first audio.
Engines that hear nothing (`up --scripted`) are measured by `holdfast load`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import uvloop
from holdfast_cli.call import open_bus
from holdfast_cli.caller.conversation import Conversation
from holdfast_cli.caller.dial import hold_line
from holdfast_cli.caller.ears import Ears
from holdfast_cli.caller.phone import Phone
from holdfast_cli.caller.screen import TerminalScreen
from holdfast_cli.caller.script import Line, Script
from holdfast_cli.caller.twiml import Carrier, Verb
from holdfast_cli.caller.voice import Voice
from holdfast_cli.supervise import run_file
from holdfast_cli.up import quiet_logs
from holdfast_common.bus import Bus
from rich.console import Console

QUESTIONS = (
    "how long does the free trial last",
    "can i get a refund",
    "how do i add a recipient",
    "does it work with salesforce",
    "how do i invite my colleagues",
    "what does it cost",
)


@dataclass(frozen=True, slots=True)
class _TimedCarrier(Carrier):
    """Remembers when the webhook answered."""

    answered_at: list[float] = field(default_factory=list)

    async def post(self, session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> list[Verb]:
        verbs = await Carrier.post(self, session, url, form)
        self.answered_at.append(time.monotonic())
        return verbs


def asked(arguments: argparse.Namespace) -> list[str]:
    """What callers ask: ours, or some of a file's answerable questions, evenly spread."""
    if arguments.questions is None:
        return list(QUESTIONS)
    rows = [json.loads(line) for line in arguments.questions.read_text("utf-8").splitlines()]
    texts = [row["text"] for row in rows if row.get("article") and not row.get("previous")]
    return texts[:: max(1, len(texts) // arguments.most)][: arguments.most]


async def one_call(
    run: run_file.RunFile, bus: Bus, voice: Voice, voice_name: str, console: Console, questions: list[str]
) -> dict[str, Any]:
    """One call through all questions."""
    carrier = _TimedCarrier(f"{run.http_url}/twilio/voice", auth_token=run.auth_token, public_url=run.public_url)
    phone = Phone()
    screen = TerminalScreen(console)
    ears = Ears(phone.call_sid, screen.event)
    await ears.listen(bus)
    script = Script([*(Line(say=text) for text in questions), Line(hang_up=True)])
    talk = Conversation(phone, ears, script, voice, screen)
    line = asyncio.create_task(hold_line(carrier, phone), name="line")
    await talk.run()
    phone.hang_up()
    await asyncio.wait([line], timeout=3)
    line.cancel()
    turns = []
    for turn in talk.turns:
        told = next((watch.stages_ms for watch in turn.exchange.turns if "v2v" in watch.stages_ms), None)
        if told is not None and turn.v2v_ms is not None:
            turns.append(
                {
                    "voice": voice_name,
                    "said": turn.line.say,
                    "heard": " / ".join(turn.exchange.heard),
                    "route": turn.exchange.turns[0].route,
                    "turns": len(turn.exchange.turns),
                    "recorded_ms": round(turn.v2v_ms, 1),
                    "told_ms": told.get("filler", told["v2v"]),
                    "reply_ms": told["v2v"] if "filler" in told else round(turn.v2v_ms, 1),
                    "stages_ms": told,
                }
            )
    first = min((heard.start for heard in phone.playout.heard), default=None)
    return {
        "setup_ms": None if first is None else round((first - carrier.answered_at[0]) * 1000, 1),
        "late_frames": phone.late_frames,
        "turns": turns,
    }


def spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {"n": len(values), **{f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95, 100)}}


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Place the calls, and sum up; what there is so far is written after each."""
    run = run_file.read(run_file.path_of(arguments.home, arguments.name))
    console = Console(quiet=not arguments.show)
    quiet_logs()
    calls: list[dict[str, Any]] = []
    async with AsyncExitStack() as stack:
        bus, opener = await open_bus(stack, run)
        for name in arguments.voices.split(","):
            voice = Voice(opener=opener, name=name)
            questions = asked(arguments)
            for text in questions:
                await voice.utterance(Line(say=text))  # before the clock runs
            for _ in range(arguments.calls):
                calls.append(await one_call(run, bus, voice, name, console, questions))
                if arguments.json:
                    arguments.json.write_text(json.dumps(summed_up(arguments, calls), indent=1) + "\n")
    return summed_up(arguments, calls)


def summed_up(arguments: argparse.Namespace, calls: list[dict[str, Any]]) -> dict[str, Any]:
    # An answer that comes in two turns has two latencies told and one recorded.
    turns = [turn for call in calls for turn in call["turns"] if turn["turns"] == 1]
    answers = [turn for turn in turns if turn["route"] == "knowledge"]
    names = ("endpointing", "asr", "dialogue", "tts", "playout")
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}",
        "command": f"bench/latency.py --calls {arguments.calls} --voices {arguments.voices}",
        "recorded_ms": spread([turn["recorded_ms"] for turn in turns]),
        "knowledge_answers_ms": spread([turn["reply_ms"] for turn in answers]),
        "other_replies_ms": spread([turn["reply_ms"] for turn in turns if turn not in answers]),
        "bridged_by_a_filler": sum("filler" in turn["stages_ms"] for turn in turns),
        "told_less_recorded_ms": spread([abs(turn["told_ms"] - turn["recorded_ms"]) for turn in turns]),
        "stages_median_ms": {n: statistics.median([t["stages_ms"].get(n, 0.0) for t in turns]) for n in names}
        if turns
        else {},
        "setup_ms": spread([call["setup_ms"] for call in calls if call["setup_ms"] is not None]),
        "late_frames": sum(call["late_frames"] for call in calls),
        "turns": turns,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("var"))
    parser.add_argument("--name", default="holdfast")
    parser.add_argument("--calls", type=int, default=1, help="by each voice")
    parser.add_argument("--voices", default="slt,rms,awb")
    parser.add_argument("--show", action="store_true", help="print the talk as it happens")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--questions", type=Path, help="JSON lines with text and article; none: six of our own")
    parser.add_argument("--most", type=int, default=24, help="of them, evenly spread")
    arguments = parser.parse_args()
    result = uvloop.run(measure(arguments))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
