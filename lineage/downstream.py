"""One hop downstream: what came of things, a fixed number of queries however many things."""

from collections import defaultdict
from collections.abc import Callable, Collection

from django.db.models import Exists, F, OuterRef, Q

from experiments.models import RunInput, RunTag
from lineage import reach
from lineage.graph import Hop, Key, Node
from lineage.models import PipelineStage, SnapshotStage, StageFile
from lineage.node_ids import Kind
from lineage.reach import Found, Reach
from registry import as_of
from registry.models import Deployment, ModelVersion, Promotion

_PIPELINE = PipelineStage.Kind.PIPELINE


def expand(keys: Collection[Key], limits: Reach) -> Hop:
    """Return what came of `keys`. At most thirteen queries."""
    found = Found()
    for kind, step in _BY_TEXT.items():
        if texts := reach.values(keys, kind):
            step(texts, found, limits)
    for kind, step_by_number in _BY_NUMBER.items():
        if numbers := [int(value) for value in reach.values(keys, kind)]:
            step_by_number(numbers, found, limits)
    return Hop(found.links, found.complete)


def _data(wanted: list[str], found: Found, limits: Reach) -> None:
    read = StageFile.objects.filter(hash__in=wanted, role=StageFile.Role.INPUT, stage__kind=_PIPELINE)
    read = read.filter(**limits.then("stage__first_at")).order_by("-stage__first_at", "-stage")
    told, complete = limits.read(read.values_list("hash", "stage", "stage__first_at"))
    found.complete &= complete
    for value, stage, at in told:
        found.below(Node(Key(Kind.STAGE, str(stage)), at), Key(Kind.DATA, value))
    _tagged((reach.DATA_TAG,), wanted, Kind.DATA, found, limits)
    _using(wanted, found, limits)


def _using(wanted: list[str], found: Found, limits: Reach) -> None:
    """Add the runs that said they used data, the newest first."""
    if not limits.runs:
        return
    rows = RunInput.objects.filter(key__in=wanted, **limits.then("run__started_at"))
    told, complete = limits.read(rows.order_by("-run").values_list("key", "run__run_id", "run__started_at"))
    found.complete &= complete
    for value, run_id, at in told:
        found.below(Node(Key(Kind.RUN, run_id), at), Key(Kind.DATA, value))


def _stages(wanted: list[int], found: Found, limits: Reach) -> None:
    # Of what Git keeps, which is metrics and plots as a rule, only what another stage goes on with.
    read = Exists(StageFile.objects.filter(hash=OuterRef("hash"), role=StageFile.Role.INPUT))
    made = StageFile.objects.filter(Q(cached=True) | read, stage__in=wanted, role=StageFile.Role.OUTPUT)
    told, complete = limits.read(made.exclude(hash="").order_by().values_list("stage", "hash"))
    found.complete &= complete
    for stage, value in told:
        data = reach.data(value)
        if data:
            found.below(data, Key(Kind.STAGE, str(stage)))
    _runs_of_stages(wanted, found, limits)


def _runs_of_stages(wanted: list[int], found: Found, limits: Reach) -> None:
    """Add the runs that are the results of commits which have the stages."""
    if not limits.runs:
        return
    logged = RunTag.objects.filter(key="git_commit").values("value")
    rows = SnapshotStage.objects.filter(stage__in=wanted, snapshot__commits__sha__in=logged).order_by()
    told, complete = limits.read(rows.values_list("stage", "snapshot__commits__sha"))
    stages: dict[str, list[Key]] = defaultdict(list)
    for stage, sha in told:
        stages[sha].append(Key(Kind.STAGE, str(stage)))
    ours = RunTag.objects.filter(key="git_commit", value__in=stages, run__filter_tags__key=reach.JOB_TAG)
    ours = ours.filter(**limits.then("run__started_at")).order_by("-run")
    runs, all_runs = limits.read(ours.values_list("value", "run__run_id", "run__started_at"))
    found.complete &= complete and all_runs
    for sha, run_id, at in runs:
        for stage in stages[sha]:
            found.below(Node(Key(Kind.RUN, run_id), at), stage)


