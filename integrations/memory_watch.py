"""Tells when a process has come to the end of the address space that it may have."""

from __future__ import annotations

import resource
from pathlib import Path

PAGE_BYTES = resource.getpagesize()
# Less than one more piece of heap or arena of Python's allocator.
NEARLY_BYTES = 2 * 1024**2
TIMES = 2


class MemoryWatch:
    """Looks at one process again and again, from outside.

    Where nothing at all can be allocated, Python 3.11 unwinds a `MemoryError` for ever: each try to note
    where it was raised raises another. A limit alone would leave a process that computes until its time is
    up.

    :param limit: bytes of address space that the process may have
    :ivar was_full: whether it was found to be at its limit
    """

    def __init__(self, limit: int) -> None:
        self.was_full = False
        self._limit = limit
        self._process = 0
        self._times = 0

    def begin(self, process: int) -> None:
        """Watch the process with this id from now on."""
        self._process = process

    def is_full(self) -> bool:
        """Look, and return whether the process was at its limit several times running."""
        self._times = self._times + 1 if self._size() > self._limit - NEARLY_BYTES else 0
        self.was_full = self.was_full or self._times >= TIMES
        return self.was_full

    def _size(self) -> int:
        """Return the bytes of address space of the process; 0 if it is gone."""
        try:
            pages = Path(f"/proc/{self._process}/statm").read_text(encoding="ascii").split()[0]
        except (OSError, IndexError):
            return 0
        return int(pages) * PAGE_BYTES
