"""What of a commit's plots lies in Git and in the cache: which files, and their content if it is short text.

Runs in a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.git_objects import GitObject
from lineage import plot_objects, plot_records
from lineage.plot_contents import Content, Gathering, Read, content_of, is_drawable
from lineage.plot_objects import Objects
from lineage.plot_records import FileState, PlotRecord, PlottedFile
from lineage.stage_records import StageRecord, digest_of

_DOCUMENTS = (".svg", ".svgz")  # images that may hold programs


@dataclass(frozen=True)
class Plots:
    """The plots of a commit, see `lineage.models.CommitPlots`, and the contents of files by object id.

    :ivar digest: of what the commit says, whatever of it could be read
    """

    plots: list[Any] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    digest: str = digest_of([[], {}])
    contents: dict[str, Content] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """What Git has in a commit.

    :ivar find: path -> id of the object there, empty if there is none
    :ivar inside: id -> path -> id of the files in a folder; of anything else nothing
    :ivar content: id -> what it holds
    """

    find: Callable[[str], str]
    inside: Callable[[str], Mapping[str, str]]
    content: Read


def read(records: Sequence[PlotRecord], stages: Iterable[StageRecord], tree: Tree, cache: Objects) -> Plots:
    """Return what Git and the cache of this host have of the files that `records` name."""
    in_git = Gathering()
    by_dvc = plot_objects.kept_by_dvc(stages)
    for path in plot_records.paths(records, {}):
        oid = tree.find(path)
        if path.lower().endswith(_DOCUMENTS):
            in_git.files[path] = PlottedFile(FileState.IMAGE, oid)
        elif not oid:
            in_git.files[path] = by_dvc(path) or PlottedFile(FileState.MISSING)
        elif not is_drawable(path) and (inside := tree.inside(oid)):
            in_git.add_folder(path, inside, tree.content)
        else:
            in_git.add(path, oid, tree.content)
    plots = plot_records.as_json(records)
    told = plot_records.files_as_json(in_git.files)
    found = plot_objects.read(records, in_git.files, cache)
    files = plot_records.files_as_json(found.files)
    return Plots(plots, files, digest_of([plots, told]), in_git.contents | found.contents)


def content_of_object(found: GitObject | None) -> Content:
    """Return what an object of Git that was read with the limit `MAX_BYTES` holds."""
    if found is None:
        return Content(FileState.MISSING)
    if found.kind != "blob":
        return Content(FileState.OTHER_FORMAT)
    return Content(FileState.LARGE) if found.data is None else content_of(found.data)
