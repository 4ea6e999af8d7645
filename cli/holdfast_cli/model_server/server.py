"""The endpoint: chat completions, streamed, over HTTP on this machine, with knobs for everything that goes wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from aiohttp import web

from holdfast_cli.model_server.answers import BEHAVIOURS, Said

Fault = Literal["none", "429", "quota", "500", "401", "mid_error", "mid_cut", "mid_hang", "hang", "not_json", "empty"]
FAULTS: tuple[str, ...] = get_args(Fault)
CODES = {
    "429": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "500": "server_error",
    "401": "invalid_api_key",
}
OVERLOADED = b'data: {"error": {"message": "overloaded", "type": "server_error", "code": null}}\n\n'
CHARS_A_PIECE = 7


@dataclass
class Knobs:
    """How the endpoint behaves; may be changed while it runs."""

    behaviour: str = "well-behaved"
    fault: Fault = "none"
    times: int = -1
    """How many requests the fault hits; -1: all."""
    first_token_ms: float = 0.0
    token_ms: float = 0.0
    retry_after_s: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of each answer (x-ratelimit-...)."""


def checked(behaviour: str, fault: str) -> Knobs:
    """Knobs by name; raises ValueError for a name that is none."""
    if behaviour not in BEHAVIOURS:
        raise ValueError(f"behaviour {behaviour!r} is none of {', '.join(BEHAVIOURS)}")
    if fault not in FAULTS:
        raise ValueError(f"fault {fault!r} is none of {', '.join(FAULTS)}")
    return Knobs(behaviour=behaviour, fault=cast(Fault, fault))


@dataclass
class ModelServer:
    """One endpoint and its memory."""

    knobs: Knobs = field(default_factory=Knobs)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    """Bodies of the requests, as they came."""
    answered: int = 0
    """Answers that were sent to their end."""
    gone: int = 0
    """Connections that the caller closed in the middle."""
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        return app

    async def _models(self, _request: web.Request) -> web.Response:
        listed = [{"id": name, "object": "model", "owned_by": "holdfast"} for name in BEHAVIOURS]
        return web.json_response({"object": "list", "data": listed})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        fault = self._fault()
        if fault == "hang":
            await asyncio.sleep(3_600)
        if fault in ("429", "quota", "500", "401"):
            return self._refused(fault)
        behaviour = BEHAVIOURS.get(str(body.get("model")), BEHAVIOURS[self.knobs.behaviour])
        tools = [str(tool["function"]["name"]) for tool in body.get("tools") or []]
        said = behaviour(body["messages"], tools, len(self.asked) - 1)
        try:
            return await self._stream(request, body, said, fault)
        except (ConnectionResetError, asyncio.CancelledError):
            self.gone += 1
            raise

    def _fault(self) -> str:
        knobs = self.knobs
        if knobs.fault == "none" or knobs.times == 0:
            return "none"
        knobs.times -= knobs.times > 0
        return knobs.fault

    def _refused(self, fault: str) -> web.Response:
        status = 429 if fault == "quota" else int(fault)
        headers = dict(self.knobs.headers)
        if fault == "429":
            headers["retry-after"] = f"{self.knobs.retry_after_s:g}"
        error = {"message": CODES[fault], "type": CODES[fault], "param": None, "code": CODES[fault]}
        return web.json_response({"error": error}, status=status, headers=headers)

    async def _stream(
        self, request: web.Request, body: Mapping[str, Any], said: Said, fault: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **self.knobs.headers})
        await response.prepare(request)
        await asyncio.sleep(self.knobs.first_token_ms / 1000)
        if fault == "not_json":
            await response.write(b"data: {not json at all\n\n<html>502 Bad Gateway</html>\n\n")
            await response.write_eof()
            return response
        if fault == "empty":
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
            return response
        pieces = self._pieces(said, int(body.get("max_tokens") or body.get("max_completion_tokens") or 10_000))
        for number, piece in enumerate(pieces):
            if fault.startswith("mid_") and number == max(1, len(pieces) // 2):
                return await self._break(response, fault)
            await response.write(_event(body, [piece]))
            await asyncio.sleep(self.knobs.token_ms / 1000)
        if (body.get("stream_options") or {}).get("include_usage"):
            read = sum(len(str(m.get("content") or "")) for m in body["messages"]) // 4
            usage = {"prompt_tokens": read, "completion_tokens": len(pieces), "total_tokens": read + len(pieces)}
            await response.write(_event(body, [], usage))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        self.answered += 1
        return response

    async def _break(self, response: web.StreamResponse, fault: str) -> web.StreamResponse:
        if fault == "mid_hang":
            await asyncio.sleep(3_600)
        if fault == "mid_error":
            await response.write(
                b'data: {"error": {"message": "overloaded", "type": "server_error", "code": null}}\n\n'
            )
        await response.write_eof()
        return response

    def _pieces(self, said: Said, limit: int) -> list[dict[str, Any]]:
        """Choices of the chunks: text a few characters at a time, calls with their arguments in two parts."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        cut = said.text[: limit * 4]
        deltas += [{"content": cut[i : i + CHARS_A_PIECE]} for i in range(0, len(cut), CHARS_A_PIECE)]
        for index, tool in enumerate(said.tools):
            half = len(tool.arguments) // 2
            head = {"name": tool.name, "arguments": tool.arguments[:half]}
            deltas.append(
                {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": head}]}
            )
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": tool.arguments[half:]}}]})
        finish = "tool_calls" if said.tools else "length" if len(cut) < len(said.text) else "stop"
        choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        return [*choices, {"index": 0, "delta": {}, "finish_reason": finish}]


def _event(body: Mapping[str, Any], choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    chunk: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body.get("model", ""),
        "choices": choices,
    }
    if usage:
        chunk["usage"] = usage
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@asynccontextmanager
async def serving(knobs: Knobs | None = None, *, port: int = 0) -> AsyncIterator[ModelServer]:
    """An endpoint on 127.0.0.1; `url` goes into HOLDFAST_DIALOGUE_MODEL_BASE_URL."""
    server = ModelServer(knobs or Knobs())
    runner = web.AppRunner(server.app(), handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield server
    finally:
        await runner.cleanup()
