"""Which embedding models the settings name."""

from __future__ import annotations

from collections.abc import Callable

from holdfast_common.settings import CommonSettings

from holdfast_tools.adapters.embeddings_endpoint import EndpointEmbeddings
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.ports import Embedder
from holdfast_tools.settings import ToolsSettings


def embedders(common: CommonSettings, settings: ToolsSettings) -> list[Callable[[], Embedder]]:
    """How to come by an embedding model, the preferred first."""
    found: list[Callable[[], Embedder]] = [lambda: MiniLm(common.state_dir / "knowledge")]
    if settings.embeddings_url:
        endpoint = EndpointEmbeddings(
            settings.embeddings_url,
            settings.embeddings_model,
            settings.embeddings_key.get_secret_value(),
            question_s=settings.embeddings_question_ms / 1000,
        )
        found.insert(0, lambda: endpoint)
    return found
