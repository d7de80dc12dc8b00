"""The pipeline of a commit: its stages with the data they read and make, and what of it is drawn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from django.db.models import Count, prefetch_related_objects

from experiments.models import Repository, Run, RunTag
from lineage import pipeline_graph
from lineage.long_lists import texts
from lineage.models import DataVersion, HistoryCommit, PipelineStage, StageFile
from lineage.pipeline_changes import Change, Comparison, Stage, State, compare, edges, stale

#: Stages of a commit, and files of them all, that are shown and compared.
MAX_STAGES = 2_000
MAX_FILES = 20_000
_RUNS = 10
_COMMIT_TAGS = ("git_commit", "mlflow.source.git.commit")


@dataclass(frozen=True)
class FileRow:
    """A file of a stage; `data` is its version, if DVC keeps it here; `made_by` the stage it comes from."""

    file: StageFile
    data: DataVersion | None
    made_by: str = ""


@dataclass(frozen=True)
class StageRow:
    """A stage with everything that is shown of it; `number` counts from 1 in running order."""

    number: int
    stage: PipelineStage
    inputs: list[FileRow]
    outputs: list[FileRow]
    parameters: list[tuple[str, Any]]
    stale: list[Change] = field(default_factory=list)
    in_circle: bool = False


@dataclass(frozen=True)
class Pipeline:
    """The pipeline of one commit; `complete`: whether these are all of its stages."""

    commit: HistoryCommit
    rows: list[StageRow]
    state: State
    pairs: list[tuple[int, int]]
    circle: list[str]
    complete: bool


def pipeline_of(commit: HistoryCommit) -> Pipeline:
    """Return the pipeline of `commit`, whose snapshot and inputs were read with it. Three queries."""
    stages, complete = _stages(commit)
    state = _state(commit, stages)
    pairs = edges(state.stages)
    order = pipeline_graph.order(len(stages), pairs)
    files = [file for stage in stages for file in stage.files.all()]
    data = _data(commit.repository_id, files)
    makers = {
        file.path: stage.address
        for stage in stages
        for file in stage.files.all()
        if file.role == StageFile.Role.OUTPUT
    }
    rows = [
        StageRow(
            number=at + 1,
            stage=stage,
            inputs=[_file_row(file, data, makers) for file in stage.files.all() if file.role == "input"],
            outputs=[_file_row(file, data, {}) for file in stage.files.all() if file.role == "output"],
            parameters=_parameters(stage, state),
            stale=stale(state.stages[at], state),
            in_circle=at in order.circular,
        )
        for at, stage in enumerate(stages)
    ]
    circle = [row.stage.address for row in rows if row.in_circle]
    return Pipeline(commit, rows, state, pairs, circle, complete)


def compared(found: Pipeline, base: HistoryCommit | None) -> Comparison | None:
    """Return what changed since `base`; None if there is none, or one of them is too large. Two queries."""
    if base is None or not found.complete:
        return None
    stages, complete = _stages(base)
    return compare(_state(base, stages), found.state) if complete else None


def known_folders(found: Pipeline, comparison: Comparison | None) -> set[str]:
    """Return which of the folders that changed are versions of data here, by hash. One query at most.

    Of others only a stage that read them tells, and no page compares their files.
    """
    changes = [change for row in found.rows for change in row.stale]
    changes += [change for one in comparison.stages for change in one.changes] if comparison else []
    hashes = {value for change in changes if change.is_folder for value in (change.old, change.new)}
    rows = DataVersion.objects.filter(repository=found.commit.repository_id, hash__in=texts(hashes))
    return set(rows.values_list("hash", flat=True)) if hashes else set()


def _state(commit: HistoryCommit, stages: Iterable[PipelineStage]) -> State:
    inputs = commit.inputs
    return State(
        stages=[_rule(stage) for stage in stages],
        code=inputs.code if inputs else {},
        params=inputs.params if inputs else {},
    )


def parent_of(repository: Repository, commit: HistoryCommit) -> HistoryCommit | None:
    """Return the first parent, if it is indexed. One query."""
    if not commit.parents:
        return None
    rows = repository.history.select_related("snapshot", "inputs", "plots")
    return rows.filter(sha=commit.parents[0]).first()


def runs_of(commit: HistoryCommit) -> list[Run]:
    """Return the newest runs that name `commit`. One query."""
    tagged = RunTag.objects.filter(key__in=_COMMIT_TAGS, value=commit.sha).order_by().values("run")
    rows = Run.objects.filter(pk__in=tagged).select_related("experiment")
    return list(rows.defer("metrics", "params", "tags").order_by("-started_at", "-pk")[:_RUNS])


def values(commit: HistoryCommit, kind: str) -> dict[str, Any]:
    """Return the parameters or metrics of a commit by name; those of further files carry the file's name."""
    if commit.inputs is None:
        return {}
    files: Mapping[str, Mapping[str, Any]] = getattr(commit.inputs, kind)
    is_one = len(files) == 1
    return {
        name if is_one or file == "params.yaml" else f"{file}:{name}": value
        for file, told in files.items()
        for name, value in told.items()
    }


