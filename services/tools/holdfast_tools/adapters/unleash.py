"""Unleash's enterprise search (unleash.so) as a `Knowledge`, with the built-in one behind it.

    question -> borders -> shared cache -> shared rate -> POST /search -> hits in spoken form
                   |                                  `--- away, slow, refused, nothing found -.
                   `--- may not be answered ---------------------------------------------------+-> the built-in one

A follow-up is asked with the agent's last words before it where it says little by itself. Every field
of an answer may be null. Answers are kept for 300 s under a hash of what was asked, for all replicas.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from functools import partial

import httpx2
import msgspec
import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.outside_http import attempt
from holdfast_common.resilience import (
    Outside,
    OutsideFailed,
    OutsideRefused,
    OutsideUnavailable,
    call_with_retry_and_circuit_breaker,
)
from holdfast_common.secret_file import SecretMissing, SecretSource

from holdfast_tools.domain.borders import Borders
from holdfast_tools.domain.foreign_text import says_enough, spoken, sureness
from holdfast_tools.domain.rate import take
from holdfast_tools.ports import Knowledge, Shared, SharedUnavailable

log = structlog.get_logger()

NAME = "unleash"
RATE_KEY = "unleash-rate"
ALONE_SHARE = 5
"""Where the shared rate cannot be asked, each replica takes a fifth of it."""
CONTENDED = 4
"""Times that another replica may be faster at the shared rate; then the built-in knowledge answers."""
TOLD_FIRST_S = 0.01
"""A request ends so long before the whole search does: its breaker hears of that, but not of a cancelled one."""
MOST_KEEPING = 16
"""Answers on their way into the shared cache at once; more are not kept."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9:_-]+")


class _Resource(msgspec.Struct):
    id: str | None = None
    title: str | None = None
    name: str | None = None
    description: str | None = None


class _Result(msgspec.Struct):
    resource: _Resource | None = None
    snippet: str | None = None


class _Found(msgspec.Struct):
    results: list[_Result | None] | None = None
    requestId: str | None = None  # noqa: N815 - Unleash's spelling


class _Problem(msgspec.Struct):
    requestId: str | None = None  # noqa: N815 - Unleash's spelling


