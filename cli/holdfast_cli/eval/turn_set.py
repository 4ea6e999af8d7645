"""The labelled turn-taking set: 8 kHz telephone audio with what a good listener does, from a fixed seed.

Speech is human (bench/turns/speech.jsonl, with word times by forced alignment), except spelled addresses,
for which there is no human recording. Where a voice begins and ends is taken from the clean audio, before
noise: frames of 10 ms within 30 dB of the loudest one. Inner pauses are cut in at word boundaries drawn at
random. Signs of listening are short human words under the label of one ("yeah"): the detector hears the
sound, the decision sees the label. Everything ends as mu-law, as a phone network would hand it over.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr
from holdfast_common.pcm import Samples, samples_of, ulaw_decode, ulaw_encode

from holdfast_cli.eval.turn_noise import BURSTS, KINDS, RATE_HZ, Random, Signal, background, burst

SEED = 20_261_128
SIGNS = ("mm-hm", "yeah", "okay", "right", "uh-huh", "i see", "sure")
FRAME = RATE_HZ // 100
EDGE = RATE_HZ // 125
"""Fade of 8 ms where speech is cut."""
TAIL_MS = 3_200
MOST_TEXTS = 4
HOLE_MS = 20
ROOM_MS = 200
"""What is kept behind a recording's last word."""
GOES_ON_MS, GOES_ON_FRAMES = 100, 3
"""So many frames of voice between this and ROOM_MS behind the last word are another word's."""
WAVE_MULAW = 7
SHARE_ONE_PAUSE, SHARE_TWO_PAUSES = 0.23, 0.10
"""A third of the utterances pause inside, a tenth of all twice."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording at 8 kHz: (word, start ms, end ms), and spans of words that are whole utterances."""

    speaker: str
    split: str
    kind: str
    audio: Signal
    words: list[tuple[str, int, int]]
    spans: list[tuple[int, int]]


@dataclass(slots=True)
class Item:
    """One scene and its labels; times in ms from the beginning of the audio."""

    id: str
    task: str
    """turn, barge_in, back_channel, noise; end (speech without inner silence, a set silence) or short."""
    split: str
    speaker: str
    kind: str
    expectation: str
    snr_db: float
    noise: str
    endpoint_ms: int | None = None
    """Set silence; None: as the profile and the words say."""
    voiced: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of the caller's voice between cut-in pauses, by clean energy."""
    words: list[tuple[str, int]] = field(default_factory=list)
    """What an ideal recogniser hears: word, ms of its end."""
    misheard: list[tuple[str, int]] = field(default_factory=list)
    """What one with a word error rate of about 15 % hears."""
    agent: tuple[int, int] | None = None
    """While this lasts the agent speaks."""
    wav: str = ""


def load(index: Path) -> list[Recording]:
    """The recordings named in an index; raises FileNotFoundError for a missing one."""
    found = []
    for line in index.read_text("utf-8").splitlines():
        row = json.loads(line)
        samples, rate_hz = read_wav(index.parent / row["file"])
        if rate_hz != RATE_HZ:
            samples = soxr.resample(samples, rate_hz, RATE_HZ)
        words = spoken([(w, a, b) for w, a, b in row["words"]], samples)
        spans = [(a, b) for a, b in row["spans"]]
        samples = labelled(samples, words[-1][2])
        found.append(Recording(row["speaker"], row["split"], row["kind"], samples, words, spans))
    return found


def spoken(words: list[tuple[str, int, int]], clean: Signal) -> list[tuple[str, int, int]]:
    """The words without the silence that the aligner gave to them: each ends with its last frame of voice."""
    loud = loud_frames(clean) * 10
    found = []
    for word, start, end in words:
        mine = loud[(loud >= start) & (loud < end)]
        found.append((word, start, int(mine[-1]) + 10 if len(mine) else end))
    return found


def labelled(clean: Signal, end_ms: int) -> Signal:
    """A recording up to `end_ms`, its last word's end, and the room behind it: one that was cut out of a longer one
    may go on with a word that has no label."""
    loud = loud_frames(clean) * 10
    behind = loud[(loud >= end_ms + GOES_ON_MS) & (loud < end_ms + ROOM_MS)]
    return clean[: int(behind[0]) * 8] if len(behind) >= GOES_ON_FRAMES else clean


def read_wav(path: Path) -> tuple[Signal, int]:
    """Samples and rate of a mono WAV file, 16-bit PCM or mu-law (which the standard library does not read)."""
    data = path.read_bytes()
    form, rate_hz = int.from_bytes(data[20:22], "little"), int.from_bytes(data[24:28], "little")
    at = data.index(b"data", 36) + 8
    body = data[at : at + int.from_bytes(data[at - 4 : at], "little")]
    pcm = ulaw_decode(body) if form == WAVE_MULAW else body
    return samples_of(pcm).astype(np.float64) / 32_768, rate_hz


