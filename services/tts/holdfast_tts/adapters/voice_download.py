"""Voices over HTTP: a first byte within seconds or not now, checked, and put in place only when whole."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from holdfast_common.errors import EngineUnavailable

from holdfast_tts.domain.voice_files import CONFIG, MODEL, Progress, address, wrong_sum

CHUNK = 1 << 18
STALL_S = 15.0
MOST_BYTES = 1_000_000_000
"""The largest voices are about 120 MB."""


class HttpVoices:
    """`template` as in `voice_files.address`; `sums` maps files to SHA-256."""

    def __init__(self, template: str, sums: Mapping[str, str], *, first_byte_s: float = 3.0) -> None:
        self._template = template
        self._sums = sums
        self._first_byte_s = first_byte_s

    async def fetch(self, voice: str, folder: Path, tell: Callable[[Progress], None]) -> None:
        """Put the voice's files into the folder, whole or not at all. Raises EngineUnavailable."""
        parts: list[Path] = []
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            async with aiohttp.ClientSession() as session:
                for suffix in (CONFIG, MODEL):
                    parts.append(folder / f".{voice}{suffix}.{secrets.token_hex(4)}.part")
                    await self._fetch_one(session, voice, suffix, parts[-1], tell)
            for part, suffix in zip(parts, (CONFIG, MODEL), strict=True):
                part.replace(folder / f"{voice}{suffix}")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise EngineUnavailable(f"{voice} cannot be downloaded: {_told(error)}") from error
        except OSError as error:
            raise EngineUnavailable(f"{folder} cannot be written: {error.strerror}") from error
        finally:
            for part in parts:
                part.unlink(missing_ok=True)

    async def _fetch_one(
        self, session: aiohttp.ClientSession, voice: str, suffix: str, part: Path, tell: Callable[[Progress], None]
    ) -> None:
        digest = hashlib.sha256()
        done = 0
        async with self._answer(session, address(self._template, voice, suffix)) as (answer, first):
            of = answer.content_length or 0
            with part.open("wb") as file:
                chunk = first
                while chunk:
                    done += len(chunk)
                    if done > MOST_BYTES:
                        raise ValueError(f"more than {MOST_BYTES / 1e6:.0f} MB")
                    await asyncio.to_thread(_keep, file.write, digest.update, chunk)
                    tell(Progress(done, of))
                    chunk = await answer.content.read(CHUNK)
        if of and done != of:
            raise ValueError(f"{done} of {of} bytes came")
        if wrong := wrong_sum(f"{voice}{suffix}", digest.hexdigest(), self._sums):
            raise ValueError(wrong)

    @asynccontextmanager
    async def _answer(
        self, session: aiohttp.ClientSession, url: str
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, bytes]]:
        """The answer and its first bytes."""
        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._first_byte_s, sock_read=STALL_S)
        try:
            async with asyncio.timeout(self._first_byte_s):
                answer = await session.get(url, timeout=patience, raise_for_status=True)
                first = await answer.content.read(CHUNK)
        except TimeoutError:
            raise TimeoutError(f"no first byte within {self._first_byte_s:g} s") from None
        async with answer:
            yield answer, first


def _keep(write: Callable[[bytes], object], update: Callable[[bytes], object], chunk: bytes) -> None:
    write(chunk)
    update(chunk)


def _told(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status}"
    return str(error)[:160] or type(error).__name__
