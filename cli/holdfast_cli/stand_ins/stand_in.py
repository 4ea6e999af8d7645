"""What all stand-ins share: faults before the answer, a server on a port, or in process without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from aiohttp import web

from holdfast_cli.stand_ins.faults import Answer, Fault, Faults, Request, Reset

FAULT_PATH = "/_fault"
"""POST {"always": "hang", "plan": [...], "delay_s": 1.0} changes the faults of a running stand-in."""
REQUESTS_PATH = "/_requests"
"""GET: how many requests came so far."""


class StandIn:
    """One service outside. Subclasses answer; `requests` counts what came."""

    name = "stand-in"
    quota = Answer(429, b"{}")

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.requests = 0

    async def answer(self, request: Request) -> Answer:
        """Without any fault."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Answer:
        """With the fault whose turn it is. Raises Reset."""
        self.requests += 1
        return await self.faults.meet(request, self.fault_for(request), self.answer, self.quota)

    def fault_for(self, request: Request) -> Fault:
        return self.faults.next()

    def transport(self) -> httpx2.AsyncBaseTransport:
        """For a client in the same process: no sockets, so that the clock may be virtual."""

        async def handle(asked: httpx2.Request) -> httpx2.Response:
            request = Request(
                asked.method,
                asked.url.path,
                dict(asked.url.params),
                {name.lower(): value for name, value in asked.headers.items()},
                await asked.aread(),
            )
            try:
                answer = await self.handle(request)
            except Reset:
                raise httpx2.ReadError("connection reset", request=asked) from None
            if answer.chunks:
                return httpx2.Response(answer.status, headers=answer.headers, stream=_Chunks(answer))
            return httpx2.Response(answer.status, headers=answer.headers, content=answer.body)

        return httpx2.MockTransport(handle)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4_000_000)
        app.router.add_post(FAULT_PATH, self._set_faults)
        app.router.add_get(REQUESTS_PATH, self._tell_requests)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    @asynccontextmanager
    async def served(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
        """Listening while entered; the base URL."""
        runner = web.AppRunner(self.app(), handler_cancellation=True, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _serve(self, asked: web.Request) -> web.StreamResponse:
        request = Request(
            asked.method,
            asked.path,
            dict(asked.query),
            {name.lower(): value for name, value in asked.headers.items()},
            await asked.read(),
        )
        try:
            answer = await self.handle(request)
        except Reset:
            _cut(asked)
            return web.Response()
        if not answer.chunks:
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(asked)
        for number, chunk in enumerate(answer.chunks):
            if number == answer.cut_after:
                _cut(asked)
                return response
            await response.write(chunk)
            await asyncio.sleep(answer.pace_s)
        await response.write_eof()
        return response

    async def _set_faults(self, asked: web.Request) -> web.Response:
        told: dict[str, Any] = await asked.json()
        try:
            self.faults.always = Fault(told.get("always", "none"))
            self.faults.plan = [Fault(kind) for kind in told.get("plan", [])]
            self.faults.delay_s = float(told.get("delay_s", self.faults.delay_s))
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response({"always": self.faults.always, "plan": self.faults.plan})

    async def _tell_requests(self, _asked: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests})


class _Chunks(httpx2.AsyncByteStream):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, chunk in enumerate(self._answer.chunks):
            if number == self._answer.cut_after:
                raise httpx2.ReadError("connection reset")
            yield chunk
            await asyncio.sleep(self._answer.pace_s)


def _cut(asked: web.Request) -> None:
    if asked.transport is not None:
        asked.transport.abort()


def as_json(status: int, told: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(told).encode(), {"content-type": "application/json", **(headers or {})})
