"""Runs: how they ended, whose they are, what they measured."""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from experiments.models import Run
from experiments.run_columns import TELLING
from lineage.facts.told import Fact, Told, facts
from lineage.node_ids import Kind, NodeId
from lineage.reach import Reach

_DELETED = "deleted"
_METRICS = 4
_COLUMNS = ("run_id", "name", "status", "user", "lifecycle_stage", "started_at", "ended_at", "metrics")


def of(values: Collection[str], limits: Reach) -> dict[str, Told]:
    """Return what is told of runs by MLflow's id; one that MLflow has no more keeps its place. One query."""
    rows = Run.objects.filter(run_id__in=values).select_related("experiment").order_by()
    known = {row.run_id: row for row in rows.only(*_COLUMNS, "experiment__name")}
    return {value: _known(known[value], limits) if value in known else _unknown(value) for value in values}


def _known(row: Run, limits: Reach) -> Told:
    measured = metrics(row)
    deleted = row.lifecycle_stage == _DELETED
    ended = row.ended_at is not None and (limits.at is None or row.ended_at <= limits.at)
    first = next((f"{name} {value:.4g}" for name, value in measured.items()), "")
    # MLflow does not say when, so nothing is claimed about the past.
    words = _("deleted in MLflow") if limits.at is None else _("deleted in MLflow by now")
    note = words if deleted else first
    return Told(
        Kind.RUN,
        str(NodeId(Kind.RUN, row.run_id)),
        str(row),
        note,
        row.get_absolute_url(),
        row.started_at,
        state=row.status if ended or limits.at is None else "RUNNING",
        gone=deleted,
        facts=facts(
            Fact("run_id", row.run_id, "digest"),
            Fact("experiment", row.experiment.name),
            Fact("user", row.user),
            Fact("started_at", row.started_at, "time"),
            Fact("ended_at", row.ended_at if ended else None, "time"),
            Fact("deleted", deleted or None),
            *(Fact(f"metric:{name}", value, "metric") for name, value in measured.items() if ended),
        ),
    )


def metrics(row: Run) -> dict[str, float]:
    """Return the metrics that tell the most, a few."""
    found: dict[str, Any] = row.metrics if isinstance(row.metrics, dict) else {}
    names = [name for name in TELLING if name in found] or sorted(found)
    pairs = ((name, found[name]) for name in names[:_METRICS])
    return {name: value for name, value in pairs if isinstance(value, int | float)}


def _unknown(run_id: str) -> Told:
    node = str(NodeId(Kind.RUN, run_id))
    note = _("not in MLflow any more")
    return Told(Kind.RUN, node, run_id[:12], note, gone=True, facts=facts(Fact("run_id", run_id, "digest")))
