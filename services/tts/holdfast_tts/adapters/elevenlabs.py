"""ElevenLabs over HTTP streaming: sound as it is made there, in the telephone's own format or as PCM.

A sentence that it cannot begin goes to the next engine of the chain; one that is cut in the middle goes on
there at the word that was reached, and the breaker keeps this voice away for a while, so that a reply
does not change its voice with every sentence. Word times are estimated from the text's length.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx2
import msgspec
import numpy as np
from holdfast_common.outside_http import NEVER_REACHED, http_client, retry_after_s
from holdfast_common.pcm import Samples
from holdfast_common.resilience import (
    Outside,
    OutsideFailed,
    OutsideRefused,
    OutsideUnavailable,
    call_with_retry_and_circuit_breaker,
)
from holdfast_common.secret_file import SecretMissing, SecretSource

from holdfast_tts.domain.timings import estimate
from holdfast_tts.ports import Emit, EngineAway, Piece, Run

NAME = "elevenlabs"
RATES = {"ulaw_8000": 8_000, "pcm_8000": 8_000, "pcm_16000": 16_000}
CHARS_PER_S = 17.0
"""Somewhat faster than it speaks: an estimate that is too long would become silence."""
QUOTA_S = 300.0
"""How long the voice is left alone once its quota is used up."""
KEY_S = 60.0
LOOK_S = 0.1
_END = object()


class Offer(NamedTuple):
    """What is wanted of the service."""

    url: str
    voice: str
    model: str
    format: str
    first_s: float
    """Longest wait for the first sound."""
    gap_s: float
    """Longest wait for each further piece."""


class _Detail(msgspec.Struct):
    status: str = ""


class _Error(msgspec.Struct):
    detail: _Detail


class ElevenLabs:
    """A `Synthesiser` for the voice threads; its requests are made on the event loop that made it."""

    name = NAME
    whole_runs = False

    def __init__(
        self,
        offer: Offer,
        key: SecretSource,
        outside: Outside,
        loop: asyncio.AbstractEventLoop,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`loop` makes the requests; engines are made on a voice thread."""
        self._offer = offer
        self._key = key
        self.outside = outside
        self._client = http_client(offer.url, transport=transport)
        self._loop = loop
        self.version = f"{offer.model} {offer.voice} {offer.format}"

    def resolve(self, voice: str, language: str) -> str:
        return self._offer.voice

    def rate_hz(self, voice: str) -> int:
        return RATES[self._offer.format]

    def speak(self, run: Run, emit: Emit) -> None:
        # Unbounded in form, bounded in fact: one run of words.
        sound: queue.Queue[object] = queue.Queue()
        asked = asyncio.run_coroutine_threadsafe(self._fetch(" ".join(run.words), run.speed, sound), self._loop)
        told = False
        odd = b""
        while True:
            try:
                chunk = sound.get(timeout=LOOK_S)
            except queue.Empty:
                chunk = b""
            if chunk is _END:
                break
            assert isinstance(chunk, bytes)
            samples, odd = self._samples(odd + chunk)
            words = None if told or not samples.size else self._words(run)
            told = told or words is not None
            if not emit(Piece(samples, words)):
                asked.cancel()
                return
        try:
            asked.result()
        except (OutsideUnavailable, OutsideRefused, OutsideFailed) as error:
            raise EngineAway(str(error)) from error
        except (concurrent.futures.CancelledError, RuntimeError):
            raise EngineAway(f"{NAME}: the service is ending") from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _fetch(self, text: str, speed: float, sound: queue.Queue[object]) -> None:
        """Put the sound's pieces into the queue, then its end."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                deadline = self.outside.deadline(self._offer.first_s)
                chunks, first = await call_with_retry_and_circuit_breaker(
                    lambda: self._begin(text, speed, stack), deadline, to=self.outside
                )
                sound.put(first)
                await self._rest(chunks, sound)
        finally:
            sound.put(_END)

    async def _begin(
        self, text: str, speed: float, stack: contextlib.AsyncExitStack
    ) -> tuple[AsyncIterator[bytes], bytes]:
        offer = self._offer
        try:
            headers = {"xi-api-key": self._key.current()}
        except SecretMissing as error:
            raise OutsideFailed(NAME, "key cannot be read", retryable=False, trips=True) from error
        body = {"text": text, "model_id": offer.model, "voice_settings": {"speed": min(max(speed, 0.7), 1.2)}}
        path = f"/v1/text-to-speech/{offer.voice}/stream"
        request = self._client.build_request(
            "POST", path, params={"output_format": offer.format}, json=body, headers=headers
        )
        try:
            response = await self._client.send(request, stream=True)
            stack.push_async_callback(response.aclose)
            if response.status_code != httpx2.codes.OK:
                raise _failure(response, await response.aread())
            if not response.headers.get("content-type", "audio/").startswith(("audio/", "application/octet-stream")):
                raise OutsideFailed(NAME, "rubbish: no sound")
            chunks = response.aiter_raw()
            return chunks, await anext(chunks)
        except NEVER_REACHED as error:
            raise OutsideFailed(NAME, f"not reached: {type(error).__name__}", maybe_done=False) from error
        except httpx2.TransportError as error:
            raise OutsideFailed(NAME, type(error).__name__) from error
        except StopAsyncIteration as error:
            raise OutsideFailed(NAME, "rubbish: no sound") from error

    async def _rest(self, chunks: AsyncIterator[bytes], sound: queue.Queue[object]) -> None:
        try:
            while True:
                async with asyncio.timeout(self._offer.gap_s):
                    sound.put(await anext(chunks))
        except StopAsyncIteration:
            self.outside.tell_whole()
        except (TimeoutError, httpx2.TransportError) as error:
            cut = OutsideFailed(NAME, f"cut in the middle: {type(error).__name__}", retryable=False, trips=True)
            self.outside.tell(cut)
            raise cut from error

    def _samples(self, data: bytes) -> tuple[Samples, bytes]:
        """Samples of the data, and the half of one that is left."""
        if self._offer.format == "ulaw_8000":
            return _ULAW[np.frombuffer(data, dtype=np.uint8)], b""
        whole = len(data) // 2 * 2
        return np.frombuffer(data[:whole], dtype="<i2").astype(np.int16), data[whole:]

    def _words(self, run: Run) -> tuple:  # type: ignore[type-arg]
        chars = sum(len(word) + 1 for word in run.words)
        samples = int(chars / (CHARS_PER_S * run.speed) * self.rate_hz(""))
        return tuple(estimate(list(run.words), 0, samples))


def _failure(response: httpx2.Response, body: bytes) -> Exception:
    status = response.status_code
    try:
        reason = msgspec.json.decode(body, type=_Error).detail.status
    except msgspec.DecodeError:
        reason = ""
    if reason == "quota_exceeded":  # under 401, like a bad key
        return OutsideFailed(NAME, reason, retryable=False, trips=True, retry_after_s=QUOTA_S)
    if status in (401, 403):
        return OutsideFailed(NAME, reason or "key refused", retryable=False, trips=True, retry_after_s=KEY_S)
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(response.headers)
        return OutsideFailed(NAME, reason or "status 429", maybe_done=False, retry_after_s=wait_s)
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return OutsideFailed(NAME, f"status {status}")
    return OutsideRefused(NAME, reason or "no reason", status)


def _ulaw_table() -> Samples:
    """G.711: sign, exponent, mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 0x07, (code & 0x0F).astype(np.int32)
    size = (((mantissa << 3) + 0x84) << exponent.astype(np.int32)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


_ULAW = _ulaw_table()
