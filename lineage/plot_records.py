"""Rules: what `dvc.yaml` says about plots, of a stage or of the whole pipeline, in one shape. No database."""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from experiments.pipeline_summary import place
from experiments.stored_text import text
from integrations.dvc_records import Pipeline, Plot

MAX_PLOTS = 40  # of a commit
MAX_SERIES = 16  # of a plot
MAX_TEXT = 500
_FASTEST = 1


class FileState(StrEnum):
    """Whether the content of a plot's file is here, and if not, why."""

    KEPT = "kept"
    FOLDER = "folder"
    LARGE = "large"
    CACHED = "cached"
    UNLOCKED = "unlocked"
    FAILED = "failed"
    MISSING = "missing"
    BINARY = "binary"
    BROKEN = "broken"
    IMAGE = "image"
    OTHER_FORMAT = "format"
    TOO_MANY = "many"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class PlottedFile:
    """What is known of the file or folder at a path that is plotted.

    :ivar oid: what its content is called, equal where it is: Git's object id, or DVC's hash once it was read
    :ivar source: where DVC keeps it: its hash, or that of a folder and the path below, as `<hash>.dir/a.csv`
    :ivar reason: in words, what went wrong, or what of a folder is left out
    :ivar members: paths of the files of a folder
    """

    state: str
    oid: str = ""
    source: str = ""
    reason: str = ""
    members: tuple[str, ...] = ()

    @property
    def can_be_read(self) -> bool:
        """Whether DVC's cache or remote may have what is not here."""
        return bool(self.source) and self.state in (FileState.CACHED, FileState.FAILED)


@dataclass(frozen=True)
class SeriesRecord:
    """A file with the columns to draw; empty where `dvc.yaml` leaves them open."""

    path: str
    x: str = ""
    y: str = ""


@dataclass(frozen=True)
class PlotRecord:
    """A plot; `name` is the path of its file unless somebody gave it another."""

    name: str
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    template: str = ""
    series: tuple[SeriesRecord, ...] = ()

    @property
    def heading(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def paths(self) -> list[str]:
        """Its files, each once."""
        return list(dict.fromkeys(one.path for one in self.series))

    @property
    def is_bare(self) -> bool:
        """Whether nothing is said but which file it is."""
        return not (self.title or self.template or any(one.x or one.y for one in self.series))


def of_pipeline(folder: str, pipeline: Pipeline) -> list[PlotRecord]:
    """Return the plots of the `dvc.yaml` in `folder`: those of the whole pipeline, then of its stages."""
    found = [_record(folder, plot) for plot in pipeline.plots]
    for stage in pipeline.stages:
        found += [_record(posixpath.join(folder, stage.wdir), plot) for plot in stage.plots]
    return found


def kept(records: Iterable[PlotRecord]) -> tuple[PlotRecord, ...]:
    """Return the plots to keep: each once, and no bare file that another plot draws."""
    distinct = list(dict.fromkeys(records))
    drawn = {path for record in distinct if not record.is_bare for path in record.paths}
    wanted = (one for one in distinct if not (one.is_bare and drawn.issuperset(one.paths)))
    return tuple(islice(wanted, MAX_PLOTS))


def expanded(records: Iterable[PlotRecord], files: Mapping[str, PlottedFile]) -> tuple[PlotRecord, ...]:
    """Return the plots as they are drawn, within `MAX_PLOTS`: of a folder one for each file, as DVC does."""
    return kept(one for record in records for one in _members(record, files))


def paths(records: Iterable[PlotRecord], files: Mapping[str, PlottedFile]) -> list[str]:
    """Return the files of plots, each once, those first of which more is said than which file it is."""
    ordered = sorted(expanded(records, files), key=lambda record: record.is_bare)
    return list(dict.fromkeys(path for record in ordered for path in record.paths))


def files_as_json(files: Mapping[str, PlottedFile]) -> dict[str, dict[str, Any]]:
    """Return what is known of files as the database keeps it, without what is empty."""
    return {
        path: {name: value for name, value in asdict(file).items() if value or name in ("state", "oid")}
        for path, file in files.items()
    }


def files_from_json(value: Mapping[str, Mapping[str, Any]]) -> dict[str, PlottedFile]:
    """Return the files that `files_as_json` wrote."""
    return {
        path: PlottedFile(**{**one, "members": tuple(one.get("members", ()))}) for path, one in value.items()
    }


def as_json(records: Sequence[PlotRecord]) -> list[dict[str, Any]]:
    """Return plots as the database keeps them."""
    return [asdict(record) for record in records]


def from_json(value: Iterable[Mapping[str, Any]]) -> list[PlotRecord]:
    """Return the plots that `as_json` wrote."""
    return [
        PlotRecord(**{**one, "series": tuple(SeriesRecord(**series) for series in one["series"])})
        for one in value
    ]


def packed(text: str) -> bytes:
    """Return the content of a file as the database keeps it."""
    return zlib.compress(text.encode(), _FASTEST)


def unpacked(data: bytes | memoryview) -> str:
    """Return the content that `packed` packed."""
    return zlib.decompress(bytes(data)).decode()


def _members(record: PlotRecord, files: Mapping[str, PlottedFile]) -> Iterator[PlotRecord]:
    whole = files.get(record.paths[0]) if len(record.paths) == 1 else None
    if whole is None or whole.state != FileState.FOLDER:
        yield record
        return
    for path in whole.members:
        series = tuple(replace(one, path=path) for one in record.series)
        title = f"{record.title}: {path[len(record.paths[0]) + 1 :]}" if record.title else ""
        yield replace(record, name=path, title=title, series=series)
    if whole.reason:
        yield record


def _record(folder: str, plot: Plot) -> PlotRecord:
    is_path = any(plot.name == one.path for one in plot.series)
    return PlotRecord(
        name=text(place(folder, plot.name) if is_path else plot.name, MAX_TEXT),
        title=text(plot.title, MAX_TEXT),
        x_label=text(plot.x_label, MAX_TEXT),
        y_label=text(plot.y_label, MAX_TEXT),
        template=text(plot.template, MAX_TEXT),
        series=tuple(islice(_series(folder, plot), MAX_SERIES)),
    )


def _series(folder: str, plot: Plot) -> Iterator[SeriesRecord]:
    for one in plot.series:
        path = text(place(folder, one.path), MAX_TEXT)
        yield SeriesRecord(path, text(one.x or "", MAX_TEXT), text(one.y or "", MAX_TEXT))
