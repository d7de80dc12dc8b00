"""Rules: whether a result still belongs on a branch that has moved since. No database, no I/O.

A result is what a pipeline made of everything that it read. If the branch has changed something that it read,
the result is not that of the branch any more; if both changed the same file, neither may be lost.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from experiments.pipeline_summary import outputs, place
from integrations.dvc_files import DEFAULT_PARAMS_FILE, PIPELINE_FILE
from integrations.dvc_records import Lock, Pipeline

_DVC = ".dvc"


@dataclass(frozen=True)
class Conflict:
    """A file because of which a result cannot be applied.

    :ivar both: whether the result changes it, too; else the result depends on it
    """

    path: str
    both: bool


def read_by(pipeline: Pipeline, lock: Lock) -> frozenset[str]:
    """Return the files and folders that a pipeline reads and does not make; `dvc.yaml` is one of them."""
    folders = {stage.name: stage.wdir for stage in pipeline.stages}
    made = {out for stage in pipeline.stages for out in outputs(stage)}
    made |= {place(folders.get(name, "."), out.path) for name, one in lock.stages.items() for out in one.outs}
    found = {place(stage.wdir, dep) for stage in pipeline.stages for dep in stage.deps if "$" not in dep}
    found |= {
        place(folders.get(name, "."), dep.path) for name, one in lock.stages.items() for dep in one.deps
    }
    files = {place(stage.wdir, one.file) for stage in pipeline.stages for one in stage.params}
    inputs = {path for path in found if not any(_within(path, out) for out in made)}
    return frozenset({PIPELINE_FILE, DEFAULT_PARAMS_FILE, *files, *inputs})


def conflicts(moved: Collection[str], result: Collection[str], read: Iterable[str]) -> list[Conflict]:
    """Return what stands against a result.

    :param moved: paths that the branch has changed since the commit that the result was made from
    :param result: paths that the result changes, and that are not the same on the branch anyway
    :param read: files and folders that the result depends on
    """
    reads = list(read)
    found = [
        Conflict(path, both=path in result)
        for path in sorted(moved)
        if path in result or any(_touches(path, one) for one in reads)
    ]
    return sorted(found, key=lambda one: not one.both)


def _touches(path: str, read: str) -> bool:
    """Whether a change of `path` is one of `read`, which may be a folder, or data that a .dvc file names."""
    if path.endswith(_DVC):
        data = path.removesuffix(_DVC)
        if _within(data, read) or _within(read, data):
            return True
    return _within(path, read)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
