"""Versions of models: their stage as of then, what they are made of, what they measure."""

from collections.abc import Collection
from typing import Any

from lineage.facts.told import Fact, Told, facts
from lineage.node_ids import Kind, NodeId
from lineage.reach import Reach
from registry import as_of
from registry.models import ModelVersion
from registry.version_facts import key_metrics

_HEAVY = ("manifest", "facts", "inspection", "lineage", "bump_reasons")


def of(values: Collection[str], limits: Reach) -> dict[str, Told]:
    """Return what is told of versions by primary key. One query."""
    rows = ModelVersion.objects.filter(pk__in=values).annotate(then=as_of.stage_then(limits.at))
    return {str(row.pk): _told(row) for row in rows.select_related("model").defer(*_HEAVY).order_by()}


def _told(row: Any) -> Told:
    measured = key_metrics(row)
    return Told(
        Kind.VERSION,
        str(NodeId(Kind.VERSION, row.version, path=row.model.name)),
        f"{row.model.name} {row.version}",
        "",
        row.get_absolute_url(),
        row.created_at,
        stage=row.then,
        facts=facts(
            Fact("model", row.model.name),
            Fact("version", row.version),
            Fact("stage", row.then, "stage"),
            Fact("fingerprint", row.fingerprint, "digest"),
            Fact("artifacts", row.manifest_digest, "digest"),
            Fact("registered_at", row.created_at, "time"),
            Fact("registered_by", row.created_by),
            Fact("mlflow_version", row.mlflow_version),
            *(Fact(f"metric:{one.name}", one.value, "metric") for one in measured),
        ),
    )
