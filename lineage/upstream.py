"""One hop upstream: what things came from, a fixed number of queries however many things."""

from collections import defaultdict
from collections.abc import Callable, Collection

from django.db.models import Exists, OuterRef

from experiments.models import RunInput, RunTag
from lineage import reach
from lineage.graph import Hop, Key, Node
from lineage.models import DataVersion, PipelineStage, SnapshotStage, StageFile
from lineage.node_ids import Kind
from lineage.reach import Found, Reach
from registry import as_of
from registry.models import Deployment, ModelVersion, Promotion

_PIPELINE = PipelineStage.Kind.PIPELINE
_DATA_NAME = "dataset_name"


def expand(keys: Collection[Key], limits: Reach, told: set[Key]) -> Hop:
    """Return what `keys` came from. At most ten queries.

    :param told: stages whose commit is known from a run; those of a walk are kept here between its hops
    """
    found = Found(told=told)
    for kind, step in _BY_TEXT.items():
        if texts := reach.values(keys, kind):
            step(texts, found, limits)
    for kind, step_by_number in _BY_NUMBER.items():
        if numbers := [int(value) for value in reach.values(keys, kind)]:
            step_by_number(numbers, found, limits)
    return Hop(found.links, found.complete)


def _deployments(wanted: list[int], found: Found, limits: Reach) -> None:
    rows = Deployment.objects.filter(pk__in=wanted).order_by().values_list("pk", "version")
    _versions_of(Kind.DEPLOYMENT, dict(rows), found, limits)


def _promotions(wanted: list[int], found: Found, limits: Reach) -> None:
    rows = Promotion.objects.filter(pk__in=wanted).order_by().values_list("pk", "version")
    _versions_of(Kind.PROMOTION, dict(rows), found, limits)


def _versions_of(kind: Kind, versions: dict[int, int], found: Found, limits: Reach) -> None:
    nodes = version_nodes(set(versions.values()), limits)
    for pk, version in versions.items():
        if version in nodes:
            found.above(nodes[version], Key(kind, str(pk)))


def version_nodes(pks: Collection[int], limits: Reach) -> dict[int, Node]:
    """Return the nodes of versions by primary key, their stage as of then. One query."""
    rows = ModelVersion.objects.filter(pk__in=pks).annotate(then=as_of.stage_then(limits.at)).order_by()
    return {
        pk: limits.version(pk, model, created_at, stage)
        for pk, model, created_at, stage in rows.values_list("pk", "model", "created_at", "then")
    }


def _versions(wanted: list[int], found: Found, limits: Reach) -> None:
    rows = ModelVersion.objects.filter(pk__in=wanted).exclude(model__in=limits.hidden).order_by()
    told = list(rows.values_list("pk", "run_id", "finalises"))
    candidates = version_nodes({one for _pk, _run, one in told if one}, limits)
    for pk, run_id, finalises in told:
        key = Key(Kind.VERSION, str(pk))
        if run_id:
            found.above(Node(Key(Kind.RUN, run_id)), key)
        if finalises in candidates:
            found.above(candidates[finalises], key)


def _runs(wanted: list[str], found: Found, limits: Reach) -> None:
    told = origin_tags(wanted)
    shas: dict[str, list[Key]] = defaultdict(list)
    for run_id, tags in told.items():
        key = Key(Kind.RUN, run_id)
        here = next((node for name in reach.GIT_TAGS if (node := reach.commit(tags.get(name, "")))), None)
        if here:
            found.above(here, key)
            base = reach.commit(tags.get(reach.BASE_TAG, ""))
            if base and base.key != here.key:
                found.above(base, here.key)
            if reach.JOB_TAG in tags:
                shas[here.key.value].append(key)
        data = reach.data(tags.get(reach.DATA_TAG, ""))
        if data:
            found.above(data, key)
    used = RunInput.objects.filter(run__run_id__in=wanted).order_by()
    rows, complete = limits.read(used.values_list("run__run_id", "key"))
    found.complete &= complete
    for run_id, value in rows:
        data = reach.data(value)
        if data:
            found.above(data, Key(Kind.RUN, run_id))
    if shas:
        _stages_of(shas, found, limits)


