"""Reading the files of plots that DVC keeps, from a cache or a remote. In a worker.

Where a file lies is said by `dvc.lock`: its own hash, or that of a folder whose list of files names it. What
was read is checked by its hash; what cannot be had is left as it was, or says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from experiments.stored_text import text
from integrations.dvc_listings import SUFFIX, Entries, read_listing
from integrations.dvc_objects import HASH, AlteredError, Place, TooLargeError, read_object
from integrations.errors import IntegrationError
from lineage import pipeline_graph, plot_records
from lineage.plot_contents import MAX_BYTES, Content, Gathering, content_of, is_drawable
from lineage.plot_records import MAX_TEXT, FileState, PlotRecord, PlottedFile
from lineage.stage_records import OUTPUT, StageRecord

LISTING_BYTES = 1_000_000  # of a list of files that is read without being asked for
_CONTENTS, _LISTS = 64, 2  # that are remembered
_ALGORITHMS = ("", "md5", "md5-dos2unix")

Source = Callable[[str], PlottedFile | None]


class Objects:
    """Files that DVC keeps in `places`; what was read last is remembered.

    :param list_of: reads the list of files of a folder, by its hash
    :param is_last: whether there is no other place: what is not found has failed then, else it is left
    """

    def __init__(
        self, places: Sequence[Place], list_of: Callable[[str], Entries], *, is_last: bool = True
    ) -> None:
        self._places = list(places)
        self._list_of = list_of
        self._is_last = is_last
        self.content = lru_cache(_CONTENTS)(self._content)
        self.files_of = lru_cache(_LISTS)(self._files_of)

    def _content(self, value: str) -> Content:
        """Return the content with hash `value`."""
        try:
            data = read_object(value, self._places, MAX_BYTES)
        except TooLargeError:
            return Content(FileState.LARGE)
        except IntegrationError as error:
            return self._failure(error)
        return content_of(data)

    def _files_of(self, value: str) -> Content | dict[str, str]:
        """Return path -> hash of the files of the folder with hash `value`, or why they are not known."""
        try:
            return dict(self._list_of(value))
        except IntegrationError as error:
            return self._failure(error)

    def _failure(self, error: IntegrationError) -> Content:
        if not self._is_last and not isinstance(error, AlteredError):
            return Content(FileState.CACHED)
        return Content(FileState.FAILED, reason=text(error.message, MAX_TEXT))


def in_cache(folder: str) -> Objects:
    """Return what the cache of this host has; what is not there may be in a remote."""
    places = [Place("cache", folder)]
    return Objects(places, lambda value: read_listing(value, places, LISTING_BYTES), is_last=False)


def kept_by_dvc(stages: Iterable[StageRecord]) -> Source:
    """Return a function: path -> the file there, unread, if DVC keeps it, else None."""
    kept = {file.path: file for one in stages for file in one.files if file.role == OUTPUT and file.cached}

    def source(path: str) -> PlottedFile | None:
        whole = next((one for one in (path, *pipeline_graph.folders(path)) if one in kept), None)
        if whole is None:
            return None
        file, below = kept[whole], path[len(whole) :]
        is_folder = file.hash.endswith(SUFFIX)
        is_known = HASH.fullmatch(file.hash.removesuffix(SUFFIX)) and file.algorithm in _ALGORITHMS
        if not is_known or (below and not is_folder):
            return PlottedFile(FileState.UNLOCKED)
        if not is_folder and not is_drawable(path):
            return PlottedFile(FileState.OTHER_FORMAT)
        is_large = not is_folder and (file.size or 0) > MAX_BYTES
        return PlottedFile(FileState.LARGE if is_large else FileState.CACHED, source=file.hash + below)

    return source


def read(records: Sequence[PlotRecord], files: Mapping[str, PlottedFile], objects: Objects) -> Gathering:
    """Read what can be read of the files of plots, and return all as they are known then."""
    found = Gathering(files)
    for path in plot_records.paths(records, files):
        if path in files and files[path].can_be_read:
            _read(path, files[path].source, objects, found)
    return found


def _read(path: str, source: str, objects: Objects, found: Gathering) -> None:
    value, _, below = source.partition("/")
    if not value.endswith(SUFFIX):
        found.add(path, value, objects.content, source=value)
        return
    inside = objects.files_of(value)
    if isinstance(inside, Content):
        found.files[path] = PlottedFile(inside.state, source=source, reason=inside.reason)
    elif below in inside:
        found.add(path, inside[below], objects.content, source=inside[below])
    else:
        prefix = f"{below}/" if below else ""
        members = {name[len(prefix) :]: one for name, one in inside.items() if name.startswith(prefix)}
        if members:
            found.add_folder(path, members, objects.content, source=str)
        else:
            found.files[path] = PlottedFile(FileState.MISSING)
