"""Any OpenAI-compatible endpoint: chat completions, streamed, with tools.

One layer retries: the client's own retries are off, and opening the stream up to its first event goes
through `call_with_retry_and_circuit_breaker`. An endpoint that says 429 is left alone for as long as it
asked, by every call of this process; one that says how little is left of its limit (x-ratelimit-*) too.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import structlog
from holdfast_common.health import Finding, State
from holdfast_common.resilience import (
    Outside,
    OutsideFailed,
    OutsideRefused,
    OutsideUnavailable,
    Patience,
    call_with_retry_and_circuit_breaker,
)
from openai.types.chat import ChatCompletionChunk

from holdfast_dialogue.domain.model_steps import (
    AskModel,
    Failure,
    Message,
    ModelDone,
    ModelEvent,
    ModelFailed,
    ModelProposal,
    ModelText,
    Tool,
)

log = structlog.get_logger()

NAME = "model"
RATE_LIMITED = "rate_limited"
PATIENCE = Patience(attempts=2, attempt_s=2.4, fail_max=3)
CONNECT_S = 1.0
MAX_REST_S = 120.0
"""A longer Retry-After is not believed; the breaker and the next 429 do the rest."""
DEFAULT_REST_S = 5.0
CHARS_A_TOKEN = 4
"""For endpoints that do not tell their usage."""
MAX_PROPOSALS = 4
MAX_ARGUMENT_CHARS = 4_000
SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_SSE = {"content-type": "text/event-stream"}
_WARM = (
    b'data: {"id": "w", "object": "chat.completion.chunk", "created": 1, "model": "w", "choices": [{"index": 0,'
    b' "delta": {"content": "a", "tool_calls": [{"index": 0, "function": {"name": "a", "arguments": "{}"}}]},'
    b' "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}\n\n'
    b"data: [DONE]\n\n"
)
_WARM_REQUEST = AskModel((Message("user", "a"),), (Tool("a", "a", {"type": "object"}),))
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is and what it costs."""

    base_url: str
    name: str
    key: str = ""
    temperature: float = 0.2
    tokens_field: str = "max_tokens"
    """`max_completion_tokens` for endpoints that want that name."""
    extra: Mapping[str, Any] | None = None
    """Further fields of the request, as they stand."""
    price_in: float = 0.0
    price_out: float = 0.0
    """Per million tokens, in the currency of your choice."""

    def cost_micros(self, tokens_in: int, tokens_out: int) -> int:
        return round(tokens_in * self.price_in + tokens_out * self.price_out)


