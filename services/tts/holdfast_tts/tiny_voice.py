"""A Piper voice of some hundred kilobytes, made on the spot, for tests and benches. Ships with the product.

It buzzes: each phoneme is a tone of a length and pitch of its own, marks and silence are silent. It
has the inputs, outputs and config of a real voice, and like one it computes lengths from
`length_scale` and `noise_w` and puts `noise_scale` on the sound, in frames of 256 samples. Making it
needs the onnx package; speaking with it does not.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RATE_HZ = 22_050
HOP = 256
LETTER_FRAMES = 6
"""Of a letter; marks and silence have one."""
SYMBOLS = 256
STRESS = "\N{MODIFIER LETTER VERTICAL LINE}\N{MODIFIER LETTER LOW VERTICAL LINE}"

_GRAPH = """
tiny (int64[1, T] input, int64[1] input_lengths, float[3] scales {sid}) => (float[1, 1, 1, S] output)
<int64 noise_at = {{0}}, int64 length_at = {{1}}, int64 width_at = {{2}}, int64 zero = {{0}}, int64 one = {{1}},
 int64[1] flat = {{-1}}, int64[1] second = {{1}}, int64[4] whole = {{1, 1, 1, -1}}, float least = {{0.1}},
 float quiet = {{0.001}}>
{{
  noise_scale = Gather(scales, noise_at)
  length_scale = Gather(scales, length_at)
  noise_w = Gather(scales, width_at)
  ids = Reshape(input, flat)
  usual = Gather(lengths, ids)
  jitter = RandomNormalLike(usual)
  jitters = Mul(jitter, noise_w)
  uneven = Add(usual, jitters)
  stretched = Mul(uneven, length_scale)
  positive = Max(stretched, least)
  {ceil} = Ceil(positive)
  ends = CumSum({ceil}, zero)
  count = ReduceSum<keepdims = 0>({ceil})
  frames = Cast<to = 7>(count)
  numbers = Range(zero, frames, one)
  number = Cast<to = 1>(numbers)
  column = Unsqueeze(number, second)
  passed = LessOrEqual(ends, column)
  passed_number = Cast<to = 7>(passed)
  place = ReduceSum<keepdims = 0>(passed_number, second)
  id = Gather(ids, place)
  sound = Gather(sounds, id)
  hiss = RandomNormalLike(sound)
  hiss_level = Mul(noise_scale, quiet)
  hissing = Mul(hiss, hiss_level)
  noisy = Add(sound, hissing)
  {voiced}
  output = Reshape(voiced, whole)
}}
"""
_ONE_VOICE = "voiced = Identity(noisy)"
_VOICES = """after = Add(sid, second)
  divisor = Cast<to = 1>(after)
  voiced = Div(noisy, divisor)"""
"""The second speaker is half as loud as the first."""


def make(folder: Path, name: str = "en_US-tiny-low", *, amplitude: float = 0.05, speakers: int = 1) -> Path:
    """Write `<name>.onnx` and `<name>.onnx.json`; the path of the model."""
    import onnx  # noqa: PLC0415 - only where a voice is made
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP  # noqa: PLC0415 - heavy

    sounds, lengths = _tables(DEFAULT_PHONEME_ID_MAP, amplitude)
    text = _GRAPH.format(
        ceil="ceil_of_w", sid=", int64[1] sid" if speakers > 1 else "", voiced=_VOICES if speakers > 1 else _ONE_VOICE
    )
    graph = onnx.parser.parse_graph(text)
    graph.initializer.extend(
        (onnx.numpy_helper.from_array(sounds, "sounds"), onnx.numpy_helper.from_array(lengths, "lengths"))
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    config = {
        "audio": {"sample_rate": RATE_HZ, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": SYMBOLS,
        "num_speakers": speakers,
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "hop_length": HOP,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    Path(f"{path}.json").write_text(json.dumps(config), "utf-8")
    return path


def _tables(ids: dict[str, list[int]], amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    """One frame of sound, and the number of frames, of each symbol."""
    sounds = np.zeros((SYMBOLS, HOP), dtype=np.float32)
    lengths = np.ones(SYMBOLS, dtype=np.float32)
    time = np.arange(HOP) / HOP
    for phoneme, (number, *_) in ids.items():
        if phoneme.isalpha() and phoneme not in STRESS:
            # Whole periods in a frame, so that frames join: 4 of them are 345 Hz.
            sounds[number] = amplitude * np.sin(2 * np.pi * (4 + number % 29) * time)
            lengths[number] = LETTER_FRAMES
    return sounds, lengths
