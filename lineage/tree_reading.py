"""What the tree of a commit says about data, stages, parameters and metrics. Runs in a worker.

A repository may hold anything: a file that cannot be read is a problem of the commits that have it and of
nothing else. Equal files are read once for all commits, and what is remembered is bounded.
"""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

from experiments.pipeline_summary import place, summary
from experiments.stored_text import text
from integrations.dvc_files import DEFAULT_PARAMS_FILE, PIPELINE_FILE, read_pipeline
from integrations.dvc_locks import LOCK_FILE, read_lock, read_tracked
from integrations.dvc_records import Lock, Pipeline
from integrations.errors import IntegrationError
from integrations.git_objects import ObjectReader
from integrations.git_trees import TreeWalker
from integrations.values_files import is_readable, read_values
from lineage import pipeline_graph, plot_contents, plot_reading, plot_records, stage_records
from lineage.plot_contents import Content
from lineage.plot_objects import Objects
from lineage.plot_reading import Plots, Tree
from lineage.plot_records import PlotRecord
from lineage.stage_records import StageRecord, digest_of

MAX_DVC_FILES = 2_000
MAX_VALUE_FILES = 20  # of parameters, and as many of metrics
MAX_CODE_PATHS = 1_000
MAX_BYTES = 1_000_000  # of one file
_REMEMBERED, _FEW = 5_000, 8  # contents
_REMEMBERED_BYTES = 4_000_000  # of the files they were read from
_T = TypeVar("_T")


@dataclass(frozen=True)
class Snapshot:
    """What the DVC files of a tree say; see `lineage.models.PipelineSnapshot`."""

    stages: tuple[StageRecord, ...] = ()
    artifacts: dict[str, Any] = field(default_factory=dict)
    plots: tuple[PlotRecord, ...] = ()
    problems: list[dict[str, str]] = field(default_factory=list)
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Inputs:
    """What of a tree lies in Git and matters to stages; see `lineage.models.CommitInputs`."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    digest: str = ""


def is_dvc_file(name: str) -> bool:
    """Whether a file of this name says something about data or stages."""
    return name in (PIPELINE_FILE, LOCK_FILE, "Dvcfile") or (name.endswith(".dvc") and name != ".dvc")


class TreeReader:
    """Reads trees of one repository through `objects`, and of what DVC keeps that which `cache` has."""

    def __init__(self, objects: ObjectReader, cache: Objects) -> None:
        self._objects = objects
        self._cache = cache
        self._walker = TreeWalker(objects, is_dvc_file)
        self._whole = TreeWalker(objects, lambda _name: True)
        # Value, and how many bytes were read for it.
        self._memory: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._remembered = 0
        self._bytes_read = 0

    def snapshot(self, tree: str) -> Snapshot | None:
        """Return what the DVC files say; None if there are none."""
        files = self._walker.files(tree)
        if not files:
            return None
        return self._once(("snapshot", files), lambda: self._assembled(files))

    def inputs(self, tree: str, snapshot: Snapshot | None) -> Inputs:
        """Return parameters, metrics and code as they lie in Git."""
        problems: list[dict[str, str]] = []
        wanted = snapshot or Snapshot()
        params = self._values(tree, (DEFAULT_PARAMS_FILE, *wanted.params), problems)
        metrics = self._values(tree, wanted.metrics, problems)
        found = ((path, self._walker.object_at(tree, path)) for path in wanted.code)
        code = {path: oid for path, oid in found if oid}
        digest = digest_of([params, metrics, code, problems])
        return Inputs(params, metrics, code, problems, digest)

    def plots(self, tree: str, snapshot: Snapshot | None) -> Plots:
        """Return the plots, with the content of their files that lie in Git or in the cache."""
        if snapshot is None or not snapshot.plots:
            return Plots()
        in_git = Tree(partial(self._walker.object_at, tree), self._inside, self._plot_content)
        return plot_reading.read(snapshot.plots, snapshot.stages, in_git, self._cache)

    def _assembled(self, files: tuple[tuple[str, str], ...]) -> Snapshot:
        assembly = _Assembly()
        if len(files) > MAX_DVC_FILES:
            assembly.problem("", f"More than {MAX_DVC_FILES} files of DVC; the others are left out.")
        objects = dict(files[:MAX_DVC_FILES])
        folders = {posixpath.dirname(path) for path in objects if posixpath.basename(path) in _PIPELINE_FILES}
        for folder in sorted(folders):
            self._pipeline(folder, objects, assembly)
        for path, oid in objects.items():
            if posixpath.basename(path) not in _PIPELINE_FILES:
                with assembly.problems_of(path):
                    read = partial(self._tracked, oid, path)
                    assembly.stages.append(self._once(("dvc", path, oid), read))
        return assembly.finished()

    def _pipeline(self, folder: str, objects: dict[str, str], assembly: _Assembly) -> None:
        file, lock_file = posixpath.join(folder, PIPELINE_FILE), posixpath.join(folder, LOCK_FILE)
        oids = objects.get(file, ""), objects.get(lock_file, "")
        pipeline: Pipeline | None = None
        lock: Lock | None = None
        if oids[0]:
            with assembly.problems_of(file):
                pipeline = self._once(("yaml", oids[0]), lambda: read_pipeline(self._content(oids[0], file)))
        if oids[1]:
            with assembly.problems_of(lock_file):
                lock = self._once(("lock", oids[1]), lambda: read_lock(self._content(oids[1], lock_file)))
        assembly.stages += self._once(
            ("stages", file, oids, pipeline is None, lock is None),
            lambda: stage_records.of_pipeline(file, pipeline, lock),
        )
        if pipeline is not None:
            assembly.add(folder, pipeline)

    def _values(self, tree: str, paths: Iterable[str], problems: list[dict[str, str]]) -> dict[str, Any]:
        found = {}
        readable = (path for path in dict.fromkeys(paths) if is_readable(path))
        for path in islice(readable, MAX_VALUE_FILES):
            oid = self._walker.object_at(tree, path)
            if not oid:
                continue
            try:
                found[path] = self._once(("values", path, oid), partial(self._read_values, oid, path))
            except IntegrationError as error:
                if not error.permanent:
                    raise
                problems.append({"path": path, "message": text(error.message, 500)})
        return found

    def _tracked(self, oid: str, path: str) -> StageRecord:
        return stage_records.of_tracked(path, read_tracked(self._content(oid, path), path))

    def _read_values(self, oid: str, path: str) -> dict[str, Any]:
        return read_values(self._content(oid, path), path)

    def _inside(self, oid: str) -> dict[str, str]:
        try:
            return dict(self._whole.files(oid))
        except IntegrationError as error:
            if not error.permanent:
                raise
            return {}  # more than anybody looks through

    def _plot_content(self, oid: str) -> Content:
        return self._once(("plot", oid), partial(self._read_plot, oid))

    def _read_plot(self, oid: str) -> Content:
        found = self._objects.read(oid, plot_contents.MAX_BYTES)
        content = plot_reading.content_of_object(found)
        self._bytes_read += len(found.data) if found and found.data else 0
        return content

    def _content(self, oid: str, path: str) -> bytes:
        found = self._objects.read(oid, MAX_BYTES)
        if found is None or found.kind != "blob":
            raise IntegrationError(f"{path} is no file.", permanent=True)
        if found.data is None:
            raise IntegrationError(f"{path} is larger than {MAX_BYTES} bytes.", permanent=True)
        self._bytes_read += found.size
        return found.data

    def _once(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what `make` made the first time; a failure is remembered, too."""
        if key in self._memory:
            self._memory.move_to_end(key)
        else:
            before = self._bytes_read
            try:
                value: Any = make()
            except IntegrationError as error:
                if not error.permanent:
                    raise
                value = error
            self._remember(key, value, self._bytes_read - before)
        found = self._memory[key][0]
        if isinstance(found, IntegrationError):
            raise found
        return cast("_T", found)

    def _remember(self, key: Hashable, value: Any, size: int) -> None:
        self._memory[key] = (value, size)
        self._remembered += size
        while len(self._memory) > _FEW and (
            self._remembered > _REMEMBERED_BYTES or len(self._memory) > _REMEMBERED
        ):
            self._remembered -= self._memory.popitem(last=False)[1][1]


