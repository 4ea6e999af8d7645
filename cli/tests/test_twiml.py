"""The carrier: TwiML, addresses, signatures."""

from __future__ import annotations

import pytest
from holdfast_cli.caller.twiml import Carrier, ConnectStream, Hangup, Redirect, Say, WebhookError, parse

WEBHOOK = "http://127.0.0.1:8080/twilio/voice"


def test_connect_gives_the_socket_its_parameters_and_the_way_back():
    """Relative addresses are relative to the webhook."""
    body = (
        '<Response><Connect action="/twilio/after?generation=1"><Stream url="wss://x.example/media">'
        '<Parameter name="token" value="abc"/></Stream></Connect><Redirect>/twilio/after</Redirect></Response>'
    )

    verbs = parse(body, WEBHOOK)

    assert verbs == [
        ConnectStream("wss://x.example/media", {"token": "abc"}, "http://127.0.0.1:8080/twilio/after?generation=1"),
        Redirect("http://127.0.0.1:8080/twilio/after"),
    ]


def test_a_relative_stream_is_on_the_webhooks_host():
    """As a socket address."""
    (verb,) = parse('<Response><Connect><Stream url="/media"/></Connect></Response>', WEBHOOK)

    assert isinstance(verb, ConnectStream)
    assert verb.url == "ws://127.0.0.1:8080/media"


def test_a_busy_answer_is_said_and_ends():
    """Say, then Hangup; pauses are passed over."""
    verbs = parse("<Response><Say>All lines are busy.</Say><Pause/><Hangup/></Response>", WEBHOOK)

    assert verbs == [Say("All lines are busy."), Hangup()]


@pytest.mark.parametrize(
    "body", ["not xml", "<Response><Connect/></Response>", "<Response><Connect><Stream/></Connect></Response>"]
)
def test_rubbish_is_refused_with_the_address(body: str):
    """The message says which webhook."""
    with pytest.raises(WebhookError, match=r"127\.0\.0\.1:8080"):
        parse(body, WEBHOOK)


def test_a_public_address_is_signed_but_reached_from_here():
    """Twilio signs what it was told to ask; the simulated one is on the same machine."""
    carrier = Carrier(WEBHOOK, auth_token="secret", public_url="https://voice.example.com")

    assert carrier.reachable("wss://voice.example.com/twilio/media") == "ws://127.0.0.1:8080/twilio/media"
    assert carrier.reachable("https://voice.example.com/twilio/after?generation=2") == (
        "http://127.0.0.1:8080/twilio/after?generation=2"
    )


def test_signatures_are_twilios():
    """The published example of Twilio's security documentation."""
    carrier = Carrier("https://mycompany.com/myapp.php?foo=1&bar=2", auth_token="12345")
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }

    assert carrier.signature(carrier.webhook, form) == {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    assert Carrier(WEBHOOK).signature(WEBHOOK, form) == {}
