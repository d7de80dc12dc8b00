"""Which input changed between two versions: data, code, parameters, commands, environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Value, When

from experiments.models import Run, RunInput
from lineage import code_inputs, input_changes, reach, upstream
from lineage.code_inputs import CodeFile
from lineage.input_changes import Change, DataInput
from lineage.models import DataVersion, HistoryCommit, PipelineStage, StageFile
from registry import labels
from registry.metadata_categories import CATEGORIES
from registry.models import ModelVersion
from registry.version_facts import metadata_of

_HISTORY = 2_000
_COMMITS_SHOWN = 50
# What came of the run, not what went into it.
_OUTCOMES = frozenset({"training_duration_seconds"})


@dataclass(frozen=True)
class Inputs:
    """What a version was made from.

    :ivar sha: its commit; `base` the commit that the run was started from, where it made one of its own
    :ivar code: the files that Git tracks and stages of the commit read
    """

    version: ModelVersion
    sha: str
    base: str
    code: Mapping[str, CodeFile]
    data: Mapping[str, DataInput]
    parameters: Mapping[str, Any]
    commands: Mapping[str, str]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Two versions by what they were made from; unequal inputs come first.

    :ivar commits: what is in the code of the second and not of the first, the newest first
    :ivar commits_back: the other way round
    :ivar related: whether both commits are in one history that we know
    """

    first: Inputs
    second: Inputs
    code: list[Change]
    data: list[Change]
    parameters: list[Change]
    commands: list[Change]
    environment: list[Change]
    commits: list[HistoryCommit]
    commits_back: list[HistoryCommit]
    related: bool

    @property
    def changed(self) -> list[str]:
        """The names of the inputs that differ."""
        sections = {
            "data": self.data,
            "parameters": self.parameters,
            "commands": self.commands,
            "environment": self.environment,
        }
        found = [name for name, rows in sections.items() if any(row.differs for row in rows)]
        same_code = (self.first.base or self.first.sha) == (self.second.base or self.second.sha)
        return found if same_code else ["commit", *found]


def of(first: ModelVersion, second: ModelVersion) -> Comparison:
    """Compare two versions. At most fifteen queries."""
    one, other = _inputs([first, second])
    ahead, behind, related = _commits(one.base or one.sha, other.base or other.sha)
    return Comparison(
        one,
        other,
        input_changes.of(one.code, other.code),
        input_changes.of(one.data, other.data),
        input_changes.of(one.parameters, other.parameters),
        input_changes.of(one.commands, other.commands),
        input_changes.of(one.environment, other.environment),
        ahead,
        behind,
        related,
    )


def _inputs(versions: list[ModelVersion]) -> list[Inputs]:
    ids = [version.run_id for version in versions]
    tags = upstream.origin_tags(ids)
    runs = {run.run_id: run for run in Run.objects.filter(run_id__in=ids).only("run_id", "params")}
    shas = [_sha(tags[run_id]) for run_id in ids]
    stages, code = _stages(set(shas)), code_inputs.of(set(shas))
    files = _files({stage.pk for found in stages.values() for stage in found})
    sizes = _sizes([tags[run_id].get(reach.DATA_TAG, "") for run_id in ids])
    logged = _logged(ids)
    found = []
    for version, sha in zip(versions, shas, strict=True):
        told = tags[version.run_id]
        # The lock of a commit is of this run only where the run made the commit.
        ours = stages.get(sha, []) if reach.JOB_TAG in told else []
        run = runs.get(version.run_id)
        data = {file.path: _of_file(file) for stage in ours for file in files.get(stage.pk, [])}
        named = told.get(reach.DATA_TAG, "")
        if not data and named:
            data = {told.get("dataset_name", "") or "dataset": sizes.get(named, DataInput(named))}
        data = {**logged.get(version.run_id, {}), **data}
        found.append(
            Inputs(
                version,
                sha,
                told.get(reach.BASE_TAG, ""),
                code.get(sha, {}),
                data,
                run.params if run else {},
                {stage.address: stage.locked_command or stage.command for stage in ours},
                _environment(version),
            )
        )
    return found


