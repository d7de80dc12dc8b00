"""The plots of a commit with the content of their files, beside what the base had at the same paths."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from django.db.models import BinaryField, Case, When

from experiments.models import Repository
from lineage import pipeline_graph, plot_drawing, plot_records
from lineage.models import HistoryCommit, PlotFile
from lineage.plot_drawing import Drawn, File
from lineage.plot_records import FileState, PlotRecord, PlottedFile, unpacked


class Unread(NamedTuple):
    """How many files are not here that DVC keeps, and how many of them were tried in vain."""

    files: int
    failed: int

    @property
    def has_only_failures(self) -> bool:
        """Whether every one of them was tried."""
        return self.files == self.failed


def drawn(commit: HistoryCommit, base: HistoryCommit | None) -> list[Drawn]:
    """Return the plots of `commit`, whose plots were read with it, as were those of `base`. One query."""
    records = _records(commit)
    return _drawn(records, commit, base)


def drawn_at(commit: HistoryCommit, base: HistoryCommit | None, number: int) -> Drawn | None:
    """Return the plot that is the `number`th of `drawn`, counted from 1; None: there is none. One query."""
    records = _records(commit)
    if not 1 <= number <= len(records):
        return None
    return _drawn(records[number - 1 : number], commit, base)[0]


def image(repository: Repository, oid: str) -> PlotFile | None:
    """Return what the object `oid` holds if it is an image that is here. One query."""
    return PlotFile.objects.filter(repository=repository, oid=oid).exclude(media="").first()


def unread(commit: HistoryCommit) -> dict[str, PlottedFile]:
    """Return the files that are not here and that DVC's cache or remote may have. One query at most.

    Those whose content was here and is not kept any more are among them.
    """
    files = _files(commit)
    records = _records(commit)
    paths = [path for record in records for path in record.paths if path in files]
    kept = {files[path].oid for path in paths if files[path].state == FileState.KEPT and files[path].source}
    rows = PlotFile.objects.filter(repository=commit.repository_id, oid__in=kept)
    here = set(rows.values_list("oid", flat=True)) if kept else set()
    gone = kept - here
    return {
        path: replace(files[path], state=FileState.CACHED) if files[path].oid in gone else files[path]
        for path in paths
        if files[path].can_be_read or files[path].oid in gone
    }


def unread_count(commit: HistoryCommit, base: HistoryCommit | None) -> Unread:
    """Return how many files a worker would read for the plots of `commit` and `base`. Two queries at most."""
    files = [file for one in (commit, base) if one for file in unread(one).values()]
    failed = {file.source for file in files if file.state == FileState.FAILED}
    return Unread(len({file.source for file in files}), len(failed))


def _records(commit: HistoryCommit) -> Sequence[PlotRecord]:
    if commit.plots is None:
        return ()
    return plot_records.expanded(plot_records.from_json(commit.plots.plots), _files(commit))


def _files(commit: HistoryCommit | None) -> dict[str, PlottedFile]:
    return plot_records.files_from_json(commit.plots.files) if commit and commit.plots else {}


def _drawn(records: Sequence[PlotRecord], commit: HistoryCommit, base: HistoryCommit | None) -> list[Drawn]:
    paths = [path for record in records for path in record.paths]
    now, before = _at(paths, _files(commit)), _at(paths, _files(base))
    texts = _texts(commit, {*now.values(), *before.values()})
    files = {path: _file(known, texts) for path, known in now.items()}
    earlier = {path: _file(known, texts) for path, known in before.items()} if base else None
    return [plot_drawing.draw(record, files, earlier) for record in records]


def _at(paths: Iterable[str], files: Mapping[str, PlottedFile]) -> dict[str, PlottedFile]:
    """Return what is known of the files at `paths`, by the folder that holds one where that is not read."""
    found = {}
    for path in paths:
        name = next((one for one in (path, *pipeline_graph.folders(path)) if one in files), None)
        if name == path or (name is not None and files[name].state != FileState.FOLDER):
            found[path] = files[name]
    return found


def _file(known: PlottedFile, texts: Mapping[str, str | None]) -> File:
    if known.state != FileState.KEPT:
        return File(known.state, known.oid, reason=known.reason)
    if known.oid not in texts:
        return File(FileState.FORGOTTEN, known.oid)
    text = texts[known.oid]
    return File(known.state, known.oid, text or "", is_image=text is None)


def _texts(commit: HistoryCommit, files: Iterable[PlottedFile]) -> dict[str, str | None]:
    """Return the texts of the files that are kept, by object; None for an image."""
    oids = {known.oid for known in files if known.state == FileState.KEPT}
    rows = PlotFile.objects.filter(repository=commit.repository_id, oid__in=oids)
    texts = Case(When(media="", then="packed"), output_field=BinaryField(null=True))
    return {oid: unpacked(packed) if packed else None for oid, packed in rows.values_list("oid", texts)}
