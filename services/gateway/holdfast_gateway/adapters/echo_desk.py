"""A desk without an agent: it says back what it hears. Ships for trying a number, a page or a line.

python -m holdfast_gateway.adapters.echo_desk        the edge alone, no bus, no other service
"""

from __future__ import annotations

import asyncio

from holdfast_gateway.ports import (
    Arrival,
    AudioIn,
    Caption,
    Dtmf,
    Ending,
    HungUp,
    Leg,
    PositionMoved,
    Typed,
)


class EchoDesk:
    """Plays audio back, shows typed lines as captions, ends the call when somebody types `goodbye`."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.events: list[Typed | Dtmf | HungUp | PositionMoved] = []
        """Everything but audio, of all calls."""
        self.frames = 0
        self.endings: list[Ending] = []

    async def serve(self, leg: Leg, arrival: Arrival) -> Ending:
        self.arrivals.append(arrival)
        leg.show(Caption("agent", "Hello. This line says back what it hears."))
        ending = Ending(False, "lost")
        async for event in leg.events():
            match event:
                case AudioIn(pcm=pcm):
                    self.frames += 1
                    leg.play(pcm)
                    continue
                case Typed(text=text):
                    leg.show(Caption("agent", f"You said: {text}"))
                    if text == "goodbye":
                        await leg.close("ended")
                        ending = Ending(True, "ended")
                case Dtmf(digit="0"):
                    leg.clear()
                case Dtmf(digit="#"):
                    await leg.close("ended")
                    ending = Ending(True, "ended")
                case HungUp():
                    ending = Ending(True, "hung_up")
                case _:
                    pass
            self.events.append(event)
        self.endings.append(ending)
        return ending


async def _main() -> None:
    from holdfast_common.logs import set_up_logs  # noqa: PLC0415  # only where this is a program
    from holdfast_common.settings import load_or_exit  # noqa: PLC0415

    from holdfast_gateway.edge import Edge  # noqa: PLC0415
    from holdfast_gateway.edge_settings import EdgeSettings  # noqa: PLC0415

    (settings,) = load_or_exit(EdgeSettings)
    set_up_logs("gateway", "echo")
    async with Edge(EchoDesk(), settings, replica="echo"):
        await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main())
