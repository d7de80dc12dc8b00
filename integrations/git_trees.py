"""Finding files in the trees of many commits, each distinct folder read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from integrations.errors import IntegrationError
from integrations.git_objects import ObjectReader

MAX_DEPTH = 60
MAX_FOUND = 5_000  # files of one tree
MAX_FOLDERS = 200_000  # that one tree makes us read
_MAX_ENTRIES = 200_000  # that are remembered
_FOLDER, _LINK, _MODULE = "40000", "120000", "160000"
_HASH_BYTES = 20

Entries = dict[str, tuple[str, str]]
Found = tuple[tuple[str, str], ...]


class TreeWalker:
    """Looks into trees through ``reader`` for files whose names ``wanted`` says yes to.

    Folders are known by their hashes, so what two commits have in common is read once. Memory is bounded:
    what is remembered is forgotten when it becomes too much.
    """

    def __init__(self, reader: ObjectReader, wanted: Callable[[str], bool]) -> None:
        self._reader = reader
        self._wanted = wanted
        self._entries: dict[str, Entries] = {}
        self._kept = 0
        self._found: dict[str, Found] = {}
        self._read = 0

    def files(self, tree: str) -> Found:
        """Return path and object of each wanted file below ``tree``, in the order of paths.

        Permanent ``IntegrationError``: there is more in it than anybody looks through.
        """
        self._read = 0
        if len(self._found) > _MAX_ENTRIES:
            self._found.clear()
        return tuple(sorted(self._below(tree, 0)))

    def object_at(self, tree: str, path: str) -> str:
        """Return the object of the file or folder at ``path``; empty if there is none, or it is a link."""
        found = tree
        for name in path.strip("/").split("/"):
            mode, found = self._folder(found).get(name, ("", ""))
            if not found or mode in (_LINK, _MODULE):
                return ""
        return found

    def _below(self, tree: str, depth: int) -> Found:
        known = self._found.get(tree)
        if known is not None:
            return known
        self._read += 1
        if depth > MAX_DEPTH or self._read > MAX_FOLDERS:
            raise IntegrationError("The tree has more folders than are looked through.", permanent=True)
        found = tuple(self._of_folder(tree, depth))
        self._found[tree] = found
        return found

    def _of_folder(self, tree: str, depth: int) -> Iterator[tuple[str, str]]:
        count = 0
        for name, (mode, oid) in self._folder(tree).items():
            if mode == _FOLDER:
                below = self._below(oid, depth + 1) if name not in (".git", ".dvc") else ()
                count += len(below)
                yield from ((f"{name}/{path}", one) for path, one in below)
            elif mode not in (_LINK, _MODULE) and self._wanted(name):
                count += 1
                yield name, oid
            if count > MAX_FOUND:
                raise IntegrationError(f"The tree has more than {MAX_FOUND} files of DVC.", permanent=True)

    def _folder(self, tree: str) -> Entries:
        known = self._entries.get(tree)
        if known is not None:
            return known
        found = self._reader.read(tree)
        if found is None or found.kind != "tree":
            return {}
        if found.data is None:
            raise IntegrationError("A folder has more entries than are looked through.", permanent=True)
        entries = dict(_parsed(found.data))
        self._kept += len(entries)
        if self._kept > _MAX_ENTRIES:
            self._entries.clear()
            self._kept = len(entries)
        self._entries[tree] = entries
        return entries


def _parsed(data: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield name, mode and object of the entries of a tree: ``mode SP name NUL hash``."""
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        after = end + 1 + _HASH_BYTES
        mode = data[at:space].decode("ascii", errors="replace").lstrip("0")
        yield data[space + 1 : end].decode("utf-8", errors="replace"), (mode, data[end + 1 : after].hex())
        at = after
