"""What an impact is asked of: nodes, or every version of a path; and everything that was made from it.

Data, stages and commits are followed here; runs, of which there may be very many, stay in the database.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

from experiments.models import Run, RunInput, RunTag
from lineage import downstream, reach
from lineage.graph import Key
from lineage.models import DataVersion, HistoryCommit, StageFile
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry.models import ModelVersion

#: Data, stages and commits that are followed at most.
LIMIT = 20_000
_HOPS = 100


@dataclass(frozen=True)
class Reached:
    """Everything that was made from a cause, up to the runs.

    :ivar keys: data, stages, commits, and runs that are the cause themselves
    :ivar complete: whether that is all
    """

    keys: frozenset[Key] = field(default_factory=frozenset)
    complete: bool = True

    @classmethod
    def of(cls, starts: Collection[Key], limits: Reach) -> Self:
        """Follow `starts` downstream. At most seven queries for each hop; a cycle ends."""
        found, frontier, complete = set(starts), set(starts), True
        for _hop in range(_HOPS):
            if not frontier:
                return cls(frozenset(found), complete)
            hop = downstream.expand([key for key in frontier if key.kind is not Kind.RUN], limits)
            frontier = {link.far.key for link in hop.links} - found
            complete &= hop.complete
            if len(found) + len(frontier) > LIMIT:
                break
            found |= frontier
        return cls(frozenset(found), False)

    def versions(self, existing: "QuerySet[ModelVersion]") -> set[int]:
        """Return the primary keys of the versions among `existing` that were made from it. Three queries."""
        found = set(existing.filter(run_id__in=self._runs()).order_by().values_list("pk", flat=True)[:LIMIT])
        mirrored = Exists(Run.objects.filter(run_id=OuterRef("run_id")))
        # Of a run that is gone its versions have kept what they need to know.
        gone = existing.filter(self._kept()).exclude(mirrored).order_by()
        found |= set(gone.values_list("pk", flat=True)[:LIMIT])
        # Who made a candidate final did so on the same artifacts.
        return found | set(existing.filter(finalises__in=found).order_by().values_list("pk", flat=True))

    def _runs(self) -> QuerySet[Run, Any]:
        wanted = self._by_kind()
        stages = [int(value) for value in wanted[Kind.STAGE]]
        ours = HistoryCommit.objects.filter(snapshot__entries__stage__in=stages)
        tags = Q(key=reach.DATA_TAG, value__in=wanted[Kind.DATA])
        tags |= Q(key__in=reach.GIT_TAGS, value__in=wanted[Kind.COMMIT])
        if stages:
            of_jobs = Exists(RunTag.objects.filter(run=OuterRef("run"), key=reach.JOB_TAG))
            tags |= Q(of_jobs, key="git_commit", value__in=ours.values("sha"))
        tagged = RunTag.objects.filter(tags).order_by().values("run")
        used = RunInput.objects.filter(key__in=wanted[Kind.DATA]).order_by().values("run")
        here = Q(run_id__in=wanted[Kind.RUN]) | Q(pk__in=tagged) | Q(pk__in=used)
        return Run.objects.filter(here).values("run_id")

    def _kept(self) -> Q:
        """Return the condition that a version whose run is gone says so itself."""
        wanted = self._by_kind()
        named = Q(run_id__in=wanted[Kind.RUN]) | Q(lineage__dataset_hash__in=wanted[Kind.DATA])
        return named | Q(lineage__git_commit__in=wanted[Kind.COMMIT])

    def _by_kind(self) -> dict[Kind, list[str]]:
        return {kind: sorted(reach.values(self.keys, kind)) for kind in Kind}


def of_path(path: str, repository: str = "") -> list[Key]:
    """Return what a path of a repository stands for: every version of the data there, and every stage that
    reads or makes it. Two queries.

    :param repository: its name; empty: of any
    """
    here: dict[str, Any] = {"path": path}
    data = DataVersion.objects.filter(**here, **({"repository__name": repository} if repository else {}))
    stages = StageFile.objects.filter(
        **here, **({"stage__repository__name": repository} if repository else {})
    )
    hashes = data.order_by().values_list("hash", flat=True).distinct()[:LIMIT]
    numbers = stages.order_by().values_list("stage", flat=True).distinct()[:LIMIT]
    nodes = [node.key for value in hashes if (node := reach.data(value))]
    return [*nodes, *(Key(Kind.STAGE, str(number)) for number in numbers)]
