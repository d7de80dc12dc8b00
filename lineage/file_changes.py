"""Rules: the files of two versions of a folder, compared. No database."""

from collections.abc import Iterable
from dataclasses import dataclass

ADDED, REMOVED, MODIFIED, MOVED = "added", "removed", "modified", "moved"


@dataclass(frozen=True)
class FileChange:
    """A file that differs; `before` is its path in the old version if it only moved."""

    kind: str
    path: str
    before: str = ""


def compare(old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> list[FileChange]:
    """Return what differs, by path. Entries are (path, hash)."""
    there, here = dict(old), dict(new)
    gone: dict[str, list[str]] = {}
    for path in sorted(there.keys() - here.keys(), reverse=True):
        gone.setdefault(there[path], []).append(path)
    found = []
    for path in sorted(here):
        if path not in there:
            before = gone.get(here[path])
            found.append(FileChange(MOVED, path, before.pop()) if before else FileChange(ADDED, path))
        elif there[path] != here[path]:
            found.append(FileChange(MODIFIED, path))
    found += [FileChange(REMOVED, path) for paths in gone.values() for path in paths]
    return sorted(found, key=lambda change: change.path)
