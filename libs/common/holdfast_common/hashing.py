"""The one hash of the system: equal in every process and on every machine, unlike Python's own."""

from __future__ import annotations

from base64 import b32hexencode
from hashlib import blake2b, sha256


def stable_hash(text: str) -> int:
    """blake2b-64 of the text as an unsigned integer."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def side_effect_key(tenant: str, call: str, proposal: str) -> str:
    """Key of a wish that changes the world: base32hex(sha256(tenant, call, proposal)), lower case.

    Primary key of the booking ledger and Google Calendar event id (alphabet a-v, 0-9).
    """
    digest = sha256("\x1f".join((tenant, call, proposal)).encode()).digest()
    return b32hexencode(digest).decode().rstrip("=").lower()


def call_id(kind: str, external: str) -> str:
    """The call's id on the bus for an outside identity (`twilio`, CallSid): the same after a gateway's death.

    It is no credential: who may attach is decided by tokens.
    """
    return blake2b(f"{kind}\x1f{external}".encode(), digest_size=16).hexdigest()
