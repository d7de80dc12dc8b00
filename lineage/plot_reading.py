"""What of a commit's plots lies in Git: which files, and their content if it is short text. In a worker."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from experiments.file_kinds import text_of
from integrations.git_objects import GitObject
from lineage import pipeline_graph, plot_records
from lineage.plot_records import FileState, PlotRecord
from lineage.plot_tables import SUFFIXES
from lineage.stage_records import OUTPUT, StageRecord, digest_of

MAX_FILES = 8  # of a commit
MAX_BYTES = 64_000  # of a file
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")


class Content(NamedTuple):
    """What an object of Git holds: `packed` is its compressed text if it is kept."""

    state: str
    packed: bytes = b""


@dataclass(frozen=True)
class Plots:
    """The plots of a commit, see `lineage.models.CommitPlots`, and the contents of files by object id."""

    plots: list[Any] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    digest: str = digest_of([[], {}])
    contents: dict[str, bytes] = field(default_factory=dict)


def read(
    records: Sequence[PlotRecord],
    stages: Iterable[StageRecord],
    find: Callable[[str], str],
    content: Callable[[str], Content],
) -> Plots:
    """Return what lies in Git of the files that `records` name.

    :param find: path -> id of the object there, empty if there is none
    :param content: id -> what it holds
    """
    cached = {file.path for stage in stages for file in stage.files if file.role == OUTPUT and file.cached}
    files: dict[str, Any] = {}
    contents: dict[str, bytes] = {}
    left = MAX_FILES
    for path in dict.fromkeys(path for record in records for path in record.paths):
        oid = find(path)
        state: str = _state_by_name(path, oid, cached)
        if state == FileState.KEPT:
            state, packed = content(oid) if left > 0 else Content(FileState.TOO_MANY)
            left -= 1
            if state == FileState.KEPT:
                contents[oid] = packed
        files[path] = {"state": str(state), "oid": oid}
    plots = plot_records.as_json(records)
    return Plots(plots, files, digest_of([plots, files]), contents)


def content_of(found: GitObject | None) -> Content:
    """Return what an object of Git that was read with the limit `MAX_BYTES` holds."""
    if found is None:
        return Content(FileState.MISSING)
    if found.kind != "blob":
        return Content(FileState.OTHER_FORMAT)
    if found.data is None:
        return Content(FileState.LARGE)
    text = text_of(found.data)
    if text is None:
        return Content(FileState.BINARY)
    return Content(FileState.KEPT, plot_records.packed(text))


def _state_by_name(path: str, oid: str, cached: set[str]) -> FileState:
    """Return why a file is not read, as far as its name and place tell."""
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in _IMAGES:
        return FileState.IMAGE
    if not oid:
        is_cached = not cached.isdisjoint((path, *pipeline_graph.folders(path)))
        return FileState.CACHED if is_cached else FileState.MISSING
    return FileState.KEPT if suffix in SUFFIXES else FileState.OTHER_FORMAT
