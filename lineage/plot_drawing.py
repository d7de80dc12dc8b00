"""Rules: what of a commit's plots is drawn, beside what the base had, and why the rest is not. No database.

The plot of the commit decides which columns are drawn; the base's file at the same path, what they were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from experiments import confusion_matrix
from experiments.confusion_matrix import Matrix
from experiments.csv_tables import NoTableError
from lineage import plot_tables
from lineage.plot_records import FileState, PlotRecord, SeriesRecord
from lineage.plot_tables import MAX_ROWS, Table

MAX_LINES = 8
_LINES = ("", "linear", "simple", "smooth")
_CONFUSION = ("confusion", "confusion_normalized")
_ACTUAL, _PREDICTED = "actual", "predicted"
_REASONS = {
    FileState.LARGE: "It is too large to be drawn.",
    FileState.CACHED: "DVC keeps it, not Git, and it has not been read yet.",
    FileState.FAILED: "It could not be read.",
    FileState.UNLOCKED: "DVC keeps it, and dvc.lock does not say by which hash.",
    FileState.FOLDER: "It is a folder, and only a plot of nothing else draws what is in one.",
    FileState.MISSING: "It is not in this commit.",
    FileState.BINARY: "It is no text.",
    FileState.BROKEN: "It is an image that is broken or has too many pixels.",
    FileState.IMAGE: "It is an image of a kind that is not shown.",
    FileState.OTHER_FORMAT: "Only CSV, TSV, JSON, PNG, JPEG, GIF and WebP are drawn.",
    FileState.TOO_MANY: "This commit plots more files than are read.",
    FileState.FORGOTTEN: "Its content is not kept any more: this repository plots much.",
}


class Look(StrEnum):
    """How a plot is shown."""

    LINES = "lines"
    POINTS = "points"
    MATRIX = "matrix"
    IMAGES = "images"
    NOTHING = "nothing"


class File(NamedTuple):
    """A file of a plot; `text` is there if it is kept, `oid` is equal where the content is.

    `reason`: why it is not kept, where the state alone does not tell; an image has no text.
    """

    state: str
    oid: str = ""
    text: str = ""
    reason: str = ""
    is_image: bool = False


class Note(NamedTuple):
    """What is to be said of a file; `is_failure`: DVC keeps it, and it could not be had."""

    path: str
    message: str
    is_failure: bool = False


class Points(NamedTuple):
    """Points from left to right; a y that is not a number is a gap."""

    x: list[float]
    y: list[float]


@dataclass(frozen=True)
class Line:
    """A column. `x_name` is empty where rows are counted; `before` is None where the base has none."""

    name: str
    path: str
    x_name: str
    points: Points
    before: Points | None = None


class Picture(NamedTuple):
    """An image by the object that holds it; `before` is that of the base, empty if there is none to show."""

    path: str
    oid: str
    before: str = ""


@dataclass(frozen=True)
class Drawn:
    """A plot as it is shown.

    :ivar notes_before: what is to be said of the files of the base; nothing of those that it does not have
    :ivar is_same: whether the base has the very same content
    """

    record: PlotRecord
    look: Look = Look.NOTHING
    lines: tuple[Line, ...] = ()
    matrix: Matrix | None = None
    matrix_before: Matrix | None = None
    images: tuple[Picture, ...] = ()
    notes: tuple[Note, ...] = ()
    notes_before: tuple[Note, ...] = ()
    is_same: bool = False

    @property
    def has_before(self) -> bool:
        """Whether something of the base is drawn, too."""
        if self.matrix_before is not None:
            return True
        return any(line.before for line in self.lines) or any(image.before for image in self.images)

    @property
    def x_title(self) -> str:
        """The name of the axis from left to right; empty where rows are counted."""
        names = list(dict.fromkeys(line.x_name for line in self.lines))
        return self.record.x_label or (names[0] if len(names) == 1 else "")


@dataclass
class _Side:
    """The files of one commit, as tables, and what is to be said of them."""

    files: Mapping[str, File]
    notes: dict[Note, None] = field(default_factory=dict)

    def note(self, path: str, message: str, *, is_failure: bool = False) -> None:
        self.notes[Note(path, message, is_failure)] = None

    def kept(self, path: str) -> File | None:
        file = self.files.get(path, File(FileState.MISSING))
        if file.state == FileState.KEPT:
            return file
        reason = file.reason or _REASONS.get(FileState(file.state), "")
        self.note(path, reason, is_failure=file.state == FileState.FAILED)
        return None

    def table(self, path: str) -> Table | None:
        file = self.kept(path)
        if file is None or file.is_image:
            return None
        try:
            found = plot_tables.table(file.text, path)
        except NoTableError as error:
            self.note(path, str(error))
            return None
        if found.is_cut:
            self.note(path, f"Only the first {MAX_ROWS} rows are drawn.")
        return found


def draw(record: PlotRecord, files: Mapping[str, File], before: Mapping[str, File] | None = None) -> Drawn:
    """Return what is drawn of a plot.

    :param files: path -> file of the commit
    :param before: the same of the base; None: there is no base
    """
    now, base = _Side(files), _Side(before or {})
    same = before is not None and all(_is_same(path, files, before) for path in record.paths)
    images = tuple(_pictures(record, now, None if same else base))
    if images:
        drawn = Drawn(record, Look.IMAGES, images=images)
    else:
        tables = {path: found for path in record.paths if (found := now.table(path)) is not None}
        earlier = {} if same else {path: found for path in tables if (found := base.table(path)) is not None}
        drawn = _drawn(record, tables, earlier, now)
    had = {path for path, file in base.files.items() if file.state != FileState.MISSING}
    return replace(
        drawn,
        notes=tuple(now.notes),
        notes_before=tuple(note for note in base.notes if note.path in had),
        is_same=same and drawn.look != Look.NOTHING,
    )


def _is_same(path: str, files: Mapping[str, File], before: Mapping[str, File]) -> bool:
    file, other = files.get(path), before.get(path)
    return file is not None and other is not None and bool(file.oid) and file.oid == other.oid


def _pictures(record: PlotRecord, side: _Side, base: _Side | None) -> Iterator[Picture]:
    """Yield the images of a plot; one that has some draws nothing else."""
    for path in record.paths:
        file = side.files.get(path)
        if file is not None and file.is_image:
            earlier = base.kept(path) if base else None
            yield Picture(path, file.oid, earlier.oid if earlier and earlier.is_image else "")


def _drawn(
    record: PlotRecord, tables: Mapping[str, Table], before: Mapping[str, Table], side: _Side
) -> Drawn:
    if not tables:
        return Drawn(record)
    path, first = next(iter(tables.items()))
    if record.template in _CONFUSION or _says_samples(record, first):
        return _matrices(record, path, first, before.get(path), side)
    if record.template not in (*_LINES, "scatter"):
        side.note("", f"Plots of the template {record.template} are not drawn here.")
        return Drawn(record)
    is_line = record.template != "scatter"
    lines = _named(_lines(record, tables, before, side, in_order=is_line))
    return Drawn(record, (Look.LINES if is_line else Look.POINTS) if lines else Look.NOTHING, tuple(lines))


def _says_samples(record: PlotRecord, table: Table) -> bool:
    """Whether a plot without a template is one of what is true and what was predicted."""
    chosen = {record.series[0].x, record.series[0].y} - {""}
    columns = {_ACTUAL, _PREDICTED}
    return not record.template and chosen <= columns <= set(table.header)


def _matrices(record: PlotRecord, path: str, table: Table, before: Table | None, side: _Side) -> Drawn:
    series = next(one for one in record.series if one.path == path)
    try:
        matrix = _matrix(series, table)
    except NoTableError as error:
        side.note(path, str(error))
        return Drawn(record)
    try:
        earlier = _matrix(series, before) if before else None
    except NoTableError:
        earlier = None
    return Drawn(record, Look.MATRIX, matrix=matrix, matrix_before=earlier)


def _matrix(series: SeriesRecord, table: Table) -> Matrix:
    actual, predicted = table.column(series.x or _ACTUAL), table.column(series.y or _PREDICTED)
    if actual is None or predicted is None:
        raise NoTableError("It has no columns of what is true and what was predicted.")
    at = confusion_matrix.count_column([name.lower() for name in table.header])
    counts = table.column(table.header[at]) if at is not None else None
    # A row without what was said is no sample.
    rows = zip(actual, predicted, counts or ["1"] * len(actual), strict=True)
    return confusion_matrix.of_samples(row for row in rows if row[0] and row[1])


def _lines(
    record: PlotRecord,
    tables: Mapping[str, Table],
    before: Mapping[str, Table],
    side: _Side,
    *,
    in_order: bool,
) -> list[Line]:
    wanted = [
        (series, name)
        for series in record.series
        if series.path in tables
        for name in _columns(series, tables[series.path], side)
    ]
    if len(wanted) > MAX_LINES:
        side.note("", f"Only the first {MAX_LINES} columns are drawn.")
    found = []
    for series, name in wanted[:MAX_LINES]:
        table, base = tables[series.path], before.get(series.path)
        x_name = _axis(series, table, side)
        points = _points(table, x_name, name, in_order=in_order)
        if points is None:
            side.note(series.path, _no_numbers(table, name))
            continue
        earlier = _points(base, x_name, name, in_order=in_order) if base else None
        found.append(Line(name, series.path, x_name, points, earlier))
    return found


def _columns(series: SeriesRecord, table: Table, side: _Side) -> Iterator[str]:
    """Yield the columns to draw: the one that is named, else all with numbers but the axis."""
    if series.y:
        yield series.y
        return
    names = dict.fromkeys(name for name in table.header if name and name != series.x)
    found = [name for name in names if table.numbers(name) is not None]
    if not found:
        side.note(series.path, "It has no column of numbers.")
    yield from islice(found, MAX_LINES + 1)


def _axis(series: SeriesRecord, table: Table, side: _Side) -> str:
    """Return the column from left to right; empty: rows are counted."""
    if not series.x or table.numbers(series.x) is not None:
        return series.x
    side.note(series.path, f"{_no_numbers(table, series.x)} Rows are counted instead.")
    return ""


def _points(table: Table, x_name: str, y_name: str, *, in_order: bool) -> Points | None:
    y = table.numbers(y_name)
    x = table.numbers(x_name) if x_name else [float(at) for at in range(len(table.rows))]
    if x is None or y is None:
        return None
    pairs = [(one, other) for one, other in zip(x, y, strict=True) if not math.isnan(one)]
    if in_order:
        pairs.sort(key=lambda pair: pair[0])
    return Points([one for one, _ in pairs], [other for _, other in pairs]) if pairs else None


def _no_numbers(table: Table, name: str) -> str:
    if name not in table.header:
        return f"There is no column {name}."
    return f"The column {name} is not one of numbers."


def _named(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, those of one name told apart by their files."""
    several = Counter(line.name for line in lines)
    return [
        replace(line, name=f"{line.path}: {line.name}") if several[line.name] > 1 else line for line in lines
    ]
