"""The plots of a commit with the content of their files, beside what the base had at the same paths."""

from collections.abc import Iterable, Mapping

from lineage import plot_drawing, plot_records
from lineage.models import HistoryCommit, PlotFile
from lineage.plot_drawing import Drawn, File
from lineage.plot_records import FileState, PlotRecord, unpacked


def drawn(commit: HistoryCommit, base: HistoryCommit | None) -> list[Drawn]:
    """Return the plots of `commit`, whose plots were read with it, as were those of `base`. One query."""
    records = _records(commit)
    texts = _texts(commit, base, [path for record in records for path in record.paths])
    return [_drawn(record, commit, base, texts) for record in records]


def drawn_at(commit: HistoryCommit, base: HistoryCommit | None, number: int) -> Drawn | None:
    """Return the plot that is the `number`th of `drawn`, counted from 1; None: there is none. One query."""
    records = _records(commit)
    if not 1 <= number <= len(records):
        return None
    record = records[number - 1]
    return _drawn(record, commit, base, _texts(commit, base, record.paths))


def _records(commit: HistoryCommit) -> list[PlotRecord]:
    return plot_records.from_json(commit.plots.plots) if commit.plots else []


def _drawn(
    record: PlotRecord, commit: HistoryCommit, base: HistoryCommit | None, texts: Mapping[str, str]
) -> Drawn:
    before = _files(base, record, texts) if base else None
    return plot_drawing.draw(record, _files(commit, record, texts), before)


def _files(commit: HistoryCommit, record: PlotRecord, texts: Mapping[str, str]) -> dict[str, File]:
    known = commit.plots.files if commit.plots else {}
    return {path: _file(known[path], texts) for path in record.paths if path in known}


def _file(known: Mapping[str, str], texts: Mapping[str, str]) -> File:
    state, oid = known["state"], known["oid"]
    if state != FileState.KEPT:
        return File(state, oid)
    return File(state, oid, texts[oid]) if oid in texts else File(FileState.FORGOTTEN, oid)


def _texts(commit: HistoryCommit, base: HistoryCommit | None, paths: Iterable[str]) -> dict[str, str]:
    sides = [one.plots.files for one in (commit, base) if one and one.plots]
    oids = {known[path]["oid"] for known in sides for path in paths if path in known}
    rows = PlotFile.objects.filter(repository=commit.repository_id, oid__in=oids)
    return {oid: unpacked(packed) for oid, packed in rows.values_list("oid", "packed")}
