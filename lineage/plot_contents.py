"""Rules: what is read of the files of a commit's plots, wherever they lie, and what is noted. No database."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from experiments import image_facts
from experiments.file_kinds import IMAGES, sniffed, text_of
from experiments.file_preview import is_image
from experiments.stored_text import text
from lineage import plot_records
from lineage.plot_records import MAX_TEXT, FileState, PlottedFile
from lineage.plot_tables import SUFFIXES

MAX_FILES = 8  # of a commit
MAX_BYTES = 64_000  # of a file
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_COUNTED = (FileState.KEPT, FileState.LARGE, FileState.BINARY, FileState.BROKEN)


class Content(NamedTuple):
    """What an object holds, see `lineage.models.PlotFile`, or why it is not kept."""

    state: str
    packed: bytes = b""
    media: str = ""
    reason: str = ""


Read = Callable[[str], Content]


def content_of(data: bytes) -> Content:
    """Return what the bytes of a file hold, whatever it is called."""
    media = sniffed(data)
    if media in IMAGES:
        shown = is_image(media, image_facts.size(media, data))
        return Content(FileState.KEPT, data, media) if shown else Content(FileState.BROKEN)
    found = text_of(data)
    return Content(FileState.BINARY) if found is None else Content(FileState.KEPT, plot_records.packed(found))


class Gathering:
    """The files of a commit's plots while they are read, no more than `MAX_FILES` in all.

    :ivar files: path -> what is known of it
    :ivar contents: what was read, by hash
    """

    def __init__(self, files: Mapping[str, PlottedFile] | None = None) -> None:
        self.files = dict(files or {})
        self.contents: dict[str, Content] = {}
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
        if content.state == FileState.KEPT and _suffix(path) in IMAGE_SUFFIXES and not content.media:
            content = Content(FileState.BROKEN)
        if content.state == FileState.KEPT:
            self.contents[value] = content
        self.files[path] = PlottedFile(content.state, value, source, content.reason)

    def add_folder(
        self, path: str, inside: Mapping[str, str], read: Read, *, source: Callable[[str], str] = lambda _: ""
    ) -> None:
        """Read the files of a folder.

        :param inside: path below it -> what the content is called
        :param source: where DVC keeps what is called so
        """
        # Tables before images.
        names = sorted(filter(is_drawable, inside), key=lambda name: (_suffix(name) in IMAGE_SUFFIXES, name))
        members = {text(f"{path}/{name}", MAX_TEXT): inside[name] for name in names[:MAX_FILES]}
        whole = PlottedFile(FileState.FOLDER, members=tuple(members))
        if rest := len(inside) - len(members):
            reason = (
                f"{rest} of its {len(inside)} files are not drawn: other formats, or more than {MAX_FILES}."
            )
            whole = replace(whole, reason=reason)
        self.files[path] = whole
        for name, value in members.items():
            self.add(name, value, read, source=source(value))


def is_drawable(path: str) -> bool:
    """Whether a file of this name may hold a table or an image."""
    return _suffix(path) in (*SUFFIXES, *IMAGE_SUFFIXES)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()
