"""`holdfast model`: the stand-in endpoint by itself, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib

from holdfast_cli.model_server.server import Knobs, serving


def run(knobs: Knobs, port: int) -> int:
    """Serve until interrupted; returns the exit status."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(knobs, port))
    return 0


async def _serve(knobs: Knobs, port: int) -> None:
    async with serving(knobs, port=port) as server:
        print(f"a {knobs.behaviour} model at {server.url} (fault: {knobs.fault}); to use it:", flush=True)
        print(
            f"  HOLDFAST_DIALOGUE_MODEL_BASE_URL={server.url} HOLDFAST_DIALOGUE_MODEL_NAME={knobs.behaviour} make run"
        )
        await asyncio.Event().wait()