def problems_of(commit: HistoryCommit) -> list[dict[str, str]]:
    """Return the files of a commit that could not be read: path and message."""
    snapshot, inputs = commit.snapshot, commit.inputs
    return [*(snapshot.problems if snapshot else ()), *(inputs.problems if inputs else ())]


def _stages(commit: HistoryCommit) -> tuple[list[PipelineStage], bool]:
    """Return the stages with their files, as many as can be shown and compared, and whether these are all."""
    if commit.snapshot_id is None:
        return [], True
    rows = PipelineStage.objects.filter(entries__snapshot=commit.snapshot_id).order_by("entries__position")
    every: list[Any] = list(rows.annotate(count=Count("files"))[: MAX_STAGES + 1])
    totals = accumulate(stage.count for stage in every[:MAX_STAGES])
    found = [stage for stage, total in zip(every, totals, strict=False) if total <= MAX_FILES]
    prefetch_related_objects(found, "files")
    return found, len(found) == len(every)


def _rule(stage: PipelineStage) -> Stage:
    files = list(stage.files.all())
    told = stage.definition
    return Stage(
        address=stage.address,
        kind=stage.kind,
        command=stage.command,
        locked_command=stage.locked_command,
        is_locked=stage.is_locked,
        # What an import reads is a path of another repository.
        inputs={file.path: file.hash for file in files if file.role == "input" and not file.source},
        outputs={file.path: file.hash for file in files if file.role == "output"},
        watched=told.get("params") or {},
        locked=stage.parameters,
        frozen=bool(told.get("frozen")),
        always_changed=bool(told.get("always_changed")),
    )


def _data(repository: int, files: Iterable[StageFile]) -> dict[tuple[str, str], DataVersion]:
    hashes = {file.hash for file in files if file.hash}
    rows = DataVersion.objects.filter(repository=repository, hash__in=hashes)
    return {(row.path, row.hash): row for row in rows}


def _file_row(
    file: StageFile, data: Mapping[tuple[str, str], DataVersion], makers: Mapping[str, str]
) -> FileRow:
    names = (file.path, *pipeline_graph.folders(file.path))
    made_by = next((makers[name] for name in names if name in makers), "") if not file.source else ""
    return FileRow(file, data.get((file.path, file.hash)), made_by)


def _parameters(stage: PipelineStage, state: State) -> list[tuple[str, Any]]:
    found = []
    for file, keys in (stage.definition.get("params") or {}).items():
        there = state.params.get(file) or stage.parameters.get(file) or {}
        prefix = "" if file == "params.yaml" else f"{file}:"
        for key in keys or list(there):
            below = [name for name in there if name == key or name.startswith(f"{key}.")]
            found += [(f"{prefix}{name}", there.get(name)) for name in below or [key]]
    return found
