"""Voices over HTTP, from a server on this machine."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from holdfast_common.errors import EngineUnavailable
from holdfast_tts.adapters.voice_download import HttpVoices
from holdfast_tts.domain.voice_files import Progress

VOICE = "en_US-x-low"
FILES = {f"{VOICE}.onnx": b"m" * 700_000, f"{VOICE}.onnx.json": b"{}"}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/voices/{file}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        await web.SockSite(runner, s).start()
        try:
            yield f"http://127.0.0.1:{s.getsockname()[1]}/voices"
        finally:
            await runner.cleanup()


async def whole(request: web.Request) -> web.Response:
    return web.Response(body=FILES[request.match_info["file"]])


async def fetch(template: str, folder: Path, sums: dict[str, str] | None = None, **other: float) -> list[Progress]:
    told: list[Progress] = []
    await HttpVoices(template, sums or {}, **other).fetch(VOICE, folder, told.append)
    return told


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


async def test_both_files_come_and_progress_is_told(tmp_path: Path):
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    async with serving(whole) as url:
        told = await fetch(url, tmp_path / "new", sums)

    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == FILES
    assert told[-1] == Progress(700_000, 700_000)
    assert len(told) > 2


async def test_a_file_that_is_not_the_one_wanted_is_not_kept(tmp_path: Path):
    async with serving(whole) as url:
        with pytest.raises(EngineUnavailable, match=f"{VOICE}.onnx has SHA-256"):
            await fetch(url, tmp_path, {f"{VOICE}.onnx": "0" * 64})

    assert there(tmp_path) == set()


async def test_half_a_file_is_not_kept(tmp_path: Path):
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 500)
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(half) as url:
        with pytest.raises(EngineUnavailable, match="cannot be downloaded"):
            await fetch(url, tmp_path)

    assert there(tmp_path) == set()


async def test_a_voice_that_is_not_there_is_told_by_its_status(tmp_path: Path):
    async def nothing(_: web.Request) -> web.Response:
        raise web.HTTPNotFound

    async with serving(nothing) as url:
        with pytest.raises(EngineUnavailable, match="HTTP 404"):
            await fetch(url, tmp_path)


async def test_a_server_that_says_nothing_is_left(tmp_path: Path):
    released = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with serving(silent) as url:
        with pytest.raises(EngineUnavailable, match=r"no first byte within 0\.05 s"):
            await fetch(url, tmp_path, first_byte_s=0.05)
        released.set()

    assert there(tmp_path) == set()


async def test_nobody_listening_is_told(tmp_path: Path):
    with pytest.raises(EngineUnavailable, match="cannot be downloaded"):
        await fetch("http://127.0.0.1:1/voices", tmp_path)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    async with serving(whole) as url:
        with pytest.raises(EngineUnavailable, match="cannot be written"):
            await fetch(url, tmp_path / "file")
