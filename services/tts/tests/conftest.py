"""A Piper voice for all tests of this service."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the voice `en_US-tiny-low`: for reading only."""
    from holdfast_tts import tiny_voice

    folder = tmp_path_factory.mktemp("voices")
    tiny_voice.make(folder)
    return folder
