"""One readable log of all processes: to the terminal with a coloured name per service, to a file without."""

from __future__ import annotations

import logging
import logging.handlers
import re
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLOURS = {
    "nats": "bright_black",
    "gateway": "cyan",
    "asr": "green",
    "dialogue": "magenta",
    "tts": "yellow",
    "tools": "blue",
    "records": "bright_blue",
    "holdfast": "bold white",
}
FILE_BYTES = 5_000_000
FILES_KEPT = 3
CHATTER = "[INF]"
"""nats-server tells 20 lines of nothing at each start: in the file, not on the terminal."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class MergedLog:
    """Takes lines from every child; a `LineSink`. Close it to flush the file."""

    def __init__(self, path: Path | None, console: Console | None) -> None:
        self._console = console
        self._file: logging.handlers.RotatingFileHandler | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = logging.handlers.RotatingFileHandler(
                path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
            )

    def __call__(self, name: str, line: str) -> None:
        """One line of a child, as it came."""
        stamp = datetime.now().strftime("%H:%M:%S.%f")[:-3]
        if self._file:
            text = f"{stamp} {name:<12} {_ANSI.sub('', line)}"
            self._file.emit(logging.LogRecord(name, logging.INFO, "", 0, text, None, None))
        if self._console and not (name == "nats" and CHATTER in line):
            service = name.rsplit("-", 1)[0]
            prefix = Text(f"{name:<12} ", style=COLOURS.get(service, "white"))
            self._console.print(prefix + Text.from_ansi(line), soft_wrap=True, highlight=False)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def __enter__(self) -> MergedLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
