"""Tokens that let a connection claim its call: signed (HS256), short-lived, used once.

    stream   in the TwiML, comes back in Twilio's `start`: call, CallSid, replica; 60 s
    session  from POST /api/session, comes back in the page's `hello`: call, origin; 60 s
    resume   given to the page at each attach, comes back after a loss: call, origin, generation

A resume token is valid for 30 s after the loss. Who lost the connection knows when that was; a
process that took over after a death does not, so the token's own age is also limited (to the longest
call), and the call log refuses one whose call has ended or gone on elsewhere.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

import jwt
from holdfast_common.errors import HoldfastError

ALGORITHM = "HS256"
TOKEN_S = 60.0
RESUME_S = 30.0
MAX_TOKEN_CHARS = 1_000

Purpose = Literal["stream", "session", "resume"]


class BadToken(HoldfastError):
    """The token does not open this door; `code` says why, for the log and the peer alike."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Pass:
    """What a valid token says."""

    call: str
    """The call's id on the bus."""
    key: str
    """The outside identity: CallSid, or the page's session."""
    generation: int
    origin: str = ""


@dataclass(slots=True)
class _Spent:
    """Tokens seen, until they would have expired anyway."""

    until: dict[str, float] = field(default_factory=dict)

    def spend(self, token_id: str, expires: float, now: float) -> bool:
        if len(self.until) > 1_000:
            self.until = {k: t for k, t in self.until.items() if t > now}
        if token_id in self.until:
            return False
        self.until[token_id] = expires
        return True


class Tokens:
    """Mints and checks; one key for one installation, so that a restarted gateway knows its callers."""

    def __init__(self, secret: str, replica: str) -> None:
        # Hashed: any length of secret makes a key of the length that HS256 wants.
        self._key = hashlib.sha256(b"holdfast tokens\x00" + secret.encode()).digest()
        self._replica = replica
        self._spent = _Spent()

    def mint(self, purpose: Purpose, granted: Pass, *, lifetime_s: float = TOKEN_S) -> str:
        claims = {
            "aud": purpose,
            "sub": granted.call,
            "key": granted.key,
            "gen": granted.generation,
            "exp": time.time() + lifetime_s,
            "jti": secrets.token_urlsafe(12),
        }
        if purpose == "stream":
            claims["rep"] = self._replica
        if granted.origin:
            claims["org"] = granted.origin
        return jwt.encode(claims, self._key, ALGORITHM)

    def check(self, purpose: Purpose, token: str, *, key: str = "", origin: str = "") -> Pass:
        """What the token grants, and spend it; raises BadToken.

        `key` and `origin`, where given, must be the token's. A token that fails these is not spent:
        a stranger who tries it in the wrong place takes nothing from its owner.
        """
        if not token:
            raise BadToken("token_missing")
        if len(token) > MAX_TOKEN_CHARS:
            raise BadToken("token_invalid")
        try:
            claims = jwt.decode(
                token, self._key, [ALGORITHM], audience=purpose, options={"require": ["exp", "jti", "sub", "aud"]}
            )
            granted = Pass(str(claims["sub"]), str(claims["key"]), int(claims["gen"]), str(claims.get("org", "")))
        except jwt.ExpiredSignatureError as error:
            raise BadToken("token_expired") from error
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise BadToken("token_invalid") from error
        if purpose == "stream" and claims.get("rep") != self._replica:
            raise BadToken("token_of_another_process")
        if key and not secrets.compare_digest(granted.key, key):
            raise BadToken("token_of_another_call")
        if granted.origin and not secrets.compare_digest(granted.origin, origin):
            raise BadToken("token_of_another_origin")
        if not self._spent.spend(str(claims["jti"]), float(claims["exp"]), time.time()):
            raise BadToken("token_used")
        return granted
