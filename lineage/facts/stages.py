"""Stages of pipelines: what they ran, and since which commit."""

from collections.abc import Collection

from lineage.facts.told import Fact, Told, facts
from lineage.models import PipelineStage
from lineage.node_ids import Kind, NodeId
from lineage.page_addresses import address
from lineage.reach import Reach

_LONGEST_COMMAND = 300


def of(values: Collection[str], _limits: Reach) -> dict[str, Told]:
    """Return what is told of stages by primary key. One query."""
    rows = PipelineStage.objects.filter(pk__in=values).select_related("repository")
    return {str(row.pk): _told(row) for row in rows.defer("definition", "parameters").order_by()}


def _told(row: PipelineStage) -> Told:
    command = row.locked_command or row.command
    name = row.repository.name
    return Told(
        Kind.STAGE,
        str(NodeId(Kind.STAGE, row.first_sha, name, row.address)),
        row.address,
        " ".join(command.split())[:_LONGEST_COMMAND],
        f"{address('lineage:pipeline', name)}?ref={row.first_sha}",
        row.first_at,
        facts=facts(
            Fact("repository", name),
            Fact("name", row.address),
            Fact("command", command[:_LONGEST_COMMAND]),
            Fact("first_commit", row.first_sha, "digest"),
            Fact("first_at", row.first_at, "time"),
        ),
    )
