"""What an impact is asked of: nodes, or every version of a path; and everything that was made from it.

Data, stages and commits are followed here; runs, of which there may be very many, stay in the database.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

from experiments.models import Run, RunInput, RunTag
from lineage import descendants, downstream, reach
from lineage.graph import Key
from lineage.long_lists import numbers, texts
from lineage.models import DataVersion, HistoryCommit, PipelineStage, StageFile
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry.models import ModelVersion

#: Data, stages and commits that are followed at most, beside the commits that contain a cause.
LIMIT = 20_000
_HOPS = 100
_CHUNK = 2_000


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
        """Follow `starts` downstream, commits to every one that contains them. A cycle ends.

        At most seven queries for each hop and `_CHUNK` nodes of it, and those that find them.
        """
        commits = reach.values(starts, Kind.COMMIT)
        containing, complete = descendants.of(commits) if commits else (set(), True)
        found = {*starts, *(Key(Kind.COMMIT, sha) for sha in containing)}
        frontier = {*starts, *(_productive(containing) if containing else ())}
        limit = LIMIT + len(containing)
        for _hop in range(_HOPS):
            if not frontier:
                return cls(frozenset(found), complete)
            hop, is_all = _expanded(frontier, limits, limit)
            frontier = hop - found
            complete &= is_all
            if len(found) + len(frontier) > limit:
                break
            found = found | frontier
        return cls(frozenset(found), False)

    def versions(self, existing: "QuerySet[ModelVersion]") -> set[int]:
        """Return the primary keys of the versions among `existing` that were made from it. Four queries."""
        made = (
            existing.filter(run_id__in=self.runs().values("run_id")).order_by().values_list("pk", flat=True)
        )
        found = set(made[:LIMIT]) | self._of_gone_runs(existing)
        return _with_finals(found, existing) if found else found

    def runs(self) -> QuerySet[Run]:
        """Return the runs that were made from it."""
        stages = [int(value) for value in self._values(Kind.STAGE)]
        ours = HistoryCommit.objects.filter(snapshot__entries__stage__in=numbers(stages))
        tags = Q(key=reach.DATA_TAG, value__in=texts(self._values(Kind.DATA)))
        tags |= Q(key__in=reach.GIT_TAGS, value__in=texts(self._values(Kind.COMMIT)))
        if stages:
            of_jobs = Exists(RunTag.objects.filter(run=OuterRef("run"), key=reach.JOB_TAG))
            tags |= Q(of_jobs, key="git_commit", value__in=ours.values("sha"))
        tagged = RunTag.objects.filter(tags).order_by().values("run")
        used = RunInput.objects.filter(key__in=texts(self._values(Kind.DATA))).order_by().values("run")
        named = texts(self._values(Kind.RUN))
        here = Q(run_id__in=named) | Q(pk__in=tagged) | Q(pk__in=used)
        return Run.objects.filter(here)

    def _of_gone_runs(self, existing: "QuerySet[ModelVersion]") -> set[int]:
        """Return the versions whose run is gone, by what they have kept of it. Two queries."""
        mirrored = Exists(Run.objects.filter(run_id=OuterRef("run_id")))
        gone = existing.exclude(mirrored).order_by().values_list("pk", "run_id", "lineage")
        found: set[int] = set()
        made_by_jobs: dict[str, list[int]] = defaultdict(list)
        for pk, run_id, kept in gone.iterator(chunk_size=_CHUNK):
            shas = [kept[name] for name in reach.GIT_TAGS if name in kept]
            named = {Key(Kind.RUN, run_id), Key(Kind.DATA, kept.get(reach.DATA_TAG, ""))}
            if (named | {Key(Kind.COMMIT, sha) for sha in shas}) & self.keys:
                found.add(pk)
            elif reach.JOB_TAG in kept:
                made_by_jobs[kept.get("git_commit", "")].append(pk)
        for sha in self._with_stages(made_by_jobs):
            found.update(made_by_jobs[sha])
        return found

    def _with_stages(self, shas: Collection[str]) -> Iterable[str]:
        """Return those of `shas` whose pipeline has a stage that was reached. One query."""
        stages = numbers(int(value) for value in self._values(Kind.STAGE))
        ours = HistoryCommit.objects.filter(sha__in=texts(shas), snapshot__entries__stage__in=stages)
        return ours.order_by().values_list("sha", flat=True).distinct() if shas else ()

    def _values(self, kind: Kind) -> list[str]:
        return reach.values(self.keys, kind)


def _with_finals(found: set[int], existing: "QuerySet[ModelVersion]") -> set[int]:
    """Return `found` and what was made final from them: on the same artifacts. One query."""
    finals: dict[int | None, list[int]] = defaultdict(list)
    # A range, not merely "not NULL", for which SQLite reads the whole table once there is another condition.
    for candidate, pk in existing.filter(finalises__gt=0).order_by().values_list("finalises", "pk"):
        finals[candidate].append(pk)
    waiting, every = list(found), set(found)
    while waiting:
        new = [pk for pk in finals.get(waiting.pop(), ()) if pk not in every]
        every.update(new)
        waiting += new
    return every


def _productive(commits: Collection[str]) -> set[Key]:
    """Return those of `commits` of which more came than runs that name them. Two queries.

    Of a long history these are few, so the others need not be followed one by one.
    """
    wanted = texts(commits)
    new = PipelineStage.objects.filter(first_sha__in=wanted).order_by().values_list("first_sha", flat=True)
    started = RunTag.objects.filter(key=reach.BASE_TAG, value__in=wanted).order_by()
    return {Key(Kind.COMMIT, sha) for sha in {*new, *started.values_list("value", flat=True).distinct()}}


def _expanded(frontier: Collection[Key], limits: Reach, most: int) -> tuple[set[Key], bool]:
    """Return what came of `frontier`, and whether that is all; once there are `most` it is enough."""
    followed = (key for key in frontier if key.kind is not Kind.RUN)
    found: set[Key] = set()
    complete = True
    while len(found) <= most and (keys := list(islice(followed, _CHUNK))):
        hop = downstream.expand(keys, limits)
        found |= {link.far.key for link in hop.links}
        complete &= hop.complete
    return found, complete


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
