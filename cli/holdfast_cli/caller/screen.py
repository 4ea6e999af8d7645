"""The talk on the terminal, as it happens."""

from __future__ import annotations

from holdfast_common.contracts.watch import Watch, WatchEvent
from rich.console import Console
from rich.text import Text

from holdfast_cli.caller.conversation import CallTurn
from holdfast_cli.caller.script import Line


class TerminalScreen:
    """Prints `caller:` and `agent:` lines; under each exchange what was heard and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def caller(self, at_s: float, line: Line) -> None:
        self._print(f"{at_s:6.1f}s ", "caller: ", line.words, "bold cyan")

    def event(self, event: Watch) -> None:
        """What the gateway tells of the call."""
        if event.event is WatchEvent.SENTENCE:
            asks = f"  [asks {event.asks}]" if event.asks else ""
            self._print("        ", "agent:  ", event.text + asks, "bold magenta")
        elif event.event is WatchEvent.INTERRUPTED:
            self.note("the agent was interrupted")

    def answered(self, turn: CallTurn) -> None:
        exchange = turn.exchange
        last = exchange.turns[-1] if exchange.turns else None
        parts = [f'heard "{" | ".join(exchange.heard)}"'] if exchange.heard else []
        parts.append("no answer" if turn.v2v_ms is None else f"voice to voice {turn.v2v_ms:.0f} ms")
        if last is not None:
            parts.append("/".join(filter(None, (last.route, last.article))))
            parts += [f"{stage} {ms:.0f}" for stage, ms in last.stages_ms.items() if stage != "v2v"]
        self._console.print(
            "                " + "  ".join(filter(None, parts)),
            style="dim",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def note(self, text: str) -> None:
        self._console.print(f"        ! {text}", style="yellow", markup=False)

    def _print(self, stamp: str, who: str, text: str, style: str) -> None:
        self._console.print(Text(stamp, style="dim") + Text(who, style=style) + Text(text), soft_wrap=True)


class SilentScreen:
    """Shows nothing: tests."""

    def caller(self, at_s: float, line: Line) -> None: ...
    def event(self, event: Watch) -> None: ...
    def answered(self, turn: CallTurn) -> None: ...
    def note(self, text: str) -> None: ...
