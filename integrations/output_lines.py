"""Splits a stream of bytes, of which nothing is known, into lines of text of bounded length."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_LINE_BYTES = 8_192
CUT_NOTE = " … [line cut]"
PROGRESS_SECONDS = 1.0


class LineSplitter:
    """Turns chunks of program output into calls with one line each.

    A carriage return rewrites the line, as on a terminal: of a progress bar that is redrawn hundreds of times
    one state per second is passed on, and its last state at the end of the line.

    Parameters
    ----------
    on_line:
        Receives each line without its end. Undecodable bytes and NUL (which PostgreSQL cannot store) become
        U+FFFD; a line longer than ``max_bytes`` bytes ends with a note that the rest was left out.
    max_bytes:
        Most bytes kept of one line; also the most that this object holds.
    clock:
        Seconds, monotonic.
    """

    def __init__(
        self,
        on_line: Callable[[str], None],
        *,
        max_bytes: int = MAX_LINE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_line = on_line
        self._max_bytes = max_bytes
        self._clock = clock
        self._line = bytearray()
        self._cut = False
        self._rewritten: str | None = None  # a state of a progress bar that was not passed on
        self._next_progress = 0.0
        self._carriage_return = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._take(part)
            self._end_line()
        self._take(rest)

    def close(self) -> None:
        """Pass on what is left when the stream ended without an end of line."""
        if self._line or self._rewritten is not None:
            self._end_line()

    def _take(self, part: bytes) -> None:
        *states, rest = part.split(b"\r")
        for state in states:
            self._append(state)
            self._carriage_return = True
        self._append(rest)

    def _append(self, data: bytes) -> None:
        if not data:
            return
        if self._carriage_return:  # only now is it known that this was not the end of a DOS line
            self._rewrite()
        room = self._max_bytes - len(self._line)
        self._line += data[:room]
        self._cut = self._cut or len(data) > room

    def _rewrite(self) -> None:
        self._carriage_return = False
        if self._line:
            self._rewritten = self._text()
        if self._rewritten is not None and self._clock() >= self._next_progress:
            self._next_progress = self._clock() + PROGRESS_SECONDS
            self._on_line(self._rewritten)
            self._rewritten = None

    def _end_line(self) -> None:
        self._carriage_return = False
        last = self._text() if self._line or self._rewritten is None else self._rewritten
        self._rewritten = None
        self._on_line(last)

    def _text(self) -> str:
        text = self._line.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
        if self._cut:
            text += CUT_NOTE
        self._line.clear()
        self._cut = False
        return text