def loud_frames(clean: Signal) -> np.ndarray:
    """Frames of 10 ms of clean speech that are voice: within 30 dB of the loudest, above the room."""
    count = len(clean) // FRAME
    db = 10 * np.log10(np.mean(clean[: count * FRAME].reshape(count, FRAME) ** 2, axis=1) + 1e-10)
    return np.flatnonzero(db > max(db.max() - 30, min(np.percentile(db, 5) + 8, db.max() - 15)))


def edges(clean: Signal) -> tuple[int, int]:
    """First sample of the voice and the one after its last."""
    loud = loud_frames(clean)
    return int(loud[0]) * FRAME, int(loud[-1] + 1) * FRAME


def goes_on_to(loud_ms: np.ndarray, end_ms: int) -> int:
    """Where a voice labelled up to `end_ms` ends: where the aligner was early, it goes on without a hole."""
    for at in loud_ms[loud_ms >= end_ms].tolist():
        if at > end_ms + HOLE_MS:
            break
        end_ms = at + 10
    return end_ms


def faded(piece: Signal) -> Signal:
    ramp = np.ones(len(piece))
    ramp[:EDGE] = np.linspace(0, 1, EDGE)
    ramp[-EDGE:] = np.linspace(1, 0, EDGE)
    return piece * ramp


