"""Writes what MLflow says into our tables: bulk, idempotent, and nothing at all when nothing changed.

Two writers may be at it at once (a pass of the mirror, and a job that has just logged its run). Rows are
therefore upserted, always in the order of their keys, so that two transactions cannot lock each other out;
should the older answer be written last, the next pass finds the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from experiments.mirror_bulk import upsert
from experiments.mirror_values import RunValues, experiment_columns, run_values
from experiments.models import Experiment, Run, RunInput, RunMetric, RunParam, RunTag
from integrations.mlflow_records import ExperimentRecord, RunRecord

ACTIVE = "active"
DELETED = "deleted"
_RUN_COLUMNS = [
    *("experiment", "name", "status", "user", "lifecycle_stage", "started_at", "ended_at"),
    *("duration", "artifact_uri", "params", "metrics", "tags", "inputs"),
    *("digest", "series_digest", "seen_at"),
]


# Tables with a row per run and key, and their columns besides.
_NARROW: dict[Any, list[str]] = {
    RunMetric: ["value"],
    RunParam: ["value", "number"],
    RunTag: ["value"],
    RunInput: ["value"],
}


class Written(NamedTuple):
    """How many runs were written: `new` ones, and those that were there and have `changed`."""

    new: int
    changed: int

    @property
    def total(self) -> int:
        """All that were written."""
        return self.new + self.changed


class _Known(NamedTuple):
    digest: str
    series_digest: str


def write_experiments(records: Sequence[ExperimentRecord]) -> bool:
    """Make our experiments equal to `records`, which are all that MLflow has.

    An experiment that MLflow no longer knows is marked as deleted, since runs and versions point to it.

    :return: whether an experiment was deleted or restored, which changes its runs without a word
    """
    known = {row.experiment_id: row for row in Experiment.objects.all()}
    changed = [
        columns
        for columns in map(experiment_columns, sorted(records, key=lambda record: record.experiment_id))
        if not _says(known.get(columns["experiment_id"]), columns)
    ]
    gone = known.keys() - {record.experiment_id for record in records}
    gone = {key for key in gone if known[key].lifecycle_stage == ACTIVE}
    if changed:
        Experiment.objects.bulk_create(
            [Experiment(**columns) for columns in changed],
            update_conflicts=True,
            unique_fields=["experiment_id"],
            update_fields=["name", "lifecycle_stage", "tags", "created_at"],
        )
    if gone:
        Experiment.objects.filter(experiment_id__in=gone).update(lifecycle_stage=DELETED)
    return bool(gone) or any(
        columns["experiment_id"] in known
        and known[columns["experiment_id"]].lifecycle_stage != columns["lifecycle_stage"]
        for columns in changed
    )


def write_runs(records: Iterable[RunRecord], *, now: datetime) -> Written:
    """Write those of `records` that are new or changed, with their latest metrics; return how many.

    Runs of experiments that we do not have (yet) are left out.
    """
    # Of a run that came twice (pages shift while they are read) the later answer counts.
    by_id = {record.run_id: record for record in records}
    known = {
        run_id: _Known(digest, series_digest)
        for run_id, digest, series_digest in Run.objects.filter(run_id__in=by_id).values_list(
            "run_id", "digest", "series_digest"
        )
    }
    differing: dict[str, RunValues] = {}
    for run_id, record in sorted(by_id.items()):
        values = run_values(record)
        if run_id not in known or known[run_id].digest != values.digest:
            differing[run_id] = values
    if not differing:
        return Written(0, 0)
    wanted = {by_id[run_id].experiment_id for run_id in differing}
    experiments = dict(Experiment.objects.filter(experiment_id__in=wanted).values_list("experiment_id", "pk"))
    rows = [
        Run(
            **values.columns,
            experiment_id=experiments[by_id[run_id].experiment_id],
            series_digest=_series_state(known.get(run_id), values),
            seen_at=now,
        )
        for run_id, values in differing.items()
        if by_id[run_id].experiment_id in experiments
    ]
    with transaction.atomic():
        Run.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["run_id"], update_fields=_RUN_COLUMNS
        )
        said = {row.pk: differing[row.run_id] for row in rows}
        latest = {pk: {key: (value,) for key, value in one.latest.items()} for pk, one in said.items()}
        _write_narrow(RunMetric, latest)
        _write_narrow(RunParam, {pk: one.params for pk, one in said.items()})
        tags = {pk: {key: (value,) for key, value in one.tags.items()} for pk, one in said.items()}
        _write_narrow(RunTag, tags)
        used = {pk: {key: (value,) for key, value in one.data.items()} for pk, one in said.items()}
        _write_narrow(RunInput, used)
    new = sum(row.run_id not in known for row in rows)
    return Written(new, len(rows) - new)


def mark_vanished(run_ids: Iterable[str]) -> int:
    """Mark runs that MLflow no longer has as deleted; return how many were not marked yet.

    They are kept, because a version may have come from them. Without a digest they are written anew should
    they come back.
    """
    rows = Run.objects.filter(run_id__in=list(run_ids), lifecycle_stage=ACTIVE)
    return rows.update(lifecycle_stage=DELETED, digest="")


def _says(row: Experiment | None, columns: Mapping[str, object]) -> bool:
    return row is not None and all(getattr(row, name) == value for name, value in columns.items())


def _series_state(known: _Known | None, values: RunValues) -> str:
    """Return what `series_digest` becomes; empty means that the histories are to be read."""
    if not values.latest:
        return values.series_digest
    return known.series_digest if known and known.series_digest == values.series_digest else ""


def _write_narrow(table: Any, wanted: Mapping[int, Mapping[str, tuple[Any, ...]]]) -> None:
    """Make the rows of the runs (by primary key) in `table` equal to `wanted`.

    :param table: one of `_NARROW`
    :param wanted: primary key of a run -> key -> values of the row
    """
    columns = _NARROW[table]
    stored: dict[tuple[int, str], tuple[Any, ...]] = {}
    gone: dict[int, list[str]] = {}
    for run, key, *values in table.objects.filter(run__in=wanted).values_list("run_id", "key", *columns):
        stored[run, key] = tuple(values)
        if key not in wanted[run]:
            gone.setdefault(run, []).append(key)
    rows = [
        (run, key, *values)
        for run, pairs in sorted(wanted.items())
        for key, values in sorted(pairs.items())
        if (run, key) not in stored or stored[run, key] != values
    ]
    upsert(table, ["run", "key"], columns, rows)
    for run, keys in gone.items():
        table.objects.filter(run=run, key__in=keys).delete()
