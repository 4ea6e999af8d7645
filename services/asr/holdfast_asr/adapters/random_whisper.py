"""Whisper models without weights: the real shapes filled at random, made in seconds and without torch.

For tests (a tiny one) and for measurements of speed (the shapes people use; what such a model writes means
nothing). Layout of the tensors: `ctranslate2.specs.WhisperSpec`; vocabulary: as many tokens as Whisper's, with
its special tokens where Whisper has them and words `w0`, `w1`, ... where it has pieces of words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

_LANGUAGES: Final = (  # noqa: SIM905 - a hundred lines otherwise
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi "
    "ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd "
    "gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue"
).split()
_PIECES: Final = 50_257
CONTEXT_FRAMES: Final = 1_500
CONTEXT_TOKENS: Final = 448


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of one Whisper model."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mels: int = 80

    @property
    def languages(self) -> int:
        """The third generation has 128 mel bands and one language (Cantonese) more."""
        return len(_LANGUAGES) - (self.mels == 80)


SHAPES: Final = {
    "toy": Shape(16, 2, 2, 2),
    "tiny": Shape(384, 6, 4, 4),
    "base": Shape(512, 8, 6, 6),
    "small": Shape(768, 12, 12, 12),
    "medium": Shape(1024, 16, 24, 24),
    "large-v3-turbo": Shape(1280, 20, 32, 4, 128),
}
"""`toy` is for tests; the others are OpenAI's."""


def make_whisper(folder: Path, shape: Shape, *, seed: int = 0, quantization: str = "int8") -> Path:
    """Write the model into `folder` as faster-whisper wants it; returns the folder."""
    from ctranslate2.specs.whisper_spec import WhisperSpec  # noqa: PLC0415 - heavy

    folder.mkdir(parents=True, exist_ok=True)
    specials, vocabulary = _vocabulary(shape)
    spec: Any = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    _fill(spec, shape, len(vocabulary), np.random.default_rng(seed))
    spec.register_vocabulary(vocabulary)
    ids = {token: _PIECES + index for index, token in enumerate(specials)}
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["<|endoftext|>"]]
    spec.config.lang_ids = [ids[f"<|{language}|>"] for language in _LANGUAGES[: shape.languages]]
    spec.config.alignment_heads = [(shape.decoder_layers - 1, head) for head in range(min(2, shape.heads))]
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    _write_tokenizer(folder / "tokenizer.json", vocabulary, specials)
    front = {"feature_size": shape.mels, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(front))
    return folder


def _vocabulary(shape: Shape) -> tuple[list[str], list[str]]:
    specials = ["<|endoftext|>", "<|startoftranscript|>"]
    specials += [f"<|{language}|>" for language in _LANGUAGES[: shape.languages]]
    specials += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    specials += ["<|notimestamps|>", *(f"<|{index * 0.02:.2f}|>" for index in range(1_501))]
    letters = _byte_letters()
    pieces = letters + [f"\u0120w{index}" for index in range(_PIECES - len(letters))]
    return specials, pieces + specials


def _byte_letters() -> list[str]:
    """The 256 characters that stand for bytes in a byte-level vocabulary (GPT-2's)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in plain] + [chr(256 + index) for index in range(256 - len(plain))]


def _write_tokenizer(path: Path, vocabulary: list[str], specials: list[str]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 - native

    pieces = {token: index for index, token in enumerate(vocabulary[:_PIECES])}
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue] - both are settable
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    tokenizer.save(str(path))


def _fill(spec: Any, shape: Shape, tokens: int, rng: np.random.Generator) -> None:
    width = shape.width
    # One block of noise serves all: drawing a billion numbers would take half a minute. Its length is a prime.
    noise = (rng.standard_normal(1_000_003) * (0.8 / np.sqrt(width))).astype(np.float32)

    def fresh(*size: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        start = int(rng.integers(len(noise)))
        return np.resize(np.roll(noise, -start), size)

    def linear(layer: Any, out: int, into: int) -> None:
        layer.weight, layer.bias = fresh(out, into), np.zeros(out, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def attention(layer: Any, sizes: tuple[int, ...]) -> None:
        norm(layer.layer_norm)
        for index, size in enumerate(sizes):
            linear(layer.linear[index], size * width, width)

    def forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * width, width)
        linear(layer.linear_1, width, 4 * width)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = fresh(width, shape.mels, 3), np.zeros(width, np.float32)
    encoder.conv2.weight, encoder.conv2.bias = fresh(width, width, 3), np.zeros(width, np.float32)
    encoder.position_encodings.encodings = fresh(CONTEXT_FRAMES, width)
    norm(encoder.layer_norm)
    for layer in encoder.layer:
        attention(layer.self_attention, (3, 1))
        forward(layer.ffn)
    # Small, or each token would only call for itself again: what was heard must count.
    decoder.embeddings.weight = 0.1 * fresh(tokens, width)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = fresh(CONTEXT_TOKENS, width)
    decoder.scale_embeddings = False
    norm(decoder.layer_norm)
    for layer in decoder.layer:
        attention(layer.self_attention, (3, 1))
        attention(layer.attention, (1, 2, 1))
        layer.attention.linear[2].weight *= 8
        forward(layer.ffn)
