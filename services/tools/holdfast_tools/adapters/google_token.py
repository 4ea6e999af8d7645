"""Access tokens of a Google service account, signed here (google-auth) and fetched without blocking the loop.

google-auth's own refresh is blocking and gcloud-aio's token has no `sub`; so google-auth signs the
assertion and the request goes the way of all requests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
from google.auth import crypt, jwt
from holdfast_common.outside_http import attempt
from holdfast_common.resilience import OutsideFailed, OutsideRefused
from holdfast_common.secret_file import SecretMissing, SecretSource

NAME = "google"
TOKEN_URI = "https://oauth2.googleapis.com/token"
SCOPES = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.freebusy"
LIFE_S = 3600
FRESH_S = 300
"""A token with less life than this left is replaced."""


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = 3599.0


class ServiceAccount:
    """Tokens for `subject`, whom the service account stands in for (domain-wide delegation); empty: for itself."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        key: SecretSource,
        *,
        subject: str,
        epoch: Callable[[], float],
        token_uri: str = "",
    ) -> None:
        """`key` is the service account's JSON; `epoch` seconds since 1970. Raises nothing before it is asked."""
        self._client = client
        self._key = key
        self._subject = subject
        self._epoch = epoch
        self._token_uri = token_uri
        self._asking = asyncio.Lock()
        self._token = ""
        self._until = 0.0

    async def token(self) -> str:
        """A valid token; raises OutsideFailed, or OutsideRefused for a key or a delegation that does not hold."""
        async with self._asking:
            if self._epoch() > self._until - FRESH_S:
                assertion, uri = await asyncio.to_thread(self._assertion)
                form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
                answer = await attempt(self._client, NAME, "POST", uri, data=form)
                if answer.status != httpx2.codes.OK:
                    raise OutsideRefused(NAME, f"sign-in: {_reason(answer.body)}", answer.status)
                told = answer.read(NAME, _Answer)
                self._token, self._until = told.access_token, self._epoch() + told.expires_in
            return self._token

    def forget(self) -> None:
        """The calendar did not take the token: get another one next time."""
        self._until = 0.0

    def _assertion(self) -> tuple[str, str]:
        try:
            info: dict[str, Any] = json.loads(self._key.current())
            signer = crypt.RSASigner.from_service_account_info(info)
            issuer, uri = info["client_email"], self._token_uri or info.get("token_uri", TOKEN_URI)
        except (SecretMissing, ValueError, KeyError, TypeError) as error:
            # Nothing of the key may show.
            raise OutsideFailed(
                NAME, f"service account key: {type(error).__name__}", maybe_done=False, retryable=False
            ) from None
        now = int(self._epoch())
        claims = {"iss": issuer, "scope": SCOPES, "aud": TOKEN_URI, "iat": now, "exp": now + LIFE_S}
        if self._subject:
            claims["sub"] = self._subject
        return jwt.encode(signer, claims).decode(), uri


def _reason(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return "no JSON"
    return str(told.get("error", "unknown"))[:60] if isinstance(told, dict) else "unknown"
