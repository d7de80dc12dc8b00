"""Rules: which paths of a repository's files may be read from its clone for logging."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def is_inside(path: str) -> bool:
    """Return whether a path of the repository stays below it, as it is written; `${...}` is no path yet."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "${" not in path


def has_linked_parent(clone: Path, path: Path) -> bool:
    """Return whether a folder between the clone and `path` is a link: a stage may have made it."""
    return any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(clone))
