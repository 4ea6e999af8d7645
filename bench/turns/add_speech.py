"""Take recordings of known words into the turn-taking set: to 8 kHz mu-law, aligned, a line each in speech.jsonl.

    add_speech.py NEW.jsonl FOLDER

NEW.jsonl has, for each recording, `file`, `speaker`, `split`, `text`, `source` and `licence`; with `from_ms` and
`to_ms` it is that part of the file, and `pronunciations` has words that the dictionary lacks. FOLDER (beside this
script) receives the audio. Words are aligned with pocketsphinx's model; a recording with a word that the dictionary
lacks, or that does not align, is left out and told.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from holdfast_cli.eval.turn_noise import RATE_HZ
from holdfast_cli.eval.turn_set import read_wav
from holdfast_common.pcm import ulaw_encode
from pocketsphinx import Decoder

ALIGN_HZ = 16_000
FRAME_MS = 10
ROOM_MS = 120
"""Silence kept before and after the voice."""


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower())


def align(decoder: Decoder, audio: np.ndarray, text: list[str]) -> list[tuple[str, int, int]]:
    """(word, start ms, end ms) of each word, by the model; raises RuntimeError where there is no alignment."""
    pcm = np.clip(audio * 32_767, -32_768, 32_767).astype("<i2").tobytes()
    decoder.set_align_text(" ".join(text))
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    found = []
    for segment in decoder.seg():
        word = re.sub(r"\(\d+\)$", "", segment.word)
        if not word.startswith(("<", "[", "+")):
            found.append((word, segment.start_frame * FRAME_MS, (segment.end_frame + 1) * FRAME_MS))
    if [word for word, _, _ in found] != text:
        raise RuntimeError("no alignment")
    return found


def write_ulaw(path: Path, audio: np.ndarray) -> None:
    data = ulaw_encode(np.clip(audio * 32_768, -32_768, 32_767).astype("<i2").tobytes())
    form = b"".join(n.to_bytes(s, "little") for n, s in ((7, 2), (1, 2), (RATE_HZ, 4), (RATE_HZ, 4), (1, 2), (8, 2)))
    size = len(data)
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + form
    path.write_bytes(head + b"data" + size.to_bytes(4, "little") + data)


def add(row: dict[str, Any], folder: Path, decoder: Decoder) -> dict[str, Any]:
    """Write one recording's audio; its line of the index. Raises LookupError or RuntimeError."""
    audio, rate_hz = read_wav(Path(row["file"]))
    if "from_ms" in row:
        audio = audio[row["from_ms"] * rate_hz // 1000 : row["to_ms"] * rate_hz // 1000]
    text = words_of(row["text"])
    for word, phones in row.get("pronunciations", {}).items():
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, phones)
    if missing := [word for word in text if decoder.lookup_word(word) is None]:
        raise LookupError(f"not in the dictionary: {missing}")
    words = align(decoder, soxr.resample(audio, rate_hz, ALIGN_HZ), text)
    audio = soxr.resample(audio, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else audio
    begin = max(0, words[0][1] - ROOM_MS)
    audio = audio[begin * 8 : (words[-1][2] + ROOM_MS) * 8]
    name = f"{row['speaker']}_{row.get('name', Path(row['file']).stem)}.wav"
    write_ulaw(folder / name, 0.5 * audio / np.abs(audio).max())
    return {
        "file": f"{folder.name}/{name}",
        "speaker": row["speaker"],
        "split": row["split"],
        "human": True,
        "kind": "sentence",
        "spans": [[0, len(words)]],
        "words": [[word, a - begin, b - begin] for word, a, b in words],
        "source": row["source"],
        "licence": row["licence"],
    }


def main() -> None:
    here = Path(__file__).parent
    folder = here / sys.argv[2]
    folder.mkdir(exist_ok=True)
    decoder = Decoder(loglevel="FATAL")
    with (here / "speech.jsonl").open("a", encoding="utf-8") as index:
        for line in Path(sys.argv[1]).read_text("utf-8").splitlines():
            row = json.loads(line)
            try:
                index.write(json.dumps(add(row, folder, decoder)) + "\n")
            except (LookupError, RuntimeError) as error:
                print(f"{row['file']}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
