"""Where the registered files of a version come from, told by their bytes before and after the stages ran.

A registered file is shown to be the pipeline's if a stage makes the same bytes again, or made them when
`dvc.lock` recorded it. What MLflow writes around a model is known by its name; everything else has to be a
file of the commit or of its data.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.pipeline_summary import place
from experiments.stored_text import text
from integrations.dvc_records import Lock, LockedFile, Pipeline
from integrations.dvc_verification import NEVER_HASHED
from lineage.rebuilt import Source
from lineage.reproduction_clone import RebuildClone

#: What MLflow and `integrations.model_packager` write beside a model; it carries none.
_PACKAGING = frozenset(
    {
        *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "registered_model_meta"),
        *("input_example.json", "input_example.npy", "serving_input_example.json"),
        "data/pickle_module_info.txt",
    }
)
# A folder that is larger, against all that was registered, is data on the way rather than a model.
_LARGER = 4


class Origin(NamedTuple):
    """Where bytes were found: before or after the stages ran, and at which path of the repository."""

    source: Source
    path: str


def recorded_outputs(pipeline: Pipeline, lock: Lock, manifest: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the recorded outputs, or files in them, that may have been registered."""
    sizes = {int(one["size"]) for one in manifest}
    models = [place(".", one.path) for one in pipeline.artifacts.values() if one.type == "model"]
    wanted: list[str] = []
    for path, out in _outputs(pipeline, lock).items():
        inside = [model for model in models if _is_in(model, path)]
        fits = out.size in sizes if out.nfiles is None else (out.size or 0) <= _LARGER * sum(sizes)
        wanted += inside or ([path] if fits else [])
    return list(dict.fromkeys(wanted))


def origins_before(
    clone: RebuildClone, pipeline: Pipeline, lock: Lock, manifest: Sequence[Mapping[str, Any]]
) -> dict[str, Origin]:
    """Return SHA-256 -> where the bytes of registered files are now: a recorded output, or the commit."""
    outs = _outputs(pipeline, lock)
    found: dict[str, Origin] = {}
    for sha256, path in _hashed(clone, manifest):
        makers = [(out, locked.md5 or "") for out, locked in outs.items() if _is_in(path, out)]
        if not makers:
            found.setdefault(sha256, Origin(Source.INPUT, path))
        elif any(clone.is_recorded(path, out, md5) for out, md5 in makers):
            found[sha256] = Origin(Source.RECORDED, path)
    return found


def rows(
    clone: RebuildClone,
    pipeline: Pipeline,
    lock: Lock,
    manifest: Sequence[Mapping[str, Any]],
    before: Mapping[str, Origin],
) -> list[dict[str, str]]:
    """Return a row for every registered file: path, hash, source, and the path in the repository."""
    outs = _outputs(pipeline, lock)
    made = {
        sha256: Origin(Source.OUTPUT, path)
        for sha256, path in _hashed(clone, manifest)
        if any(_is_in(path, out) for out in outs)
    }
    return [_row(one, made.get(one["sha256"]) or before.get(one["sha256"])) for one in manifest]


def _row(file: Mapping[str, Any], found: Origin | None) -> dict[str, str]:
    if found is None or not file["size"]:
        known = file["path"] in _PACKAGING or not file["size"]
        found = Origin(Source.PACKAGING if known else Source.UNKNOWN, "")
    origin = {"source": found.source.value, "from": text(found.path)}
    return {"path": file["path"], "sha256": file["sha256"], **origin}


def _outputs(pipeline: Pipeline, lock: Lock) -> dict[str, LockedFile]:
    folders = {stage.name: stage.wdir for stage in pipeline.stages}
    return {
        place(folders.get(name, "."), out.path): out
        for name, stage in lock.stages.items()
        for out in stage.outs
    }


def _hashed(clone: RebuildClone, manifest: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield SHA-256 and path of the files of the clone that are as large as a registered one."""
    wanted = {one["sha256"] for one in manifest}
    for file in _files(clone.path, {int(one["size"]) for one in manifest}):
        clone.context.check()
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 in wanted:
            yield sha256, file.relative_to(clone.path).as_posix()


def _files(root: Path, sizes: Collection[int]) -> Iterator[Path]:
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(folder for folder in folders if folder not in NEVER_HASHED)
        for file in (Path(parent, name) for name in sorted(names)):
            if not file.is_symlink() and file.is_file() and file.stat().st_size in sizes:
                yield file


def _is_in(path: str, out: str) -> bool:
    return path == out or path.startswith(f"{out}/")
