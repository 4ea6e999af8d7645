"""One attempt of HTTP to a service outside, in the terms of `resilience`. Every answer is bounded in size.

Connections that were refused surely had no effect; a request that was cut or not answered may have had one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2
import msgspec

from holdfast_common.resilience import OutsideFailed

T = TypeVar("T")

MOST_BYTES = 1_000_000
NEVER_REACHED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, service: str, shape: type[T]) -> T:
        """The body as JSON of this shape; raises OutsideFailed for anything else."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.DecodeError as error:
            raise OutsideFailed(service, f"rubbish: {type(error).__name__}") from error


def http_client(
    base_url: str, *, connect_s: float = 1.0, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """A client that never retries and follows no redirects; attempts are bounded by whoever makes them."""
    return httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(30.0, connect=connect_s),
        follow_redirects=False,
        transport=transport,
        limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=60),
    )


async def attempt(client: httpx2.AsyncClient, service: str, method: str, path: str, **request: Any) -> Answer:
    """One request and its whole answer, whatever its status below 500 is; 429 is told apart.

    Raises OutsideFailed for connections that fail, answers over 1 MB, 429 and 5xx.
    """
    try:
        async with client.stream(method, path, **request) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise OutsideFailed(service, "rubbish: answer too long")
    except NEVER_REACHED as error:
        raise OutsideFailed(service, f"not reached: {type(error).__name__}", maybe_done=False) from error
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise OutsideFailed(service, type(error).__name__) from error
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(response.headers)
        raise OutsideFailed(service, "status 429", maybe_done=False, retry_after_s=wait_s)
    if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise OutsideFailed(service, f"status {response.status_code}")
    return Answer(response.status_code, response.headers, bytes(body))


def retry_after_s(headers: Mapping[str, str], most_s: float = 120.0) -> float:
    """Of a Retry-After in seconds (a date is taken from the answer's own Date); 0 without one."""
    told = headers.get("retry-after", "")
    try:
        if told.replace(".", "", 1).isdigit():
            return min(most_s, float(told))
        until, answered = parsedate_to_datetime(told), parsedate_to_datetime(headers.get("date", ""))
        return min(most_s, max(0.0, (until - answered).total_seconds()))
    except (ValueError, TypeError):
        return 0.0
