"""Commits: who, when, what for, and in which repository."""

from collections import defaultdict
from collections.abc import Collection

from django.utils.translation import gettext as _

from experiments.models import Commit
from lineage import roots
from lineage.facts.told import Fact, Told, facts
from lineage.models import HistoryCommit
from lineage.node_ids import Kind, NodeId
from lineage.page_addresses import address
from lineage.reach import Reach
from lineage.selectors import gto

SHORT = 10


def of(values: Collection[str], limits: Reach) -> dict[str, Told]:
    """Return what is told of commits by SHA. Three queries at most."""
    rows: dict[str, list[HistoryCommit | Commit]] = defaultdict(list)
    history = HistoryCommit.objects.filter(sha__in=values).select_related("repository")
    for row in history.order_by("pk"):
        rows[row.sha].append(row)
    unread = [value for value in values if value not in rows]
    if unread:
        known = roots.indexed(unread).select_related("repository").defer("params_text", "pipeline")
        for commit in known.order_by("pk"):
            rows[commit.sha].append(commit)
    registered = gto.of_commits([*rows], at=limits.at) if rows else {}
    return {
        value: _known(rows[value], registered.get(value, [])) if value in rows else _unknown(value)
        for value in values
    }


def _known(rows: list[HistoryCommit | Commit], registered: list[str]) -> Told:
    row = rows[0]
    name = row.repository.name
    return Told(
        Kind.COMMIT,
        str(NodeId(Kind.COMMIT, row.sha, name)),
        row.sha[:SHORT],
        row.subject,
        f"{address('lineage:pipeline', name)}?ref={row.sha}",
        row.committed_at,
        facts=facts(
            Fact("sha", row.sha, "digest"),
            Fact("repository", name),
            Fact("author", row.author),
            Fact("committed_at", row.committed_at, "time"),
            Fact("message", row.subject),
            Fact("gto", registered, "list"),
            Fact("also_in", sorted({one.repository.name for one in rows[1:]} - {name}), "list"),
        ),
    )


def _unknown(sha: str) -> Told:
    node = str(NodeId(Kind.COMMIT, sha))
    note = _("in no connected repository")
    return Told(Kind.COMMIT, node, sha[:SHORT], note, gone=True, facts=facts(Fact("sha", sha, "digest")))
