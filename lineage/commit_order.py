"""Rules: which of the commits that have the same content had it first. No database."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime


class CommitOrder:
    """The commits of a history by time, but ancestors first, whatever their clocks said.

    It depends on the history alone, not on when which part of it was read. The time of a commit is what Git
    calls its corrected commit date (generation number version 2, `commit-graph` in Git's documentation): its
    own, but at least a second after those of its parents.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def add(self, sha: str, parents: Collection[str], at: datetime) -> None:
        """Take in a commit; its parents, as far as they are known at all, before it."""
        after = [self._seconds[parent] + 1 for parent in parents if parent in self._seconds]
        self._seconds[sha] = max([at.timestamp(), *after])

    def place(self, sha: str) -> tuple[float, str]:
        """Return what commits are sorted by; one that was not taken in comes last."""
        return self._seconds.get(sha, math.inf), sha
