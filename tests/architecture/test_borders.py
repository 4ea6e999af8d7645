"""The borders between the parts, read from the imports themselves."""

from __future__ import annotations

import grimp
import pytest
from holdfast_common.contracts.registry import CONTRACTS

SERVICES = ("gateway", "asr", "dialogue", "tts", "tools", "records")
PACKAGES = ("holdfast_common", "holdfast_cli", *(f"holdfast_{service}" for service in SERVICES))
IO = (
    "asyncio", "socket", "ssl", "subprocess", "threading", "multiprocessing", "time", "os", "tempfile", "http",
    "urllib.request", "sqlite3", "nats", "aiohttp", "picows", "sqlalchemy", "structlog", "onnxruntime",
    "pocketsphinx", "opentelemetry", "watchfiles",
    "holdfast_common.nats_bus", "holdfast_common.memory_bus", "holdfast_common.bus", "holdfast_common.runtime",
    "holdfast_common.stream.opener", "holdfast_common.stream.host", "holdfast_common.telemetry",
)  # fmt: skip
"""What a pure module has no business with: I/O, clocks, engines, the bus."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("service", [*SERVICES, "cli"])
def test_a_part_imports_nothing_of_another(graph: grimp.ImportGraph, service: str) -> None:
    """Services share libs/common and nothing else; so does the command line."""
    mine = f"holdfast_{service}"
    others = {p for p in PACKAGES if p not in (mine, "holdfast_common")}
    found = {
        (module, imported)
        for module in {mine, *graph.find_descendants(mine)}
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] in others
    }

    assert found == set()


def test_common_imports_no_service(graph: grimp.ImportGraph) -> None:
    """The language knows nobody who speaks it."""
    found = {
        (module, imported)
        for module in {"holdfast_common", *graph.find_descendants("holdfast_common")}
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith("holdfast_") and not imported.startswith("holdfast_common")
    }

    assert found == set()


def domain_modules(graph: grimp.ImportGraph) -> list[str]:
    return sorted(m for m in graph.modules if m.startswith("holdfast_") and ".domain" in m)


def test_domain_modules_are_pure(graph: grimp.ImportGraph) -> None:
    """No I/O, no clock, no engine, no adapter in any domain module."""
    assert len(domain_modules(graph)) > 20
    found = {
        (module, imported)
        for module in domain_modules(graph)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported in IO or imported.split(".")[0] in IO or ".adapters" in imported
    }

    assert found == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_shape(graph: grimp.ImportGraph, service: str) -> None:
    """Whoever knows one service knows all."""
    package = f"holdfast_{service}"
    parts = {"__main__", "bootstrap", "settings", "domain", "ports", "adapters"}
    if service in CONTRACTS:
        parts.add("handlers")  # where streams are served; the gateway opens them, records reads the log

    missing = {part for part in parts if f"{package}.{part}" not in graph.modules}
    assert missing == set()
