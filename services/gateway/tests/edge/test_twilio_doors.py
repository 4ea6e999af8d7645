"""What is answered to Twilio, and how we know that it is Twilio."""

from __future__ import annotations

import base64
import hmac
import xml.etree.ElementTree as ET

import pytest
from holdfast_gateway.adapters import twiml
from holdfast_gateway.adapters.signature import TwilioGuard, is_loopback, stream_base

TOKEN = "12345"
BASE = "https://mycompany.com"
# The example of Twilio's documentation (usage/security, "validating requests").
DOCUMENTED = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


def sign(url: str, params: dict[str, str], digest: str = "sha1") -> str:
    """Written out here, so that the library is not checked against itself."""
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), digest).digest()).decode()


SIGNED = {"X-Twilio-Signature": sign(BASE + "/voice", DOCUMENTED)}


def test_the_documented_example_is_let_through() -> None:
    headers = {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}

    assert TwilioGuard(TOKEN, BASE).refusal("/myapp.php?foo=1&bar=2", DOCUMENTED, headers, "203.0.113.9") is None


@pytest.mark.parametrize(
    ("path", "params", "headers", "why"),
    [
        ("/voice", DOCUMENTED, {}, "unsigned"),
        (
            "/voice",
            DOCUMENTED | {"Digits": "1"},
            {"X-Twilio-Signature": sign(BASE + "/voice", DOCUMENTED)},
            "bad_signature",
        ),
        ("/other", DOCUMENTED, {"X-Twilio-Signature": sign(BASE + "/voice", DOCUMENTED)}, "bad_signature"),
        ("/voice", DOCUMENTED, {"X-Twilio-Signature": "\u00e9"}, "bad_signature"),
    ],
)
def test_what_was_not_signed_as_it_came_is_refused(
    path: str, params: dict[str, str], headers: dict[str, str], why: str
) -> None:
    assert TwilioGuard(TOKEN, BASE).refusal(path, params, headers, "127.0.0.1") == why


def test_signatures_with_a_shared_key_are_sha256() -> None:
    headers = {
        "X-Twilio-Signature": sign(BASE + "/voice", DOCUMENTED, "sha256"),
        "X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
    }

    assert TwilioGuard(TOKEN, BASE).refusal("/voice", DOCUMENTED, headers, "") is None


def test_the_media_socket_is_signed_by_its_wss_address() -> None:
    guard = TwilioGuard(TOKEN, BASE)
    right = {"x-twilio-signature": ""} | {"X-Twilio-Signature": sign("wss://mycompany.com/twilio/media", {})}
    wrong = {"X-Twilio-Signature": sign("https://mycompany.com/twilio/media", {})}

    assert guard.upgrade_refusal("/twilio/media", right, "") is None
    assert guard.upgrade_refusal("/twilio/media", wrong, "") == "bad_signature"
    assert guard.upgrade_refusal("/twilio/media", {}, "") == "unsigned"


def test_one_of_several_processes_signs_its_media_by_its_own_address() -> None:
    """Webhooks reach any gateway; the media must reach the one that answered."""
    guard = TwilioGuard(TOKEN, BASE, "https://mycompany.com/g/gateway-1")
    own = {"X-Twilio-Signature": sign("wss://mycompany.com/g/gateway-1/twilio/media", {})}
    shared = {"X-Twilio-Signature": sign("wss://mycompany.com/twilio/media", {})}

    assert guard.upgrade_refusal("/twilio/media", own, "") is None
    assert guard.upgrade_refusal("/twilio/media", shared, "") == "bad_signature"
    assert guard.refusal("/voice", DOCUMENTED, {"X-Twilio-Signature": sign(BASE + "/voice", DOCUMENTED)}, "") is None


@pytest.mark.parametrize(
    ("headers", "peer", "why"),
    [
        ({"Host": "127.0.0.1:8080"}, "127.0.0.1", None),
        ({"Host": "localhost"}, "::1", None),
        ({"Host": "[::1]:8080"}, "::1", None),
        ({"Host": "127.0.0.1:8080"}, "192.0.2.1", "unsigned_and_not_local"),
        ({"Host": "127.0.0.1:8080", "X-Forwarded-For": "192.0.2.1"}, "127.0.0.1", "unsigned_and_forwarded"),
        ({"Host": "abc.tunnel.example"}, "127.0.0.1", "unsigned_and_forwarded"),
        ({"Host": "localhost:8080", "Origin": "https://evil.example"}, "127.0.0.1", "unsigned_from_a_page"),
    ],
)
def test_without_an_auth_token_only_this_machine_is_heard(headers: dict[str, str], peer: str, why: str | None) -> None:
    """A tunnel connects from loopback too, and a page in a local browser can reach the port."""
    guard = TwilioGuard("", "http://127.0.0.1:8080")

    assert guard.refusal("/twilio/voice", {}, headers, peer) == why
    assert guard.upgrade_refusal("/twilio/media", headers, peer) == why


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.9", True), ("::1", True), ("10.0.0.1", False), ("", False)]
)
def test_loopback_is_told_from_the_rest(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_the_caller_is_connected_and_has_a_way_back() -> None:
    text = twiml.connect(stream_base="wss://h.example", public_base_url="https://h.example", token="T&1", generation=2)
    verbs = list(ET.fromstring(text))

    after = "https://h.example/twilio/after?generation=2"
    assert [verb.tag for verb in verbs] == ["Connect", "Redirect"]
    assert verbs[0].get("action") == verbs[1].text == after
    stream = verbs[0].find("Stream")
    assert stream is not None
    assert stream.get("url") == "wss://h.example/twilio/media", "Twilio takes no query in a stream's address"
    parameter = stream.find("Parameter")
    assert parameter is not None
    assert parameter.attrib == {"name": "token", "value": "T&1"}


def test_refusals_are_spoken_and_then_the_line_is_closed() -> None:
    assert [verb.tag for verb in ET.fromstring(twiml.say_and_hang_up("Busy <now>"))] == ["Say", "Hangup"]
    assert [verb.tag for verb in ET.fromstring(twiml.hang_up())] == ["Hangup"]
    assert [verb.tag for verb in ET.fromstring(twiml.reject())] == ["Reject"]


def test_a_public_address_over_http_gives_a_local_stream() -> None:
    assert stream_base("http://127.0.0.1:8080") == "ws://127.0.0.1:8080"
    assert stream_base("https://h.example") == "wss://h.example"
