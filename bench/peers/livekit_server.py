"""livekit-agents' AgentSession behind Twilio Media Streams, with stub engines.

No LiveKit server and no room: the session's audio input and output are bound
to the WebSocket (as its console mode binds them to a terminal). VAD, turn
handling and generation are livekit-agents' own.
"""

import asyncio
import audioop
import base64
import logging
import math
import struct
import sys
import time
import uuid

import orjson
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, llm, stt, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io

RATE = 8000
ENDPOINTING_S = 0.2
BARGE_IN_S = 0.2
WORDS = ["this", "is", "the", "fixed", "answer", "which", "always", "has", "just", "twelve", "short", "words."]
TONE = [
    b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * 440 * (k * 160 + i) / RATE))) for i in range(160))
    for k in range(100)
]

logging.basicConfig(level=logging.WARNING)
app = FastAPI()
vad = inference.VAD(model="silero", min_silence_duration=ENDPOINTING_S)


class StubSTT(stt.STT):
    """A placeholder: StubAgent.stt_node() makes the transcripts."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))

    async def _recognize_impl(self, buffer, *, language=None, conn_options=None):
        raise NotImplementedError


class StubLLM(llm.LLM):
    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **kwargs):
        return StubLLMStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class StubLLMStream(llm.LLMStream):
    async def _run(self) -> None:
        for word in WORDS:
            delta = llm.ChoiceDelta(role="assistant", content=word + " ")
            self._event_ch.send_nowait(llm.ChatChunk(id="stub", delta=delta))


class StubTTS(tts.TTS):
    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=RATE, num_channels=1)

    def synthesize(self, text, *, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(self, *, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return StubTTSStream(tts=self, conn_options=conn_options)


class StubTTSStream(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=uuid.uuid4().hex,
            sample_rate=RATE,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=20,
            stream=True,
        )
        text = ""
        async for piece in self._input_ch:
            if isinstance(piece, str):
                text += piece
        if text.strip():
            output_emitter.start_segment(segment_id=uuid.uuid4().hex)
            self._mark_started()
            for chunk in TONE:
                output_emitter.push(chunk)
            output_emitter.end_segment()


class StubAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="stub")
        self.utterance_ended: asyncio.Queue[None] = asyncio.Queue()

    async def stt_node(self, audio, model_settings):
        async def drain() -> None:
            async for _ in audio:
                pass

        task = asyncio.create_task(drain())
        try:
            while True:
                await self.utterance_ended.get()
                yield stt.SpeechEvent(
                    type=stt.SpeechEventType.FINAL_TRANSCRIPT,
                    alternatives=[stt.SpeechData(language="en", text="hello there")],
                )
        finally:
            task.cancel()


class PhoneIn(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="twilio")
        self.frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await self.frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class PhoneOut(io.AudioOutput):
    """Sends audio as soon as it comes; Twilio buffers it and returns the marks."""

    def __init__(self, websocket: WebSocket, stream_sid: str) -> None:
        super().__init__(
            label="twilio",
            capabilities=io.AudioOutputCapabilities(pause=False),
            sample_rate=RATE,
        )
        self._websocket, self._sid = websocket, stream_sid
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
        self._pushed_s = 0.0
        self._began = 0.0
        self._segment = 0

    async def send_loop(self) -> None:
        while True:
            await self._websocket.send_text(await self._outbox.get())

    def _post(self, event: str, **body) -> None:
        message = {"event": event, "streamSid": self._sid, **body}
        self._outbox.put_nowait(orjson.dumps(message).decode())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._pushed_s:
            self._began = time.monotonic()
            self.on_playback_started(created_at=time.time())
        self._pushed_s += frame.duration
        payload = base64.b64encode(audioop.lin2ulaw(bytes(frame.data), 2)).decode()
        self._post("media", media={"payload": payload})

    def flush(self) -> None:
        super().flush()
        if self._pushed_s:
            self._segment += 1
            self._post("mark", mark={"name": str(self._segment)})

    def clear_buffer(self) -> None:
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._post("clear")
        if self._pushed_s:
            self._finished(min(time.monotonic() - self._began, self._pushed_s), True)
            self._segment += 1  # the cleared segment's mark no longer counts

    def on_mark(self, name: str) -> None:
        if self._pushed_s and name == str(self._segment):
            self._finished(self._pushed_s, False)

    def _finished(self, position: float, interrupted: bool) -> None:
        self._pushed_s = 0.0
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


@app.websocket("/ws")
async def media_stream(websocket: WebSocket) -> None:
    await websocket.accept()
    message = {}
    while message.get("event") != "start":
        message = orjson.loads(await websocket.receive_text())
    phone_in, phone_out = PhoneIn(), PhoneOut(websocket, message["streamSid"])
    agent = StubAgent()
    session = AgentSession(
        stt=StubSTT(),
        llm=StubLLM(),
        tts=StubTTS(),
        vad=vad,
        turn_handling={
            "turn_detection": "vad",
            "endpointing": {"mode": "fixed", "min_delay": ENDPOINTING_S, "max_delay": 1.0},
            "interruption": {"enabled": True, "mode": "vad", "min_duration": BARGE_IN_S},
        },
    )

    @session.on("user_state_changed")
    def on_user_state(event) -> None:
        if event.old_state == "speaking" and event.new_state == "listening":
            agent.utterance_ended.put_nowait(None)

    session.input.audio, session.output.audio = phone_in, phone_out
    sender = asyncio.create_task(phone_out.send_loop())
    await session.start(agent, record=False)
    try:
        while True:
            message = orjson.loads(await websocket.receive_text())
            event = message["event"]
            if event == "media":
                pcm = audioop.ulaw2lin(base64.b64decode(message["media"]["payload"]), 2)
                phone_in.frames.put_nowait(rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2))
            elif event == "mark":
                phone_out.on_mark(message["mark"]["name"])
            elif event == "stop":
                break
    except WebSocketDisconnect:
        pass
    finally:
        sender.cancel()
        phone_in.frames.put_nowait(None)
        await session.aclose()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8002
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
