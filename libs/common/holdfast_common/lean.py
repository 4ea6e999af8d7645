"""Imports that leave out what a library would load only because it happens to be installed.

structlog loads rich (0.15 s of CPU a process) to print tracebacks in colour, nats-py loads aiohttp
(0.2 s) for NATS over WebSocket. A service uses neither; six processes starting at once on a small
machine feel both. Imported before anything that imports structlog or nats.
"""

from __future__ import annotations

import importlib
import sys


def import_without(module: str, optional: str) -> None:
    """Import `module` as if the package `optional` were not installed; whoever asks for that later gets it."""
    if module in sys.modules or optional in sys.modules:
        return
    sys.modules[optional] = None  # type: ignore[assignment]  # what makes an import of it fail
    try:
        importlib.import_module(module)
    finally:
        del sys.modules[optional]


import_without("structlog", "rich")
import_without("nats", "aiohttp")