def _logged(run_ids: list[str]) -> dict[str, dict[str, DataInput]]:
    """Return what runs logged with `mlflow.log_input`, by name. One query."""
    found: dict[str, dict[str, DataInput]] = {}
    rows = RunInput.objects.filter(run__run_id__in=run_ids).order_by("key")
    for run_id, name, key in rows.values_list("run__run_id", "value", "key"):
        found.setdefault(run_id, {})[name] = DataInput(key)
    return found


def _sha(tags: Mapping[str, str]) -> str:
    return next((tags[name] for name in reach.GIT_TAGS if tags.get(name)), "")


def _stages(shas: set[str]) -> dict[str, list[PipelineStage]]:
    rows = HistoryCommit.objects.filter(sha__in=shas, snapshot__isnull=False).order_by()
    snapshots = dict(rows.values_list("sha", "snapshot"))
    stages = PipelineStage.objects.filter(
        entries__snapshot__in=set(snapshots.values()), kind=PipelineStage.Kind.PIPELINE
    ).annotate(snapshot=F("entries__snapshot"))
    found: dict[str, list[PipelineStage]] = {sha: [] for sha in snapshots}
    for stage in stages.order_by("entries__position", "pk").defer("definition", "parameters"):
        for sha, snapshot in snapshots.items():
            if snapshot == stage.snapshot:
                found[sha].append(stage)
    return found


def _files(stages: set[int]) -> dict[int, list[StageFile]]:
    """Return the data that stages read and none of them made, as somebody put it there."""
    kinds = [DataVersion.Kind.TRACKED, DataVersion.Kind.IMPORT]
    put_there = Exists(DataVersion.objects.filter(hash=OuterRef("hash"), kind__in=kinds))
    rows = StageFile.objects.filter(put_there, stage__in=stages, role=StageFile.Role.INPUT)
    # Whoever put it there may have done so in another repository, whose pages this one's do not show.
    here = Exists(DataVersion.objects.filter(repository=OuterRef("stage__repository"), hash=OuterRef("hash")))
    rows = rows.annotate(repository=Case(When(here, then=F("stage__repository__name")), default=Value("")))
    found: dict[int, list[StageFile]] = {}
    for row in rows.order_by("pk"):
        found.setdefault(row.stage_id, []).append(row)
    return found


def _of_file(file: Any) -> DataInput:
    return DataInput(file.hash, file.nfiles, file.size, file.repository)


def _sizes(hashes: list[str]) -> dict[str, DataInput]:
    rows = DataVersion.objects.filter(hash__in=[one for one in hashes if one]).order_by("pk")
    known = rows.select_related("repository")
    return {row.hash: DataInput(row.hash, row.nfiles, row.size, row.repository.name) for row in known}


def _environment(version: ModelVersion) -> dict[str, Any]:
    metadata = metadata_of(version)
    if metadata is None:
        return {}
    fields = (*CATEGORIES["environment"].fields, *CATEGORIES["infrastructure"].fields)
    recorded = [name for name in fields if metadata.is_recorded(name) and name not in _OUTCOMES]
    return {labels.field(name): getattr(metadata, name) for name in recorded}


def _commits(first: str, second: str) -> tuple[list[HistoryCommit], list[HistoryCommit], bool]:
    """Return what each of two commits has that the other has not, as far as `_HISTORY` commits tell."""
    ends = {row.sha: row for row in HistoryCommit.objects.filter(sha__in=[first, second]).order_by("-pk")}
    if first not in ends or second not in ends or ends[first].repository_id != ends[second].repository_id:
        return [], [], False
    newest = max(row.committed_at for row in ends.values())
    rows = HistoryCommit.objects.filter(repository=ends[first].repository_id, committed_at__lte=newest)
    known = {row.sha: row for row in rows.order_by("-committed_at", "-pk")[:_HISTORY]}
    parents = {sha: row.parents for sha, row in (known | ends).items()}
    here, there = input_changes.line(parents, first), input_changes.line(parents, second)
    ahead = [row for sha, row in known.items() if sha in there - here]
    behind = [row for sha, row in known.items() if sha in here - there]
    return ahead[:_COMMITS_SHOWN], behind[:_COMMITS_SHOWN], bool(here & there)
