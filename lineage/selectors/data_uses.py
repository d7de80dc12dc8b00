"""Who uses a version of data, in all repositories: stages by its hash, commits, runs and model versions."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Count, Max, Min, Model, QuerySet

from accounts.models import User
from experiments.models import Run, RunTag
from lineage import impact, reach
from lineage.models import DataVersion, HistoryCommit, PipelineStage, StageFile
from lineage.selectors.data import same_content
from registry.models import ModelVersion

SHOWN = 20
_OF_STAGE = ("repository__name", "address", "kind")
_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True)
class StageUse:
    """A stage that reads or makes the data: where, since when, and in how many shapes."""

    repository: str
    address: str
    kind: str
    shapes: int
    first_sha: str
    last_sha: str


@dataclass(frozen=True)
class Uses:
    """Everything that has to do with a version of data: lists hold the newest `SHOWN`, counts tell of all.

    :ivar runs: those that were made from it, as the graph has it; `commit_runs` the others that name a commit
        that has it, which may have read something else
    :ivar versions: those that were made from it, as an impact has it
    """

    makers: list[StageUse]
    readers: list[StageUse]
    commits: list[HistoryCommit]
    commit_count: int
    runs: list[Run]
    run_count: int
    commit_runs: list[Run]
    commit_run_count: int
    versions: list[ModelVersion]
    version_count: int
    elsewhere: list[DataVersion]


def uses(data: DataVersion, *, user: User) -> Uses:
    """Return who uses the content of `data`, whatever it is called there. Twelve queries, and those that
    follow it."""
    node = reach.data(data.hash)
    found = impact.of([node.key] if node else [], user=user)
    commits, runs = commits_with(data.hash), _newest(found.reached.runs())
    at_commits = _newest(_at_commits(data.hash)).exclude(pk__in=runs.order_by().values("pk"))
    return Uses(
        _stages(data.hash, StageFile.Role.OUTPUT),
        _stages(data.hash, StageFile.Role.INPUT),
        *_newest_of(commits.select_related("repository")),
        *_newest_of(runs),
        *_newest_of(at_commits),
        *_newest_of(found.versions.order_by("-created_at", "-pk")),
        list(same_content(data)[:SHOWN]),
    )


def commits_with(value: str) -> QuerySet[HistoryCommit]:
    """Return the commits, of any repository, whose stages read or make the content, the newest first."""
    snapshots = StageFile.objects.filter(hash=value).order_by().values("stage__entries__snapshot")
    return HistoryCommit.objects.filter(snapshot__in=snapshots).order_by("-committed_at", "-pk")


def _at_commits(value: str) -> QuerySet[Run]:
    commits = commits_with(value).order_by().values("sha")
    tagged = RunTag.objects.filter(key__in=reach.GIT_TAGS, value__in=commits)
    return Run.objects.filter(pk__in=tagged.order_by().values("run"))


def _newest_of(rows: QuerySet[_M]) -> tuple[list[_M], int]:
    """Return the first of `rows`, and how many there are. One query, or two if there are more."""
    found = list(rows[: SHOWN + 1])
    return found[:SHOWN], rows.count() if len(found) > SHOWN else len(found)


def _newest(runs: QuerySet[Run]) -> QuerySet[Run]:
    found = runs.select_related("experiment").defer("metrics", "params", "tags")
    return found.order_by("-started_at", "-pk")


def _stages(value: str, role: str) -> list[StageUse]:
    stages = PipelineStage.objects.filter(files__hash=value, files__role=role)
    grouped = stages.order_by("repository__name", "address").values(*_OF_STAGE)
    rows = list(
        grouped.annotate(shapes=Count("pk", distinct=True), first=Min("first_at"), last=Max("first_at"))[
            :SHOWN
        ]
    )
    ends = stages.filter(first_at__in={row[end] for row in rows for end in ("first", "last")}).order_by("pk")
    shas: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for *stage, sha in ends.values_list(*_OF_STAGE, "first_at", "first_sha"):
        shas[tuple(stage)].append(sha)
    found = []
    for row in rows:
        repository, address, kind = stage = tuple(row[name] for name in _OF_STAGE)
        first, last = shas[*stage, row["first"]][0], shas[*stage, row["last"]][-1]
        found.append(StageUse(repository, address, kind, row["shapes"], first, last))
    return found
