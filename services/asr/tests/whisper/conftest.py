"""A toy Whisper, made once: the real code runs on weights that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from holdfast_asr.adapters.random_whisper import SHAPES, make_whisper


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder."""
    return make_whisper(tmp_path_factory.mktemp("models") / "toy", SHAPES["toy"])
