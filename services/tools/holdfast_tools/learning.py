"""python -m holdfast_tools.learning: learn what the settings' profile means and keep it, out of the way of calls.

A process of its own that gives way to every other: the service that starts it goes on answering, and then finds the
vectors and weights in the state folder.
"""

from __future__ import annotations

import asyncio
import os
import sys

import structlog
from holdfast_common.child import ONE_THREAD, killed
from holdfast_common.errors import SettingsError
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_tools.adapters.kept_vectors import KeptVectors
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.embedders import embedders, open_endpoint
from holdfast_tools.settings import ToolsSettings

log = structlog.get_logger()

NICENESS = 15
MOST_S = 600.0
"""Longest learning that is waited for; a child that hangs is stopped then."""


async def learn_aside() -> None:
    """Run this module as a child and wait for it. A child that fails is logged: the service learns by itself."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "holdfast_tools.learning", env=os.environ | ONE_THREAD
    )
    try:
        async with asyncio.timeout(MOST_S):
            code = await child.wait()
        if code != 0:
            log.warning("learning_aside_failed", exit_status=code)
    except TimeoutError:
        log.warning("learning_aside_failed", after_s=MOST_S)
    finally:
        await killed(child)


def main() -> int:
    """Exit status: 0 when all was learnt."""
    os.nice(NICENESS)
    common, settings = load_or_exit(CommonSettings, ToolsSettings)
    try:
        knowledge = KnowledgeFolder(common.profile)
    except SettingsError:  # the service tells its problems
        return 1
    asyncio.run(_learn(knowledge, common, settings))
    return 0 if knowledge.by_meaning else 1


async def _learn(knowledge: KnowledgeFolder, common: CommonSettings, settings: ToolsSettings) -> None:
    endpoint = open_endpoint(settings)
    try:
        await knowledge.learn(embedders(common, endpoint), KeptVectors(common.state_dir / "knowledge"))
    finally:
        if endpoint is not None:
            await endpoint.close()


if __name__ == "__main__":
    raise SystemExit(main())