class OpenAIModel:
    """A `Model` at one endpoint."""

    def __init__(self, endpoint: Endpoint, patience: Patience = PATIENCE) -> None:
        self._endpoint = endpoint
        self._outside = Outside(NAME, patience)
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key or "none",
            max_retries=0,
            timeout=openai.Timeout(30.0, connect=CONNECT_S),
        )
        self._not_before = 0.0
        """On the loop's clock: the endpoint asked to be left alone until then."""

    async def aclose(self) -> None:
        await self._client.close()

    async def warm(self) -> None:
        """Use the client once, against nothing: its first answer builds schemas for about a second."""
        transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, headers=_SSE, content=_WARM))
        async with httpx2.AsyncClient(transport=transport) as nowhere:
            client = openai.AsyncOpenAI(
                base_url="http://localhost/v1", api_key="none", max_retries=0, http_client=nowhere
            )
            stream = await client.chat.completions.create(**self._body(_WARM_REQUEST))
            async for chunk in stream:
                _Reading(self._endpoint, _WARM_REQUEST).take(chunk)

    @property
    def is_away(self) -> bool:
        return self._outside.state == "open"

    def finding(self) -> Finding:
        """For health."""
        if self._outside.state == "closed" and self._not_before > self._outside.now():
            return Finding(State.DEGRADED, f"rate limited for {self._not_before - self._outside.now():.0f} s more")
        return self._outside.finding()

    async def answer(self, request: AskModel, *, within_s: float) -> AsyncGenerator[ModelEvent, None]:
        reading = _Reading(self._endpoint, request)
        try:
            if self._outside.now() < self._not_before:
                raise OutsideRefused(NAME, RATE_LIMITED, 429)
            stream, first = await call_with_retry_and_circuit_breaker(
                lambda: self._open(request), self._outside.deadline(within_s), to=self._outside
            )
        except OutsideRefused as refused:
            yield ModelFailed(Failure.RATE_LIMITED if refused.reason == RATE_LIMITED else Failure.REFUSED)
            return
        except OutsideUnavailable as away:
            kinds = {"open": Failure.OPEN, "busy": Failure.OPEN, "deadline": Failure.TIMEOUT}
            timed_out = away.reason.startswith("no answer within")
            yield ModelFailed(Failure.TIMEOUT if timed_out else kinds.get(away.why, Failure.UNAVAILABLE))
            return
        try:
            for event in reading.take(first):
                yield event
            async for chunk in stream:
                for event in reading.take(chunk):
                    yield event
        except GeneratorExit:
            if reading.has_text:  # it was answering, and nobody wanted more
                self._outside.tell_whole()
            raise
        except Exception as error:  # noqa: BLE001 - the transport's own errors pass the client unwrapped in mid-stream
            log.warning("model_broke_off", error=type(error).__name__)
            self.too_slow("broke off")
            yield reading.failed(Failure.BROKEN)
        else:
            for event in reading.end():
                self._tell_end(event)
                yield event
        finally:
            await stream.close()

    def too_slow(self, reason: str = "too slow") -> None:
        """An answer that opened well came to nothing: the breaker is told."""
        self._outside.tell(OutsideFailed(NAME, reason))

    def _tell_end(self, event: ModelEvent) -> None:
        match event:
            case ModelDone():
                self._outside.tell_whole()
            case ModelFailed():
                self.too_slow("broke off")
            case _:
                pass

    async def _open(self, request: AskModel) -> tuple[openai.AsyncStream[ChatCompletionChunk], ChatCompletionChunk]:
        """One attempt: the stream and its first chunk."""
        try:
            stream = await self._client.chat.completions.create(**self._body(request))
        except openai.APIError as error:
            raise self._translated(error) from error
        self._heed(stream.response.headers)
        try:
            async for chunk in stream:
                return stream, chunk
        except openai.APIError as error:
            await stream.close()
            raise self._translated(error) from error
        except BaseException as error:
            await stream.close()
            if isinstance(error, ValueError):  # not JSON
                raise OutsideFailed(NAME, "rubbish", retryable=False) from error
            raise
        await stream.close()
        raise OutsideFailed(NAME, "empty answer", retryable=False)

    def _body(self, request: AskModel) -> dict[str, Any]:
        endpoint = self._endpoint
        body: dict[str, Any] = {
            "model": endpoint.name,
            "messages": [{"role": m.role, "content": m.text} for m in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": endpoint.temperature,
            endpoint.tokens_field: request.max_tokens,
        }
        if request.tools:
            body["tools"] = [_as_function(tool) for tool in request.tools]
        if endpoint.extra:
            body["extra_body"] = dict(endpoint.extra)
        return body

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Nothing left of a limit: rest until it is renewed."""
        for kind in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0":
                self._rest(_seconds(headers.get(f"x-ratelimit-reset-{kind}", "")) or DEFAULT_REST_S)

    def _rest(self, for_s: float) -> None:
        self._not_before = max(self._not_before, self._outside.now() + min(for_s, MAX_REST_S))

    def _translated(self, error: openai.APIError) -> OutsideFailed | OutsideRefused:
        match error:
            case openai.RateLimitError() if error.code in SPENT:
                return OutsideFailed(NAME, "quota used up", retryable=False, trips=True, maybe_done=False)
            case openai.RateLimitError():
                self._rest(_retry_after_s(error.response.headers))
                return OutsideRefused(NAME, RATE_LIMITED, 429)
            case openai.APITimeoutError():
                return OutsideFailed(NAME, "time-out")
            case openai.APIConnectionError():
                return OutsideFailed(NAME, "no connection")
            case openai.APIStatusError() if error.status_code >= 500 or error.status_code in (408, 409):
                return OutsideFailed(NAME, f"status {error.status_code}")
            case openai.APIStatusError():
                log.warning("model_refused", status=error.status_code, request=error.request_id)
                return OutsideRefused(NAME, "request", error.status_code)
            case _:
                return OutsideFailed(NAME, "error in the stream")


class _Reading:
    """Chunks in, events out; proposals are put together by their index and given whole at the end."""

    def __init__(self, endpoint: Endpoint, request: AskModel) -> None:
        self._endpoint = endpoint
        self._chars_in = sum(len(message.text) for message in request.messages)
        self._chars_out = 0
        self._proposals: dict[int, list[str]] = {}
        self._finish = ""
        self._usage: tuple[int, int] | None = None

    @property
    def has_text(self) -> bool:
        return self._chars_out > 0

    def take(self, chunk: ChatCompletionChunk) -> list[ModelEvent]:
        """The events of one chunk."""
        if chunk.usage is not None:
            self._usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        found: list[ModelEvent] = []
        for choice in (chunk.choices or [])[:1]:
            self._finish = choice.finish_reason or self._finish
            delta = choice.delta
            if delta is None:  # pyright: ignore[reportUnnecessaryComparison] - some servers leave it out at the end
                continue
            if isinstance(delta.content, str) and delta.content:
                self._chars_out += len(delta.content)
                found.append(ModelText(delta.content))
            for call in delta.tool_calls or []:
                parts = self._proposals.setdefault(call.index or 0, ["", ""])
                function = call.function
                if function is None or len(self._proposals) > MAX_PROPOSALS:
                    continue
                parts[0] = parts[0] or function.name or ""
                parts[1] = (parts[1] + (function.arguments or ""))[:MAX_ARGUMENT_CHARS]
                self._chars_out += len(function.arguments or "")
        return found

    def end(self) -> list[ModelEvent]:
        """The proposals, and how it ended. A stream that was cut without saying why has failed."""
        if not self._finish:
            return [self.failed(Failure.BROKEN)]
        proposals = [ModelProposal(name, arguments) for _, (name, arguments) in sorted(self._proposals.items())]
        tokens_in, tokens_out, cost = self._spent()
        return [*proposals[:MAX_PROPOSALS], ModelDone(self._finish, tokens_in, tokens_out, cost)]

    def failed(self, kind: Failure) -> ModelFailed:
        return ModelFailed(kind, *self._spent())

    def _spent(self) -> tuple[int, int, int]:
        tokens_in, tokens_out = self._usage or (self._chars_in // CHARS_A_TOKEN, -(-self._chars_out // CHARS_A_TOKEN))
        return tokens_in, tokens_out, self._endpoint.cost_micros(tokens_in, tokens_out)


def _as_function(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
    }


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """How long a 429 asks to wait."""
    try:
        if told_ms := headers.get("retry-after-ms"):
            return max(0.0, float(told_ms) / 1000)
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        resets = [_seconds(headers.get(f"x-ratelimit-reset-{kind}", "")) for kind in ("requests", "tokens")]
        return max(resets) or DEFAULT_REST_S


def _seconds(text: str) -> float:
    """`6m0s`, `200ms` or plain seconds; 0 where it is neither."""
    found = _DURATION.findall(text)
    if found:
        return sum(float(number) * _SECONDS[unit] for number, unit in found)
    try:
        return float(text)
    except ValueError:
        return 0.0
