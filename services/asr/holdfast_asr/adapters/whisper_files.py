"""Where a Whisper model lies, and how it gets there: a folder, else a download that must begin within seconds."""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

from holdfast_common.child import killed
from holdfast_common.errors import EngineUnavailable

WATCH_EVERY_S = 0.2
IMPORT_S = 20.0
"""Longest until the downloader has imported its library and asks."""
STALL_S = 30.0
_MODULE = "holdfast_asr.adapters.whisper_download"
NEEDED = ("config.json", "model.bin", "tokenizer.json")


def is_model(folder: Path) -> bool:
    """Everything that a model needs is there (without tokenizer.json, faster-whisper would ask the network)."""
    return all((folder / name).is_file() for name in NEEDED)


def find_model(folder: Path, name: str) -> Path | None:
    """The model: `folder` itself, or the one of this name in it; None where it is not on this machine."""
    places = (folder / name.replace("/", "--"), folder / name, folder) if name else (folder,)
    return next((place for place in places if is_model(place)), None)


def place_of(folder: Path, name: str) -> Path:
    """Where a download goes."""
    return folder / name.replace("/", "--")


async def download(
    name: str, folder: Path, tell: Callable[[str], None], *, first_byte_s: float = 3.0, module: str = _MODULE
) -> Path:
    """Put the model into its place, whole or not at all; `tell` gets the progress. Raises EngineUnavailable."""
    place = place_of(folder, name)
    part = place.with_name(f".{place.name}.part")  # kept after a failure: the next try goes on from there
    try:
        await asyncio.to_thread(part.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise EngineUnavailable(f"{folder} cannot be written: {error.strerror}") from error
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, name, str(part), stdout=PIPE, stderr=PIPE
    )
    try:
        await _watch(process, part, tell, first_byte_s)
        assert process.stderr is not None  # we asked for the pipe
        said = (await process.stderr.read()).decode(errors="replace").strip()
        if await process.wait():
            raise EngineUnavailable(f"{name} cannot be downloaded: {said.splitlines()[-1][:200] if said else 'failed'}")
    except TimeoutError as error:
        raise EngineUnavailable(f"{name} cannot be downloaded: {error}") from error
    finally:
        await killed(process)
    if not is_model(part):
        raise EngineUnavailable(f"{name} is not a CTranslate2 Whisper model: it lacks one of {', '.join(NEEDED)}")
    await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    part.rename(place)
    return place


async def _watch(process: Process, part: Path, tell: Callable[[str], None], first_byte_s: float) -> None:
    """Until it ends; raises TimeoutError when no byte comes in time, or no more."""
    clock = asyncio.get_running_loop().time
    assert process.stdout is not None  # we asked for the pipe
    try:
        async with asyncio.timeout(IMPORT_S):
            await process.stdout.readline()
    except TimeoutError:
        raise TimeoutError(f"the downloader did not start within {IMPORT_S:g} s") from None
    ended = asyncio.ensure_future(process.wait())
    try:
        at_start = before = await asyncio.to_thread(_size, part)
        moved_at = clock()
        while not ended.done():
            await asyncio.wait({ended}, timeout=WATCH_EVERY_S)
            size = await asyncio.to_thread(_size, part)
            if size != before:
                before, moved_at = size, clock()
                tell(f"{size / 1e6:.0f} MB")
            limit = first_byte_s if size == at_start else STALL_S
            if clock() - moved_at > limit and not ended.done():
                raise TimeoutError(f"no {'first' if size == at_start else 'further'} byte within {limit:g} s")
    finally:
        ended.cancel()


def _size(folder: Path) -> int:
    """Bytes of all files in it, unfinished ones too."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed meanwhile
            continue
    return total
