"""Who uses a version of data, in all repositories: stages by its hash, commits, runs and model versions."""

from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet

from accounts.models import User
from experiments.models import Run, RunTag
from lineage import reach
from lineage.models import DataVersion, HistoryCommit, PipelineStage, StageFile
from lineage.selectors.data import same_content
from registry.access import visible_q
from registry.models import ModelVersion

SHOWN = 20


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
    """Everything that has to do with a version of data: lists hold the newest `SHOWN`, counts tell of all."""

    makers: list[StageUse]
    readers: list[StageUse]
    commits: list[HistoryCommit]
    commit_count: int
    runs: list[Run]
    run_count: int
    versions: list[ModelVersion]
    version_count: int
    elsewhere: list[DataVersion]


def uses(data: DataVersion, *, user: User) -> Uses:
    """Return who uses the content of `data`, whatever it is called there. Ten queries."""
    commits = commits_with(data.hash)
    runs = runs_with(data.hash)
    versions = versions_with(data.hash, user=user)
    return Uses(
        makers=_stages(data.hash, StageFile.Role.OUTPUT),
        readers=_stages(data.hash, StageFile.Role.INPUT),
        commits=list(commits.select_related("repository")[:SHOWN]),
        commit_count=commits.count(),
        runs=list(runs.select_related("experiment").defer("metrics", "params", "tags")[:SHOWN]),
        run_count=runs.count(),
        versions=list(versions.select_related("model").defer("manifest", "metadata", "facts")[:SHOWN]),
        version_count=versions.count(),
        elsewhere=list(same_content(data)[:SHOWN]),
    )


def commits_with(value: str) -> QuerySet[HistoryCommit]:
    """Return the commits, of any repository, whose stages read or make the content, the newest first."""
    snapshots = StageFile.objects.filter(hash=value).order_by().values("stage__entries__snapshot")
    return HistoryCommit.objects.filter(snapshot__in=snapshots).order_by("-committed_at", "-pk")


def runs_with(value: str) -> QuerySet[Run]:
    """Return the runs that name the content, or a commit that has it, the newest first."""
    commits = commits_with(value).order_by().values("sha")
    tagged = RunTag.objects.filter(
        Q(key=reach.DATA_TAG, value=value) | Q(key__in=reach.GIT_TAGS, value__in=commits)
    )
    return Run.objects.filter(pk__in=tagged.order_by().values("run")).order_by("-started_at", "-pk")


def versions_with(value: str, *, user: User) -> QuerySet[ModelVersion]:
    """Return the model versions made by such runs that `user` sees, the newest first."""
    runs = runs_with(value).order_by().values("run_id")
    found = ModelVersion.objects.filter(run_id__in=runs).filter(visible_q(user, "model"))
    return found.order_by("-created_at", "-pk")


def _stages(value: str, role: str) -> list[StageUse]:
    rows = (
        PipelineStage.objects.filter(files__hash=value, files__role=role)
        .order_by("repository__name", "address")
        .values("repository__name", "address", "kind")
        .annotate(shapes=Count("pk", distinct=True), first=Min("pk"), last=Max("pk"))[:SHOWN]
    )
    found = list(rows)
    keys = {row[end] for row in found for end in ("first", "last")}
    shas = dict(PipelineStage.objects.filter(pk__in=keys).values_list("pk", "first_sha"))
    return [
        StageUse(
            row["repository__name"],
            row["address"],
            row["kind"],
            row["shapes"],
            shas[row["first"]],
            shas[row["last"]],
        )
        for row in found
    ]