def _commits(wanted: list[str], found: Found, limits: Reach) -> None:
    _tagged(reach.GIT_TAGS, wanted, Kind.COMMIT, found, limits)
    based = RunTag.objects.filter(key="git_commit", run__filter_tags__key=reach.BASE_TAG)
    based = based.filter(run__filter_tags__value__in=wanted, **limits.then("run__started_at")).order_by()
    told, complete = limits.read(based.values_list("run__filter_tags__value", "value").distinct())
    for base, sha in told:
        commit = reach.commit(sha)
        if commit and base != sha:
            found.below(commit, Key(Kind.COMMIT, base))
    new = SnapshotStage.objects.filter(
        snapshot__commits__sha__in=wanted, stage__first_sha=F("snapshot__commits__sha")
    )
    rows, all_rows = limits.read(
        new.order_by().values_list("stage__first_sha", "stage", "stage__kind", "stage__first_at")
    )
    found.complete &= complete and all_rows
    tracked = {}
    for sha, stage, kind, at in rows:
        if kind == _PIPELINE:
            found.below(Node(Key(Kind.STAGE, str(stage)), at), Key(Kind.COMMIT, sha))
        else:
            tracked[stage] = Key(Kind.COMMIT, sha)
    outputs = StageFile.objects.filter(stage__in=tracked, role=StageFile.Role.OUTPUT).order_by()
    for stage, value in outputs.values_list("stage", "hash"):
        data = reach.data(value)
        if data:
            found.below(data, tracked[stage])


def _tagged(names: tuple[str, ...], wanted: list[str], kind: Kind, found: Found, limits: Reach) -> None:
    """Add the runs whose tags name one of `wanted`, the newest first."""
    if not limits.runs:
        return
    rows = RunTag.objects.filter(key__in=names, value__in=wanted, **limits.then("run__started_at"))
    told, complete = limits.read(rows.order_by("-run").values_list("value", "run__run_id", "run__started_at"))
    found.complete &= complete
    for value, run_id, at in told:
        found.below(Node(Key(Kind.RUN, run_id), at), Key(kind, value))


def _runs(wanted: list[str], found: Found, limits: Reach) -> None:
    rows = ModelVersion.objects.filter(run_id__in=wanted, **limits.then("created_at"))
    rows = rows.annotate(then=as_of.stage_then(limits.at)).order_by("-pk")
    told, complete = limits.read(rows.values_list("run_id", "pk", "model", "created_at", "then"))
    found.complete &= complete
    for run_id, pk, model, created_at, stage in told:
        found.below(limits.version(pk, model, created_at, stage), Key(Kind.RUN, run_id))


def _versions(wanted: list[int], found: Found, limits: Reach) -> None:
    promotions = Promotion.objects.filter(version__in=wanted, **limits.then("opened_at"))
    promotions = promotions.exclude(version__model__in=limits.hidden).order_by("-pk")
    told, complete = limits.read(promotions.values_list("version", "pk", "opened_at"))
    for version, pk, at in told:
        node = Node(Key(Kind.PROMOTION, str(pk)), at, reach.DECIDED)
        found.below(node, Key(Kind.VERSION, str(version)))
    served = Deployment.objects.filter(version__in=wanted, **limits.then("at"))
    served = served.exclude(version__model__in=limits.hidden).order_by("-pk")
    rows, all_rows = limits.read(served.values_list("version", "pk", "at"))
    for version, pk, at in rows:
        node = Node(Key(Kind.DEPLOYMENT, str(pk)), at, reach.DEPLOYED)
        found.below(node, Key(Kind.VERSION, str(version)))
    found.complete &= complete and all_rows
    _finals(wanted, found, limits)


def _finals(wanted: list[int], found: Found, limits: Reach) -> None:
    """Add the versions that made candidates final."""
    rows = ModelVersion.objects.filter(finalises__in=wanted, **limits.then("created_at"))
    rows = rows.exclude(model__in=limits.hidden)
    rows = rows.annotate(then=as_of.stage_then(limits.at)).order_by()
    for candidate, pk, model, at, stage in rows.values_list("finalises", "pk", "model", "created_at", "then"):
        found.below(limits.version(pk, model, at, stage), Key(Kind.VERSION, str(candidate)))


_BY_TEXT: dict[Kind, Callable[[list[str], Found, Reach], None]] = {
    Kind.DATA: _data,
    Kind.COMMIT: _commits,
    Kind.RUN: _runs,
}
_BY_NUMBER: dict[Kind, Callable[[list[int], Found, Reach], None]] = {
    Kind.STAGE: _stages,
    Kind.VERSION: _versions,
}
