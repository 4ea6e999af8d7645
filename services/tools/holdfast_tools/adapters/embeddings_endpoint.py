"""Vectors from an OpenAI-compatible endpoint (`POST <url>/embeddings`), where one is set.

Another vector than the built-in model's means another index: the name of the model is part of every cached
vector's key. Where the endpoint does not answer in time the search goes by words for this question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import httpx2
import msgspec
import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.resilience import (
    Outside,
    OutsideError,
    OutsideFailed,
    OutsideRefused,
    Patience,
    call_with_retry_and_circuit_breaker,
)

from holdfast_tools.domain.sparse import Floats

BATCH = 64
MANY_S = 60.0
"""For the texts of a knowledge; a caller's question has `question_s`."""


class _Row(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Row]


class EndpointEmbeddings:
    """An `Embedder`."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        question_s: float = 0.4,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = f"endpoint-{model}"
        self.outside = Outside("embeddings", Patience(attempts=2, attempt_s=10.0))
        self._model = model
        self._question_s = question_s
        self._client = httpx2.AsyncClient(
            base_url=url.rstrip("/") + "/",
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=10.0,
            transport=transport,
        )

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Rows of unit length, float32. Raises EngineUnavailable."""
        return await self._embed(texts, MANY_S)

    async def embed_question(self, texts: Sequence[str]) -> Floats:
        """The same within `question_s`."""
        return await self._embed(texts, self._question_s)

    async def _embed(self, texts: Sequence[str], patience_s: float) -> Floats:
        deadline = asyncio.get_running_loop().time() + patience_s
        found: list[Floats] = []
        try:
            for start in range(0, len(texts), BATCH):
                part = list(texts[start : start + BATCH])
                ask = partial(self._ask, part)
                found.append(await call_with_retry_and_circuit_breaker(ask, deadline, to=self.outside))
        except OutsideError as error:
            raise EngineUnavailable(str(error)) from error
        rows = np.concatenate(found)
        return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, texts: list[str]) -> Floats:
        try:
            answer = await self._client.post("embeddings", json={"model": self._model, "input": texts})
        except httpx2.HTTPError as error:
            raise OutsideFailed("embeddings", type(error).__name__, maybe_done=False) from error
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise OutsideFailed("embeddings", f"status {answer.status_code}")
        if answer.status_code != 200:
            raise OutsideRefused("embeddings", "status", answer.status_code)
        try:
            rows = sorted(msgspec.json.decode(answer.content, type=_Answer).data, key=lambda row: row.index)
            vectors = np.array([row.embedding for row in rows], np.float32)
        except (msgspec.MsgspecError, ValueError) as error:
            raise OutsideFailed("embeddings", "no vectors in the answer", retryable=False) from error
        if vectors.shape[:1] != (len(texts),) or vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise OutsideFailed("embeddings", f"{len(texts)} texts, vectors of shape {vectors.shape}", retryable=False)
        return vectors
