"""ElevenLabs' stand-in: HTTP streaming of sound in pieces, 401 that means quota, 429, sound that is cut."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import dataclass, field

from holdfast_cli.stand_ins.faults import Answer, Fault, Faults, Request
from holdfast_cli.stand_ins.stand_in import StandIn, as_json

CHUNK_MS = 100
CHARS_PER_S = 15.0


@dataclass
class ElevenLabsStandIn(StandIn):
    faults: Faults = field(default_factory=Faults)
    key: str = "elevenlabs-key"
    said: list[str] = field(default_factory=list)
    requests: int = 0
    _cut: bool = False
    name = "elevenlabs"
    quota = as_json(401, {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota."}})

    def fault_for(self, request: Request) -> Fault:
        fault = self.faults.next()
        self._cut = fault is Fault.CUT
        return fault

    async def answer(self, request: Request) -> Answer:
        if request.headers.get("xi-api-key") != self.key:
            return as_json(401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}})
        parts = request.path.split("/")
        if request.method != "POST" or parts[1:3] != ["v1", "text-to-speech"] or parts[-1] != "stream":
            return as_json(404, {"detail": {"status": "not_found", "message": "Not found"}})
        form = request.query.get("output_format", "mp3_44100_128")
        if form not in ("ulaw_8000", "pcm_8000", "pcm_16000"):
            return as_json(422, {"detail": [{"loc": ["query", "output_format"], "msg": "not here"}]})
        text = json.loads(request.body)["text"]
        self.said.append(text)
        rate = 16_000 if form == "pcm_16000" else 8_000
        count = int(len(text) / CHARS_PER_S * rate)
        tone = array("h", (int(6000 * math.sin(2 * math.pi * 220 * n / rate)) for n in range(count)))
        sound = bytes(_ulaw(sample) for sample in tone) if form == "ulaw_8000" else tone.tobytes()
        step = len(sound) * CHUNK_MS // max(1, count * 1000 // rate)
        chunks = tuple(sound[at : at + step] for at in range(0, len(sound), step))
        cut_after = len(chunks) // 2 if self._cut else None
        return Answer(200, headers={"content-type": "audio/basic"}, chunks=chunks, pace_s=0.005, cut_after=cut_after)


def _ulaw(sample: int) -> int:
    """G.711 of one sample."""
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    size = min(size, 32_635) + 0x84
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | size >> (exponent + 3) & 0x0F) & 0xFF