_PIPELINE_FILES = frozenset({PIPELINE_FILE, LOCK_FILE})


class _Problems:
    """Notes what goes wrong inside a ``with`` as a problem of one file."""

    def __init__(self, assembly: _Assembly, path: str) -> None:
        self._assembly, self._path = assembly, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Exception) or not getattr(error, "permanent", True):
            return False
        # Foreign files: whatever they do to a reader, no commit stops the others.
        told = (
            error.message
            if isinstance(error, IntegrationError)
            else f"cannot be read ({type(error).__name__})"
        )
        self._assembly.problem(self._path, told)
        return True


class _Assembly:
    def __init__(self) -> None:
        self.stages: list[StageRecord] = []
        self._artifacts: dict[str, Any] = {}
        self._plots: list[PlotRecord] = []
        self._problems: list[dict[str, str]] = []
        self._params: list[str] = []
        self._metrics: list[str] = []

    def problem(self, path: str, message: str) -> None:
        self._problems.append({"path": text(path, 500), "message": text(message, 500)})

    def problems_of(self, path: str) -> _Problems:
        return _Problems(self, path)

    def add(self, folder: str, pipeline: Pipeline) -> None:
        prefix = f"{folder}:" if folder else ""
        for name, artifact in summary(pipeline)["artifacts"].items():
            self._artifacts[prefix + name] = {**artifact, "path": place(folder, artifact["path"])}
        self._plots += plot_records.of_pipeline(folder, pipeline)
        self._params += [place(folder, path) for path in pipeline.params]
        self._metrics += [place(folder, path) for path in pipeline.metrics]

    def finished(self) -> Snapshot:
        stages = self._in_order()
        made = {path for stage in stages for path in stage.paths(stage_records.OUTPUT)}
        code = {path for stage in stages for path in _own_inputs(stage) if path not in made}
        metrics = [path for stage in stages for path in stage.definition.get("metrics", ())]
        params = [path for stage in stages for path in stage.definition.get("params", ())]
        told = [[stage.digest for stage in stages], self._artifacts, self._problems]
        return Snapshot(
            stages=tuple(stages),
            artifacts=self._artifacts,
            plots=plot_records.kept(self._plots),
            problems=self._problems,
            params=tuple(dict.fromkeys([*params, *self._params])),
            metrics=tuple(dict.fromkeys([*metrics, *self._metrics])),
            code=tuple(sorted(code)[:MAX_CODE_PATHS]),
            digest=digest_of(told),
        )

    def _in_order(self) -> list[StageRecord]:
        stages = list({stage.digest: stage for stage in self.stages}.values())
        nodes = [
            pipeline_graph.Node(stage.paths(stage_records.INPUT), stage.paths(stage_records.OUTPUT))
            for stage in stages
        ]
        order = pipeline_graph.order(len(stages), pipeline_graph.edges(nodes))
        return [stages[at] for at in order.sequence]


def _own_inputs(stage: StageRecord) -> Iterator[str]:
    """Yield the paths in this repository that a stage reads."""
    return (file.path for file in stage.files if file.role == stage_records.INPUT and not file.source)
