"""Rules: what the files of DVC say about stages, in one shape whatever file says it. No database.

A stage of `dvc.yaml` is joined with what `dvc.lock` knows of its last run; a `.dvc` file is a stage without a
command. Equal stages have an equal `digest`.
"""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from experiments.pipeline_summary import place
from experiments.stored_text import text
from integrations.dvc_records import Lock, LockedFile, LockedStage, Pipeline, Stage, Tracked

MAX_PATH = 500
MAX_COMMAND = 20_000
MAX_FILES = 1_000  # of one stage
MAX_KEYS = 500
PIPELINE, TRACKED, IMPORT = "pipeline", "tracked", "import"
INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class FileRecord:
    """A file or folder that a stage reads or makes; `hash` is empty where nobody knows it."""

    role: str
    path: str
    hash: str = ""
    algorithm: str = ""
    size: int | None = None
    nfiles: int | None = None
    cached: bool = True
    source: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageRecord:
    """A stage; see `lineage.models.PipelineStage`."""

    address: str
    file: str
    name: str
    kind: str
    command: str = ""
    locked_command: str = ""
    is_locked: bool = False
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[FileRecord, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything it says."""
        return digest_of(asdict(self))

    def paths(self, role: str) -> tuple[str, ...]:
        """Return the paths that it reads or makes."""
        return tuple(file.path for file in self.files if file.role == role)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON value."""
    plain = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def of_pipeline(file: str, pipeline: Pipeline | None, lock: Lock | None) -> list[StageRecord]:
    """Return the stages of the `dvc.yaml` called `file`, with what the lock beside it knows.

    :param pipeline: None if there is no `dvc.yaml` or it cannot be read; then the lock alone tells
    :param lock: None if there is no lock or it cannot be read
    """
    locked = dict(lock.stages) if lock else {}
    if pipeline is None:
        return [_joined(file, name, None, known) for name, known in locked.items()]
    found = []
    for stage in pipeline.stages:
        if stage.expanded:
            found.append(_joined(file, stage.name, stage, locked.get(stage.name)))
            continue
        # What is computed when it runs: the lock has the instances of the last time.
        made = [name for name in locked if name.startswith(f"{stage.group}@")]
        found += [_joined(file, name, stage, locked[name]) for name in made]
        found += [] if made else [_joined(file, stage.name, stage, None)]
    return found


def of_tracked(file: str, tracked: Tracked) -> StageRecord:
    """Return what the `.dvc` file called `file` says."""
    folder = posixpath.join(posixpath.dirname(file), tracked.wdir)
    kind = PIPELINE if tracked.cmd else IMPORT if tracked.deps else TRACKED
    origin = tracked.origin
    source = {"url": origin.url, "rev": origin.rev, "rev_lock": origin.rev_lock} if origin else {}
    # Of an import from a repository the path is one there, not here.
    paths = [dep.path if origin else place(folder, dep.path) for dep in tracked.deps]
    inputs = [_file(INPUT, path, dep, source=source) for path, dep in zip(paths, tracked.deps, strict=True)]
    outputs = [
        _file(OUTPUT, place(folder, out.path), out, cached=out.path not in tracked.uncached)
        for out in tracked.outs
    ]
    return StageRecord(
        address=file,
        file=file,
        name=posixpath.basename(file),
        kind=kind,
        command=text(tracked.cmd, MAX_COMMAND),
        locked_command=text(tracked.cmd, MAX_COMMAND),
        is_locked=any(file.hash for file in outputs),
        definition={
            "desc": text(tracked.desc, MAX_PATH),
            "frozen": tracked.frozen,
            "metrics": _paths(folder, tracked.metrics),
        },
        files=_kept([*inputs, *outputs]),
    )


def _joined(file: str, name: str, stage: Stage | None, locked: LockedStage | None) -> StageRecord:
    folder = posixpath.join(posixpath.dirname(file), stage.wdir if stage else ".")
    name = text(name, MAX_PATH // 2)
    parent = posixpath.dirname(file)
    said = stage.cmd if stage else ""
    # With `${...}` in it only the lock has the command as it was run.
    is_template = stage is None or stage.templated
    last = locked.cmd if locked else ""
    return StageRecord(
        address=f"{file}:{name}" if parent else name,
        file=file,
        name=name,
        kind=PIPELINE,
        command=text(last if is_template and last else said, MAX_COMMAND),
        locked_command=text(last, MAX_COMMAND),
        is_locked=locked is not None,
        parameters=_parameters(folder, locked) if locked else {},
        definition=_definition(folder, stage) if stage else {},
        files=_kept(_files(folder, stage, locked)),
    )


def _files(folder: str, stage: Stage | None, locked: LockedStage | None) -> Iterator[FileRecord]:
    is_written = stage is not None and not (stage.templated and locked)
    in_git = {place(folder, path) for path in _uncached(stage)} if stage else set()
    for role, known, said in (
        (INPUT, locked.deps if locked else (), stage.deps if stage and is_written else ()),
        (OUTPUT, locked.outs if locked else (), _made(stage) if stage and is_written else ()),
    ):
        hashes = {place(folder, one.path): one for one in known}
        # What the definition does not name any more is no file of the stage.
        for path in dict.fromkeys(place(folder, one) for one in said) if is_written else hashes:
            yield _file(role, path, hashes.get(path), cached=path not in in_git)


def _file(
    role: str,
    path: str,
    known: LockedFile | None,
    *,
    cached: bool = True,
    source: Mapping[str, str] | None = None,
) -> FileRecord:
    value = (known.md5 or known.checksum if known else "")[:128]
    name = "" if known is None or not value else known.hash_name if known.md5 else known.checksum_name
    return FileRecord(
        role=role,
        path=text(path),
        hash=text(value),
        algorithm=text(name, 20),
        size=_number(known.size) if known else None,
        nfiles=_number(known.nfiles, 2**31) if known else None,
        cached=cached,
        source={key: text(value, MAX_PATH) for key, value in (source or {}).items()},
    )


def _kept(files: Iterable[FileRecord]) -> tuple[FileRecord, ...]:
    return tuple(islice((file for file in files if len(file.path) <= MAX_PATH), MAX_FILES))


def _number(value: int | None, limit: int = 2**63) -> int | None:
    return value if value is not None and 0 <= value < limit else None


def _made(stage: Stage) -> Iterator[str]:
    yield from (out.path for out in (*stage.outs, *stage.metrics))
    yield from (series.path for plot in stage.plots for series in plot.series)


def _uncached(stage: Stage) -> Iterator[str]:
    yield from (out.path for out in (*stage.outs, *stage.metrics) if not out.cache)
    yield from (series.path for plot in stage.plots if not plot.cache for series in plot.series)


def _parameters(folder: str, locked: LockedStage) -> dict[str, dict[str, Any]]:
    return {
        text(place(folder, file), MAX_PATH): {
            text(str(key), MAX_PATH): json.loads(json.dumps(_plain(value), default=str))
            for key, value in islice(values.items(), MAX_KEYS)
        }
        for file, values in islice(locked.params.items(), MAX_KEYS)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return text(value, MAX_PATH)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("nan", "NaN").replace("inf", "Infinity")
    if isinstance(value, list):
        return [_plain(item) for item in value[:MAX_KEYS]]
    if isinstance(value, dict):
        return {text(str(key), MAX_PATH): _plain(item) for key, item in islice(value.items(), MAX_KEYS)}
    return value


def _definition(folder: str, stage: Stage) -> dict[str, Any]:
    return {
        "desc": text(stage.desc, MAX_PATH),
        "params": {
            text(place(folder, selection.file), MAX_PATH): [text(key, MAX_PATH) for key in selection.keys]
            for selection in stage.params[:MAX_KEYS]
        },
        "metrics": _paths(folder, (out.path for out in stage.metrics)),
        "plots": _paths(folder, (series.path for plot in stage.plots for series in plot.series)),
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "group": text(stage.group, MAX_PATH),
    }


def _paths(folder: str, paths: Iterable[str]) -> list[str]:
    return [text(place(folder, path), MAX_PATH) for path in islice(paths, MAX_FILES)]
