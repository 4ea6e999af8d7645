"""What we answer Twilio: TwiML, by Twilio's library."""

from __future__ import annotations

from twilio.twiml.voice_response import Connect, Dial, Gather, Stream, VoiceResponse

MEDIA_PATH = "/twilio/media"
VOICE_PATH = "/twilio/voice"
AFTER_PATH = "/twilio/after"
CALLBACK_PATH = "/twilio/callback"
PERSON_PATH = "/twilio/person"
SUMMARY_PATH = "/twilio/summary"
HANDED = "handed"
CALLBACK_DIGIT = "1"
CALLBACK_WAIT_S = 5
SAY_VOICE = "Polly.Joanna"


def connect(*, stream_base: str, public_base_url: str, token: str, generation: int) -> str:
    """Put the caller through to the media socket, with the way back for when that is lost.

    `action` is asked when the stream ends; the redirect behind it is for when it is not. Neither loop
    can run away: coming back is counted.
    """
    after = f"{public_base_url}{AFTER_PATH}?generation={generation}"
    response = VoiceResponse()
    verb = Connect(action=after, method="POST")
    stream = Stream(url=stream_base + MEDIA_PATH)
    stream.parameter(name="token", value=token)
    verb.append(stream)
    response.append(verb)
    response.redirect(after, method="POST")
    return str(response)


def say_and_hang_up(text: str) -> str:
    """The carrier's own voice says it: nothing of ours needs to work for that."""
    response = VoiceResponse()
    response.say(text, voice=SAY_VOICE, language="en-US")
    response.hangup()
    return str(response)


def offer_callback(text: str, offer: str, *, public_base_url: str) -> str:
    """All lines are busy; a key pressed within 5 s asks to be called back, nothing pressed hangs up."""
    response = VoiceResponse()
    gather = Gather(
        action=public_base_url + CALLBACK_PATH,
        method="POST",
        input="dtmf",
        num_digits=1,
        timeout=CALLBACK_WAIT_S,
        action_on_empty_result=False,
    )
    gather.say(f"{text} {offer}", voice=SAY_VOICE, language="en-US")
    response.append(gather)
    response.hangup()
    return str(response)


def say_and_return(text: str, *, public_base_url: str, generation: int) -> str:
    """The carrier's own voice says it, then the caller comes back as after a lost stream."""
    response = VoiceResponse()
    response.say(text, voice=SAY_VOICE, language="en-US")
    response.redirect(f"{public_base_url}{AFTER_PATH}?generation={generation}", method="POST")
    return str(response)


def to_person(
    number: str, *, public_base_url: str, generation: int, ring_s: int, caller_id: str = "", summary_url: str = ""
) -> str:
    """Ring a person; how that went is told to PERSON_PATH. `summary_url`: what they hear before they are connected."""
    response = VoiceResponse()
    action = f"{public_base_url}{PERSON_PATH}?generation={generation}"
    shown = {"caller_id": caller_id} if caller_id else {}
    dial = Dial(action=action, method="POST", timeout=ring_s, answer_on_bridge=True, **shown)
    dial.number(number, **({"url": summary_url, "method": "POST"} if summary_url else {}))
    response.append(dial)
    return str(response)


def say(text: str) -> str:
    """Said to the person who was rung; then they are connected."""
    response = VoiceResponse()
    response.say(text, voice=SAY_VOICE, language="en-US")
    return str(response)


def nothing() -> str:
    """Go on as before."""
    return str(VoiceResponse())


def hand_on(address: str) -> str:
    """Ask another gateway process, which answers or refuses for good."""
    response = VoiceResponse()
    response.redirect(f"{address}{VOICE_PATH}?{HANDED}=1", method="POST")
    return str(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)


def reject() -> str:
    """Not answered at all: costs nobody anything. For callers who call too often."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)