class UnleashSearch:
    """A `Knowledge`; never raises, and never slower than `within_s` and the built-in one together."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        key: SecretSource,
        outside: Outside,
        built_in: Knowledge,
        shared: Shared,
        *,
        within_s: float = 1.0,
        per_minute: int = 100,
        account: str = "",
        assistant: str = "",
        is_cached: bool = True,
        epoch: Callable[[], float] = time.time,
        outside_of: Callable[[str], str | None] | None = None,
    ) -> None:
        """`outside_of`: why no article may answer a question, as the built-in knowledge tells it; without: by rule."""
        self._client = client
        self._key = key
        self.outside = outside
        self._built_in = built_in
        self._shared = shared
        self._within_s = within_s
        self._per_minute = per_minute
        self._account = account
        self._assistant = assistant
        self._is_cached = is_cached
        self._epoch = epoch
        self._alone_booked_s = 0.0
        self._outside_of = outside_of or Borders().outside
        self._keeping: set[asyncio.Task[None]] = set()

    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        if self._outside_of(question.text):
            return await self._built_in.search(question)
        asked = _asked(question)
        deadline = self.outside.deadline(self._within_s)
        try:
            async with asyncio.timeout_at(deadline):
                hits = await self._searched(question, asked, deadline)
        except TimeoutError:
            log.warning("knowledge_built_in_instead", error=f"{NAME}: no answer within {self._within_s:.2f} s")
            hits = None
        except (OutsideUnavailable, OutsideRefused) as error:
            log.warning("knowledge_built_in_instead", error=str(error))
            hits = None
        return await self._built_in.search(question) if hits is None else hits

    async def close(self) -> None:
        """Wait for what is being kept: as long as the shared store takes at most."""
        await asyncio.gather(*self._keeping)

    async def _searched(self, question: KnowledgeSearch, asked: str, deadline: float) -> KnowledgeHits | None:
        """None where nothing was found that answers."""
        name = self._cache_key(question, asked)
        if (kept := await self._kept(name)) is not None:
            return kept
        if not await self._may_ask():
            raise OutsideUnavailable(NAME, "busy", "rate")
        ask = partial(self._ask, asked, question.limit)
        found = await call_with_retry_and_circuit_breaker(ask, deadline - TOLD_FIRST_S, to=self.outside)
        hits = _hits(question.limit, asked, found)
        if hits.sureness == Sureness.UNSURE:
            return None
        if self._is_cached and len(self._keeping) < MOST_KEEPING:
            keeping = asyncio.create_task(self._keep(name, hits))
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)
        return hits

    async def _ask(self, asked: str, limit: int) -> _Found:
        try:
            headers = {"Authorization": f"Bearer {self._key.current()}"}
        except SecretMissing as error:
            raise OutsideFailed(NAME, "key cannot be read", maybe_done=False, retryable=False) from error
        if self._account:
            headers["unleash-account"] = self._account
        body = {
            "query": asked,
            "contentSearch": True,
            "semanticSearch": True,
            "paging": {"size": limit},
            **({"assistantId": self._assistant} if self._assistant else {}),
        }
        answer = await attempt(self._client, NAME, "POST", "/search", json=body, headers=headers)
        if answer.status != httpx2.codes.OK:
            request_id = _request_id(answer.body, answer.headers.get("requestid", ""))
            raise OutsideRefused(NAME, f"request {request_id}", answer.status)
        return answer.read(NAME, _Found)

    async def _may_ask(self) -> bool:
        """One request of the rate that all replicas share."""
        now_s = self._epoch()
        try:
            for _ in range(CONTENDED):
                stored = await self._shared.get(RATE_KEY)
                booked_s = float(stored[0]) if stored else 0.0
                booked_s = take(booked_s, now_s, per_minute=self._per_minute)
                if booked_s is None:
                    return False
                if await self._shared.put(RATE_KEY, repr(booked_s).encode(), stored[1] if stored else 0):
                    return True
        except (SharedUnavailable, ValueError) as error:
            log.warning("rate_not_shared", error=type(error).__name__)
            alone = take(self._alone_booked_s, now_s, per_minute=max(1, self._per_minute // ALONE_SHARE))
            self._alone_booked_s = self._alone_booked_s if alone is None else alone
            return alone is not None
        return False

    def _cache_key(self, question: KnowledgeSearch, asked: str) -> str:
        words = " ".join(asked.lower().split())
        told = f"{self._assistant}\x1f{self._account}\x1f{question.limit}\x1f{words}"
        return "unleash-" + hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    async def _kept(self, name: str) -> KnowledgeHits | None:
        if not self._is_cached:
            return None
        try:
            stored = await self._shared.get(name)
            hits = msgspec.msgpack.decode(stored[0], type=KnowledgeHits) if stored else None
        except (SharedUnavailable, msgspec.DecodeError):
            hits = None
        telemetry.CACHE.add(1, {"cache": NAME, "hit": hits is not None})
        return hits

    async def _keep(self, name: str, hits: KnowledgeHits) -> None:
        try:
            await self._shared.put(name, msgspec.msgpack.encode(hits))
        except SharedUnavailable as error:
            log.warning("answer_not_kept", error=str(error))


def _asked(question: KnowledgeSearch) -> str:
    """The question, after the agent's last words where it says too little by itself to be searched for."""
    if not question.previous.strip() or says_enough(question.text):
        return question.text
    return f"{question.previous} {question.text}"


def _hits(limit: int, asked: str, found: _Found) -> KnowledgeHits:
    hits: list[Hit] = []
    best = Sureness.UNSURE
    for result in found.results or []:
        resource = (result.resource if result else None) or _Resource()
        answer = spoken((result.snippet if result else None) or resource.description or "")
        if not answer:
            continue
        title = spoken(resource.title or resource.name or "").rstrip(".")[:200]
        how_sure, share = sureness(asked, title, answer)
        if not hits:
            best = how_sure
        hits.append(Hit(article=(resource.id or "unleash")[:200], title=title, answer=answer, score=share))
    return KnowledgeHits(sureness=best, hits=hits[:limit], source=NAME)


def _request_id(body: bytes, header: str) -> str:
    """Of a refusal, and nothing else of it: its free text may hold the caller's question."""
    try:
        told = msgspec.json.decode(body, type=_Problem).requestId or header
    except msgspec.DecodeError:
        told = header
    return told[:64] if _REQUEST_ID.fullmatch(told[:64]) else "unknown"
