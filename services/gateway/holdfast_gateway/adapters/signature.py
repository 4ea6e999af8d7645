"""Does this request come from Twilio? X-Twilio-Signature, checked by Twilio's own library.

The signed address is built from PUBLIC_BASE_URL, never from what a proxy or a peer says about itself.
Without an auth token there is nothing to check against: then only what plainly comes from this very
machine is taken (a tunnel also connects from loopback, so forwarded requests do not count).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class TwilioGuard:
    """Lets Twilio's requests through. `refusal` returns None, or a short reason."""

    def __init__(
        self,
        auth_token: str,
        public_base_url: str,
        media_base_url: str = "",
        siblings: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`siblings`: addresses of the other processes, whose webhooks come here once they are gone."""
        self._validator = RequestValidator(auth_token) if auth_token else None
        self._base = public_base_url.rstrip("/")
        self._own_base = media_base_url.rstrip("/")
        """Of this one process of several: webhooks come here by it, too, when another has handed a call on."""
        self._siblings = siblings
        self._stream_base = stream_base(self._own_base or self._base)

    @property
    def checks_signatures(self) -> bool:
        return self._validator is not None

    def refusal(
        self, path_and_query: str, params: Mapping[str, str], headers: Mapping[str, str], peer: str
    ) -> str | None:
        """For webhooks; `params` is the form (a repeated name may be a MultiDict's)."""
        if self._validator is None:
            return unsigned_refusal(headers, peer)
        refusal = self._check(self._base + path_and_query, params, headers)
        if refusal != "bad_signature":
            return refusal
        bases = [self._own_base, *(base.rstrip("/") for base in self._siblings())]
        is_signed = any(base and self._check(base + path_and_query, params, headers) is None for base in bases)
        return None if is_signed else refusal

    def upgrade_refusal(self, path: str, headers: Mapping[str, str], peer: str) -> str | None:
        """For the media socket: Twilio signs the wss address of the TwiML, without parameters."""
        if self._validator is None:
            return unsigned_refusal(headers, peer)
        return self._check(self._stream_base + path, {}, headers)

    def _check(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
        assert self._validator is not None
        signature = headers.get(SIGNATURE_HEADER, "")
        if not signature:
            return "unsigned"
        algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER))
        return None if self._validator.validate(url, params, signature, algorithm) else "bad_signature"


def stream_base(public_base_url: str) -> str:
    """wss for https, ws for http (local)."""
    return "ws" + public_base_url.removeprefix("http")


def unsigned_refusal(headers: Mapping[str, str], peer: str) -> str | None:
    """Why an unsigned request is not taken to come from this machine; None: it does.

    A page in a local browser can also reach this port: browsers say so by an Origin.
    """
    if not is_loopback(peer):
        return "unsigned_and_not_local"
    host = headers.get("Host", "").rsplit(":", 1)[0] if not headers.get("Host", "").endswith("]") else headers["Host"]
    if any(name in headers for name in _FORWARDED) or host not in _LOCAL_NAMES:
        return "unsigned_and_forwarded"
    return "unsigned_from_a_page" if "Origin" in headers else None


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return False
