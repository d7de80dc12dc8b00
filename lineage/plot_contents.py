"""Rules: what is read of the files of a commit's plots, wherever they lie, and what is noted. No database."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from experiments.file_kinds import text_of
from experiments.stored_text import text
from lineage import plot_records
from lineage.plot_records import MAX_TEXT, FileState, PlottedFile
from lineage.plot_tables import SUFFIXES

MAX_FILES = 8  # of a commit
MAX_BYTES = 64_000  # of a file
_COUNTED = (FileState.KEPT, FileState.LARGE, FileState.BINARY)


class Content(NamedTuple):
    """What an object holds: `packed` is its compressed text if it is kept, `reason` why it was not read."""

    state: str
    packed: bytes = b""
    reason: str = ""


Read = Callable[[str], Content]


def content_of(data: bytes) -> Content:
    """Return what the bytes of a file hold."""
    found = text_of(data)
    return Content(FileState.BINARY) if found is None else Content(FileState.KEPT, plot_records.packed(found))


class Gathering:
    """The files of a commit's plots while they are read, no more than `MAX_FILES` in all.

    :ivar files: path -> what is known of it
    :ivar contents: what was read, by hash
    """

    def __init__(self, files: Mapping[str, PlottedFile] | None = None) -> None:
        self.files = dict(files or {})
        self.contents: dict[str, bytes] = {}
        self._left = MAX_FILES - sum(file.state in _COUNTED for file in self.files.values())
        self._done: set[str] = set()

    def add(self, path: str, value: str, read: Read, *, source: str = "") -> None:
        """Read the file at `path`, whose content is called `value`; `source`: where DVC keeps it."""
        if path in self._done:
            return
        self._done.add(path)
        content = Content(FileState.OTHER_FORMAT)
        if is_drawable(path):
            content = read(value) if self._left > 0 else Content(FileState.TOO_MANY)
            self._left -= 1
        if content.state == FileState.KEPT:
            self.contents[value] = content.packed
        self.files[path] = PlottedFile(content.state, value, source, content.reason)

    def add_folder(
        self, path: str, inside: Mapping[str, str], read: Read, *, source: Callable[[str], str] = lambda _: ""
    ) -> None:
        """Read the files of a folder.

        :param inside: path below it -> what the content is called
        :param source: where DVC keeps what is called so
        """
        chosen = {name: value for name, value in sorted(inside.items()) if is_drawable(name)}
        members = {text(f"{path}/{name}", MAX_TEXT): chosen[name] for name in list(chosen)[:MAX_FILES]}
        whole = PlottedFile(FileState.FOLDER, members=tuple(members))
        if rest := len(inside) - len(members):
            reason = f"{rest} of its {len(inside)} files are not drawn: no tables, or more than {MAX_FILES}."
            whole = replace(whole, reason=reason)
        self.files[path] = whole
        for name, value in members.items():
            self.add(name, value, read, source=source(value))


def is_drawable(path: str) -> bool:
    """Whether a file of this name may hold a table."""
    return posixpath.splitext(path)[1].lower() in SUFFIXES
