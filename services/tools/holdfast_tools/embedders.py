"""Which embedding models the settings name."""

from __future__ import annotations

from collections.abc import Callable

from holdfast_common.settings import CommonSettings

from holdfast_tools.adapters.embeddings_endpoint import EndpointEmbeddings
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.ports import Embedder
from holdfast_tools.settings import ToolsSettings


def open_endpoint(settings: ToolsSettings) -> EndpointEmbeddings | None:
    """The endpoint, where one is set; to be closed by who opens it."""
    if not settings.embeddings_url:
        return None
    return EndpointEmbeddings(
        settings.embeddings_url,
        settings.embeddings_model,
        settings.embeddings_key.get_secret_value(),
        question_s=settings.embeddings_question_ms / 1000,
    )


def embedders(common: CommonSettings, endpoint: EndpointEmbeddings | None) -> list[Callable[[], Embedder]]:
    """How to come by an embedding model, the preferred first."""
    found: list[Callable[[], Embedder]] = [lambda: MiniLm(common.state_dir / "knowledge")]
    if endpoint is not None:
        found.insert(0, lambda: endpoint)
    return found
