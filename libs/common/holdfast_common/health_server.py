"""Health and metrics of one process over HTTP, on a thread of its own: GET /health, /ready, /metrics.

    200 /health   the event loop takes its turn        503 it did not for 2 s
    200 /ready    takes work                           503 with what is missing
    200 /metrics  every instrument as Prometheus text

Not on the event loop: a page of metrics takes milliseconds that calls do not have, and a loop that
hangs could not say so. Imported only where a port is set.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from holdfast_common import telemetry
from holdfast_common.errors import SettingsError

ANSWER_WITHIN_S = 2.0
READ_WITHIN_S = 5.0


class HealthServer:
    """Enters listening, leaves closed. `missing` names what keeps the process from taking work; asked on the loop."""

    def __init__(self, host: str, port: int, missing: Callable[[], list[str]]) -> None:
        self._address = (host, port)
        self._missing = missing
        self._server: ThreadingHTTPServer | None = None
        self.port = port

    def __enter__(self) -> HealthServer:
        loop = asyncio.get_running_loop()

        class Handler(_Handler):
            ask = staticmethod(lambda: asyncio.run_coroutine_threadsafe(_told(self._missing), loop))

        try:
            self._server = ThreadingHTTPServer(self._address, Handler)
        except OSError as error:
            where = f"{self._address[0]}:{self._address[1]}"
            raise SettingsError([f"HOLDFAST_HEALTH_PORT: cannot listen on {where} ({error.strerror})"]) from error
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="health", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


async def _told(missing: Callable[[], list[str]]) -> list[str]:
    return missing()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    ask: Any
    timeout = READ_WITHIN_S
    server_version = "holdfast"
    sys_version = ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/health":
                missing = self._ask_the_loop()
                self._say(503 if missing is None else 200, {"status": "hung" if missing is None else "ok"})
            case "/ready":
                missing = self._ask_the_loop()
                if missing is None:
                    missing = ["the event loop does not answer"]
                self._say(503 if missing else 200, {"ready": not missing, "missing": missing})
            case "/metrics":
                body, kind = telemetry.metrics_page()
                self._answer(200, body, kind)
            case _:
                self._say(404, {"error": "not_found"})

    def log_message(self, format: str, *args: Any) -> None:
        """A probe every few seconds is no news."""

    def _ask_the_loop(self) -> list[str] | None:
        """What is missing; None when the loop did not come round."""
        try:
            asked = type(self).ask()
        except RuntimeError:  # the loop is closed
            return None
        try:
            return asked.result(ANSWER_WITHIN_S)
        except (TimeoutError, CancelledError):
            asked.cancel()
            return None

    def _say(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