def origin_tags(run_ids: list[str]) -> dict[str, dict[str, str]]:
    """Return what the tags of runs say; of a run that is gone, what its versions kept. Two queries."""
    names = (*reach.GIT_TAGS, reach.BASE_TAG, reach.DATA_TAG, reach.JOB_TAG, _DATA_NAME)
    rows = RunTag.objects.filter(run__run_id__in=run_ids, key__in=names).order_by()
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for run_id, name, value in rows.values_list("run__run_id", "key", "value"):
        found[run_id][name] = value
    gone = [run_id for run_id in run_ids if run_id not in found]
    if gone:
        kept = ModelVersion.objects.filter(run_id__in=gone).order_by().values_list("run_id", "lineage")
        for run_id, lineage in kept:
            found[run_id] |= {name: str(lineage[name]) for name in names if lineage.get(name)}
    return found


def _stages_of(shas: dict[str, list[Key]], found: Found, limits: Reach) -> None:
    """Add the stages whose commit a run is the result of."""
    rows = SnapshotStage.objects.filter(snapshot__commits__sha__in=shas, stage__kind=_PIPELINE).order_by()
    told, complete = limits.read(rows.values_list("snapshot__commits__sha", "stage", "stage__first_at"))
    found.complete &= complete
    for sha, stage, at in told:
        node = Node(Key(Kind.STAGE, str(stage)), at)
        found.told.add(node.key)
        for run in shas[sha]:
            found.above(node, run)
        found.above(Node(Key(Kind.COMMIT, sha)), node.key)


def _stages(wanted: list[int], found: Found, limits: Reach) -> None:
    # Code that a stage reads has a hash in dvc.lock, too; it belongs to the commit.
    kept = Exists(DataVersion.objects.filter(hash=OuterRef("hash")))
    rows = StageFile.objects.filter(kept, stage__in=wanted, role=StageFile.Role.INPUT).order_by()
    told, complete = limits.read(rows.values_list("stage", "hash"))
    found.complete &= complete
    for stage, value in told:
        data = reach.data(value)
        if data:
            found.above(data, Key(Kind.STAGE, str(stage)))
    # A stage that many commits have belongs to the one whose run is asked about, else to the first.
    firsts = PipelineStage.objects.filter(pk__in=wanted).order_by().values_list("pk", "first_sha")
    for pk, sha in firsts:
        key, commit = Key(Kind.STAGE, str(pk)), reach.commit(sha)
        if commit and key not in found.told:
            found.above(commit, key)


def _data(wanted: list[str], found: Found, limits: Reach) -> None:
    """Add the stages that made data; of data that somebody put there, the commit that did."""
    rows = StageFile.objects.filter(hash__in=wanted, role=StageFile.Role.OUTPUT)
    rows = rows.filter(**limits.then("stage__first_at")).order_by("stage__first_at", "stage")
    told, complete = limits.read(
        rows.values_list("hash", "stage", "stage__kind", "stage__first_sha", "stage__first_at")
    )
    found.complete &= complete
    introduced = set()
    for value, stage, kind, sha, at in told:
        key = Key(Kind.DATA, value)
        if kind == _PIPELINE:
            found.above(Node(Key(Kind.STAGE, str(stage)), at), key)
            continue
        commit = reach.commit(sha)
        if commit and value not in introduced:
            introduced.add(value)
            found.above(commit, key)


_BY_TEXT: dict[Kind, Callable[[list[str], Found, Reach], None]] = {Kind.RUN: _runs, Kind.DATA: _data}
_BY_NUMBER: dict[Kind, Callable[[list[int], Found, Reach], None]] = {
    Kind.DEPLOYMENT: _deployments,
    Kind.PROMOTION: _promotions,
    Kind.VERSION: _versions,
    Kind.STAGE: _stages,
}
