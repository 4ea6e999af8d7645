"""How a call's parts start tasks: within the call's own group, named, ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""(coroutine, task name) -> its task."""
