"""Rules: what differs between two sets of inputs, and between two lines of commits. No database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.node_ids import Kind, NodeId


@dataclass(frozen=True)
class DataInput:
    """Some data that was read.

    :ivar files: how many files a folder has; None: one file, or not known
    :ivar size: bytes; None: not known
    :ivar repository: name of one that has it; empty: none is known
    """

    hash: str
    files: int | None = None
    size: int | None = None
    repository: str = ""

    @property
    def node(self) -> str:
        """Return the id of its node."""
        return str(NodeId(Kind.DATA, self.hash))

    @property
    def is_folder(self) -> bool:
        """Whether it has a list of files."""
        return self.hash.endswith(".dir")


@dataclass(frozen=True)
class Change:
    """One input of two versions; None where one has none of that name."""

    name: str
    first: Any
    second: Any

    @property
    def differs(self) -> bool:
        """Whether they are unequal; of data the hash decides."""
        if isinstance(self.first, DataInput) and isinstance(self.second, DataInput):
            return self.first.hash != self.second.hash
        return bool(self.first != self.second)

    @property
    def folder_of(self) -> str:
        """The repository whose pages compare the two file by file; empty: none does."""
        both = [one for one in (self.first, self.second) if isinstance(one, DataInput) and one.is_folder]
        names = {one.repository for one in both}
        return names.pop() if self.differs and len(both) == 2 and len(names) == 1 else ""

    @property
    def files(self) -> int | None:
        """How many more files the second has; None where one of them does not say."""
        counts = [getattr(one, "files", None) for one in (self.first, self.second)]
        return counts[1] - counts[0] if None not in counts else None  # type: ignore[operator]


def of(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """Return every input of two sets, those that differ first, else by name."""
    names = sorted({*first, *second})
    changes = [Change(name, first.get(name), second.get(name)) for name in names]
    return sorted(changes, key=lambda change: not change.differs)


def line(parents: Mapping[str, Sequence[str]], sha: str) -> set[str]:
    """Return a commit and everything it came from, as far as `parents` tells."""
    found: set[str] = set()
    waiting = [sha]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(parents.get(one, ()))
    return found
