"""Fetches a model into a folder: `python -m holdfast_asr.adapters.whisper_download <name or owner/name> <folder>`.

A process of its own, so that a download that hangs can be ended, and so that nothing of it stays in the service's
memory. `arrive` in whisper_files.py starts it and watches the folder grow. HF_ENDPOINT names a mirror.
"""

from __future__ import annotations

import os
import sys

WANTED = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")


def main() -> int:
    name, folder = sys.argv[1:3]
    # Read when the library is imported: its own telemetry off, and plain files, which can be watched.
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "3")
    from faster_whisper.utils import _MODELS  # noqa: PLC0415 - heavy; its list of names is all that we want
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    repository = name if "/" in name else _MODELS.get(name)
    if repository is None:
        print(f"{name!r} is no Whisper model (one of: {', '.join(sorted(_MODELS))}, or owner/name)", file=sys.stderr)
        return 2
    print("asking", flush=True)
    try:
        snapshot_download(repository, local_dir=folder, allow_patterns=list(WANTED))
    except Exception as error:  # noqa: BLE001 - told to the service, which asks again later
        print(f"{type(error).__name__}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
