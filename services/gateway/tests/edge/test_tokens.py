"""Tokens: short-lived, used once, for one call, one purpose, one process, one origin."""

from __future__ import annotations

import jwt
import pytest
from holdfast_gateway.adapters.tokens import BadToken, Pass, Tokens

SID = "CA" + "1" * 32
GRANTED = Pass("call-1", SID, 1)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("a secret", "gw-1")


def refused(tokens: Tokens, purpose: str, token: str, **more: str) -> str:
    with pytest.raises(BadToken) as caught:
        tokens.check(purpose, token, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_a_fresh_token_grants_what_it_was_minted_for(tokens: Tokens) -> None:
    assert tokens.check("stream", tokens.mint("stream", GRANTED), key=SID) == GRANTED


def test_a_token_is_used_once(tokens: Tokens) -> None:
    token = tokens.mint("stream", GRANTED)
    tokens.check("stream", token, key=SID)

    assert refused(tokens, "stream", token, key=SID) == "token_used"


def test_an_expired_token_is_refused(tokens: Tokens) -> None:
    assert refused(tokens, "stream", tokens.mint("stream", GRANTED, lifetime_s=-1), key=SID) == "token_expired"


def test_a_token_opens_no_other_call_and_is_not_spent_by_the_attempt(tokens: Tokens) -> None:
    token = tokens.mint("stream", GRANTED)

    assert refused(tokens, "stream", token, key="CA" + "2" * 32) == "token_of_another_call"
    assert tokens.check("stream", token, key=SID) == GRANTED


def test_a_token_opens_no_other_door(tokens: Tokens) -> None:
    assert refused(tokens, "resume", tokens.mint("session", GRANTED)) == "token_invalid"


def test_a_stream_token_names_its_process(tokens: Tokens) -> None:
    assert refused(Tokens("a secret", "gw-2"), "stream", tokens.mint("stream", GRANTED)) == "token_of_another_process"


def test_another_secret_signs_nothing(tokens: Tokens) -> None:
    assert refused(Tokens("another", "gw-1"), "stream", tokens.mint("stream", GRANTED)) == "token_invalid"


def test_a_page_token_is_bound_to_its_origin(tokens: Tokens) -> None:
    token = tokens.mint("session", Pass("call-1", "k", 1, "https://a.example"))

    assert refused(tokens, "session", token, origin="https://b.example") == "token_of_another_origin"
    assert tokens.check("session", token, origin="https://a.example").call == "call-1"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 20, "a" * 5_000, jwt.encode({"sub": "c"}, None, "none")])
def test_rubbish_is_refused(tokens: Tokens, token: str) -> None:
    assert refused(tokens, "stream", token) in ("token_missing", "token_invalid")


def test_the_token_fits_into_a_twiml_parameter(tokens: Tokens) -> None:
    """Name and value together must stay under 500 characters."""
    longest = Pass("f" * 32, "CA" + "f" * 32, 9_999)

    assert len("token" + Tokens("s", "gateway-" + "f" * 12).mint("stream", longest)) < 500