Scene = tuple[Item, Samples]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a recording: (word, ms of its end within the audio)."""

    audio: Signal
    words: list[tuple[str, int]]
    voice_to: int
    """Ms at which its last word ends: what is as loud behind it is a breath or the room."""


class Maker:
    """Makes the scenes of one split."""

    def __init__(self, recordings: list[Recording], split: str, seed: int = SEED) -> None:
        self._all = recordings
        self._mine = [r for r in recordings if r.split == split]
        self._split = split
        self._rng: Random = np.random.default_rng([seed, split == "report"])
        self._vocabulary = sorted({word for r in recordings for word, _, _ in r.words})
        self._count = 0

    def scenes(self, scale: float) -> list[Scene]:
        """All tasks; `scale` 1 makes about 480 scenes."""
        tasks: list[tuple[Callable[[int], Scene], int]] = [
            (self._turn, 150),
            (self._end, 120),
            (self._short, 60),
            (self._barge_in, 50),
            (self._back_channel, 50),
            (self._noise, 50),
        ]
        return [make(i) for make, count in tasks for i in range(round(count * scale))]

    def _pick(self, *kinds: str) -> tuple[Recording, tuple[int, int]]:
        """A speaker, then a recording, then a span: nobody counts for more than `MOST_TEXTS` of theirs."""
        able = [r for r in self._mine if r.kind in kinds]
        speakers = sorted({r.speaker for r in able})
        texts = [sum(len(r.spans) for r in able if r.speaker == speaker) for speaker in speakers]
        weights = np.minimum(texts, MOST_TEXTS)
        speaker = speakers[int(self._rng.choice(len(speakers), p=weights / weights.sum()))]
        able = [r for r in able if r.speaker == speaker]
        recording = able[int(self._rng.integers(len(able)))]
        return recording, recording.spans[int(self._rng.integers(len(recording.spans)))]

    def _cut(self, r: Recording, first: int, last: int) -> Piece:
        """The audio of words [first, last), to the middle of the gaps around it."""
        begin = r.words[first][1] - 60 if first == 0 else (r.words[first - 1][2] + r.words[first][1]) // 2
        end = r.words[last - 1][2] + ROOM_MS if last == len(r.words) else (r.words[last - 1][2] + r.words[last][1]) // 2
        begin, end = max(0, begin, r.words[first][1] - 150), min(end, r.words[last - 1][2] + ROOM_MS)
        words = [(word, word_end - begin) for word, _, word_end in r.words[first:last]]
        voice_to = goes_on_to(loud_frames(r.audio) * 10, r.words[last - 1][2]) - begin
        return Piece(faded(r.audio[begin * 8 : end * 8].copy()), words, voice_to)

    def _spoken(self, item: Item, pieces: list[Piece], gaps_ms: list[int], lead_ms: int, tail_ms: int) -> Signal:
        """The pieces on a silent line, each trimmed to its voice so that a gap is as long as it says; their words."""
        line = [np.zeros(lead_ms * 8)]
        at = lead_ms * 8
        for i, piece in enumerate(pieces):
            begin, end = edges(piece.audio)
            cut = 0 if i == 0 else begin
            kept = piece.audio[cut : len(piece.audio) if i == len(pieces) - 1 else end]
            voice_to = min(end, piece.voice_to * 8) if i == len(pieces) - 1 else end
            item.voiced.append(((at + begin - cut) // 8, (at + voice_to - cut) // 8))
            item.words += [
                (word, min(item.voiced[-1][1], (at - cut) // 8 + word_end)) for word, word_end in piece.words
            ]
            line.append(kept)
            at += len(kept)
            if i < len(pieces) - 1:
                line.append(np.zeros(gaps_ms[i] * 8))
                at += gaps_ms[i] * 8
        line.append(np.zeros(tail_ms * 8))
        self._mishear(item)
        return np.concatenate(line)

    def _mishear(self, item: Item) -> None:
        for word, end in item.words:
            draw = self._rng.uniform()
            other = self._vocabulary[int(self._rng.integers(len(self._vocabulary)))]
            if draw >= 0.07:
                item.misheard.append((other if draw < 0.15 else word, end))

    def _finish(self, item: Item, clean: Signal, *, echo: bool = False, level_db: float | None = None) -> Samples:
        """Level, noise at its ratio to the voice, the agent's echo 30 dB under it; then the phone's mu-law."""
        rng = self._rng
        loud = loud_frames(clean) if item.voiced else np.arange(0)
        frames = clean[: len(clean) // FRAME * FRAME].reshape(-1, FRAME)
        active = float(np.sqrt(np.mean(frames[loud] ** 2))) if len(loud) else float(np.abs(clean).max() / 3 + 1e-9)
        others = [r.audio for r in self._all if r.speaker != item.speaker]
        noisy = clean / active
        noisy = noisy + 10 ** (-item.snr_db / 20) * background(rng, item.noise, len(clean), others)
        if echo and item.agent is not None:
            voice = others[int(rng.integers(len(others)))]
            begin, end = item.agent[0] * 8, min(len(clean), item.agent[1] * 8)
            agent = np.tile(voice / np.sqrt(np.mean(voice**2)), 1 + (end - begin) // len(voice))
            noisy[begin:end] += 10**-1.5 * agent[: end - begin]
        level = rng.uniform(-32, -18) if level_db is None else level_db
        pcm = np.clip(noisy * 10 ** (level / 20) * 32_768, -32_768, 32_767).astype("<i2")
        return samples_of(ulaw_decode(ulaw_encode(pcm.tobytes())))

    def _item(self, task: str, r: Recording, snr_db: float, expectation: str = "open") -> Item:
        self._count += 1
        noise = KINDS[int(self._rng.integers(len(KINDS)))]
        name = f"{self._split}-{self._count:04d}-{task}"
        return Item(name, task, self._split, r.speaker, r.kind, expectation, snr_db, noise)

    def _turn(self, i: int) -> Scene:
        """A whole utterance: sentences, every sixth a string of digits, every thirtieth an address."""
        rng = self._rng
        kind, expectation = ("sentence", "open")
        if i % 30 == 17:
            kind, expectation = ("email", "email")
        elif i % 6 == 5:
            kind, expectation = ("digits", ("number", "open")[i // 6 % 2])
        r, (first, last) = self._pick(kind)
        draw = rng.uniform()
        pauses = 2 if draw < SHARE_TWO_PAUSES else 1 if draw < SHARE_TWO_PAUSES + SHARE_ONE_PAUSE else 0
        pauses = min(pauses, last - first - 1)
        at = sorted(rng.choice(np.arange(first + 1, last), pauses, replace=False).tolist())
        bounds = [first, *at, last]
        pieces = [self._cut(r, a, b) for a, b in pairwise(bounds)]
        item = self._item("turn", r, (30.0, 15.0, 5.0)[(i + i // 6) % 3], expectation)  # digits in each noise
        lead_ms = 0 if rng.uniform() < 0.1 else int(rng.uniform(300, 1_500))
        gaps = rng.integers(400, 1_201, pauses).tolist()
        clean = self._spoken(item, pieces, gaps, lead_ms, TAIL_MS)
        return item, self._finish(item, clean)

    def _end(self, i: int) -> Scene:
        """Speech up to its first clean silence of 150 ms, to be ended by a set silence of 200 ms."""
        while True:
            r, (first, last) = self._pick("sentence", "digits")
            whole = self._cut(r, first, last)
            piece = whole.audio
            loud = loud_frames(piece)
            holes = np.flatnonzero(np.diff(loud) > 12)
            stop = int(loud[holes[0]] + 6) * FRAME if len(holes) else len(piece)
            piece = faded(piece[:stop].copy())
            begin, end = edges(piece)
            if end - begin >= 250 * 8:
                break
        item = self._item("end", r, (30.0, 20.0, 10.0)[i % 3])
        item.endpoint_ms = 200
        lead_ms = 0 if self._rng.uniform() < 0.15 else int(self._rng.uniform(300, 1_500))
        clean = self._spoken(item, [Piece(piece, [], whole.voice_to)], [], lead_ms, 1_500)
        return item, self._finish(item, clean)

    def _word(self) -> tuple[Recording, Piece]:
        """One human word, its voice 150 to 450 ms long."""
        while True:
            r, _ = self._pick("digits", "sentence")
            at = int(self._rng.integers(len(r.words)))
            piece = self._cut(r, at, at + 1)
            begin, end = edges(piece.audio)
            length_ms = (end - begin) // 8
            if 150 <= length_ms <= 450:
                return r, piece

    def _short(self, i: int) -> Scene:
        """An answer of one word."""
        r, piece = self._word()
        item = self._item("short", r, (30.0, 15.0, 5.0)[i % 3], "yes_no")
        clean = self._spoken(item, [piece], [], int(self._rng.uniform(200, 1_200)), 2_500)
        item.words = [("yes" if i % 2 else "no", item.voiced[0][1])]
        item.misheard = item.words if self._rng.uniform() > 0.15 else []
        return item, self._finish(item, clean)

    def _barge_in(self, i: int) -> Scene:
        """Words over the agent's voice that mean to take the floor."""
        r, (first, last) = self._pick("sentence", "digits")
        last = min(last, first + int(self._rng.integers(3, 8)))
        item = self._item("barge_in", r, (30.0, 15.0, 5.0)[i % 3])
        lead_ms = int(self._rng.uniform(1_000, 2_500))
        clean = self._spoken(item, [self._cut(r, first, last)], [], lead_ms, 2_500)
        item.agent = (300, len(clean) // 8)
        return item, self._finish(item, clean, echo=i % 2 == 0)

    def _back_channel(self, i: int) -> Scene:
        """A sign of listening under the agent's voice."""
        r, piece = self._word()
        item = self._item("back_channel", r, (30.0, 15.0, 5.0)[i % 3])
        clean = self._spoken(item, [piece], [], int(self._rng.uniform(1_000, 2_500)), 3_000)
        item.agent = (300, len(clean) // 8)
        sign = SIGNS[int(self._rng.integers(len(SIGNS)))]
        item.words = [(word, item.voiced[0][1]) for word in sign.split()]
        draw = self._rng.uniform()
        wrong = self._vocabulary[int(self._rng.integers(len(self._vocabulary)))]
        item.misheard = item.words if draw > 0.15 else [] if draw < 0.07 else [(wrong, item.voiced[0][1])]
        return item, self._finish(item, clean, echo=i % 2 == 0)

    def _noise(self, i: int) -> Scene:
        """A cough, a knock, a breath, a rustle, or only the agent's echo: nobody says anything."""
        rng = self._rng
        r = self._mine[int(rng.integers(len(self._mine)))]
        kind = (*BURSTS, "echo")[i % 5]
        item = self._item("noise", r, (30.0, 15.0)[i % 2])
        item.kind = kind
        clean = np.zeros(6_000 * 8)
        if kind == "echo":
            clean[0] = 3.0
        else:
            sound = burst(rng, kind) * 10 ** (rng.uniform(-6, 6) / 20)
            begin = int(rng.uniform(1_200, 2_500)) * 8
            clean[begin : begin + len(sound)] = sound
            if rng.uniform() < 0.1:
                word = ("uh", "the", "oh", "a", "hm")[int(rng.integers(5))]
                item.misheard = [(word, (begin + len(sound)) // 8)]
        item.agent = (300, 6_000)
        return item, self._finish(item, clean, echo=kind == "echo" or i % 2 == 0)


def build(index: Path, folder: Path, splits: tuple[str, ...], scale: float, seed: int = SEED) -> list[Item]:
    """Write the set's audio and labels (`set.jsonl`) into a folder; returns the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    recordings = load(index)
    items = []
    for split in splits:
        for item, pcm in Maker(recordings, split, seed).scenes(scale):
            item.wav = f"{item.id}.wav"
            with wave.open(str(folder / item.wav), "wb") as wav:
                wav.setnchannels(1)
                wav.setsampwidth(2)
                wav.setframerate(RATE_HZ)
                wav.writeframes(pcm.tobytes())
            items.append(item)
    (folder / "set.jsonl").write_text("".join(json.dumps(asdict(item)) + "\n" for item in items), "utf-8")
    return items
