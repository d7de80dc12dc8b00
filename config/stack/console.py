"""What the operator sees: our few lines on the terminal, everything else in one log file per process."""

import sys
from collections import deque
from pathlib import Path
from typing import Any, TextIO


def say(text: str = "") -> None:
    """Print a line for the operator."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class LogFiles:
    """A honcho printer that keeps the output of each process in `<folder>/<process>.log`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.width = 0
        self._files: dict[str, TextIO] = {}

    def write(self, message: Any) -> None:
        """Append one message of a process to its file."""
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        file = self._files.get(message.name) or self._open(message.name)
        file.write(f"{message.time:%Y-%m-%d %H:%M:%S} {text.rstrip()}\n")

    def tail(self, name: str, lines: int = 15) -> list[str]:
        """Return the last lines that process `name` wrote."""
        path = self.folder / f"{name}.log"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in deque(file, maxlen=lines)]

    def _open(self, name: str) -> TextIO:
        # Each start begins a new file, so that logs cannot fill the disk over the months.
        file = (self.folder / f"{name}.log").open("w", encoding="utf-8", buffering=1)
        self._files[name] = file
        return file
