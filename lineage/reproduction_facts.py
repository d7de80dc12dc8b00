"""What a reproduction compares: what was recorded of a version, and what is in the clone afterwards."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments import pipeline_facts
from experiments.pipeline_summary import MAX_STAGES, in_running_order, outputs, place, uncached
from experiments.stored_text import text
from integrations.dvc_records import Lock, Pipeline
from integrations.environment_probe import Environment
from lineage import registered_files
from lineage.rebuilt import State, Tolerance, compare_environments, compare_texts
from lineage.recorded_metrics import RecordedMetrics
from lineage.reproduction_clone import RebuildClone
from registry import version_sources
from registry.clone_paths import has_linked_parent, is_inside
from registry.models import ModelVersion
from registry.version_facts import KEY_METRICS, metadata_of

FORMAT = "stagegate reproduction report 1"
MAX_TEXT_BYTES = 5_000_000
MAX_ROWS = 5_000
_MEASURED = (*KEY_METRICS, "train_loss")
#: Name of the metadata's field -> name in `Environment`.
_ENVIRONMENT = {
    "python_version": "python",
    "torch_version": "torch",
    "cuda_version": "cuda",
    "gpu_type": "gpu",
    "num_gpus": "gpus",
}


def about(version: ModelVersion) -> dict[str, Any]:
    """Return what a report says of the version that it is about."""
    told = version.lineage
    return {
        "format": FORMAT,
        "model": version.model.name,
        "version": version.version,
        "manifest_digest": version.manifest_digest,
        "run_id": version.run_id,
        "repository": str(told.get("stagegate.repository") or ""),
        "commit": version.commit,
        "dvc_lock_sha256": str(told.get("dvc_lock_digest") or ""),
    }


@dataclass(frozen=True)
class Recorded:
    """What there was before anything was run.

    :ivar texts: those that Git keeps, by path
    :ivar manifest: the registered files
    :ivar origins: where their bytes were found, by SHA-256
    """

    metrics: RecordedMetrics
    texts: dict[str, str]
    manifest: list[dict[str, Any]]
    origins: dict[str, registered_files.Origin]

    @classmethod
    def read(cls, clone: RebuildClone, pipeline: Pipeline, lock: Lock, version: ModelVersion) -> Recorded:
        """Read it from the fresh clone and from the version."""
        kept = [path for stage in pipeline.stages for path in uncached(stage)]
        cached = [
            place(stage.wdir, one.path) for stage in pipeline.stages for one in stage.metrics if one.cache
        ]
        wanted = registered_files.recorded_outputs(pipeline, lock, version.manifest)
        with clone.recorded(dict.fromkeys((*cached, *wanted))):
            metrics = _metrics(clone, pipeline)
            origins = registered_files.origins_before(clone, pipeline, lock, version.manifest)
        job = version_sources.job_of(version)
        if not metrics and job is not None:
            metrics = dict(job.result.get("metrics") or {})
        texts = {path: content for path in kept if (content := _text_of(clone.path, path)) is not None}
        run = version_sources.runs_of(version).get(version.run_id)
        metadata = metadata_of(version)
        told = {
            name: float(getattr(metadata, name))
            for name in _MEASURED
            if metadata is not None and metadata.is_recorded(name)
        }
        recorded = RecordedMetrics(metrics, run.metrics if run else {}, told, KEY_METRICS)
        return cls(recorded, texts, version.manifest, origins)


def remove_outputs(clone: RebuildClone, pipeline: Pipeline) -> None:
    """Remove the outputs that came with the commit: what is there afterwards was made."""
    for stage in pipeline.stages:
        for path in outputs(stage):
            _remove(clone.path, path)


def environment(version: ModelVersion, now: Environment) -> dict[str, Any]:
    """Return the environment that was recorded, the one that is there now, and what differs."""
    job = version_sources.job_of(version)
    recorded: dict[str, Any] = dict((job.result.get("environment") if job else None) or {})
    if not recorded:
        metadata = metadata_of(version)
        recorded = {
            ours: getattr(metadata, field)
            for field, ours in _ENVIRONMENT.items()
            if metadata is not None and metadata.is_recorded(field)
        }
    rebuilt = asdict(now)
    shown = {name: value for name, value in rebuilt.items() if name != "packages"}
    return {
        "recorded": {name: value for name, value in recorded.items() if name != "packages"},
        "rebuilt": shown | {"packages": now.packages},
        "differences": compare_environments(recorded, rebuilt),
    }


def compare(
    clone: RebuildClone, pipeline: Pipeline, lock: Lock, before: Recorded, tolerance: Tolerance
) -> dict[str, Any]:
    """Return the rows of files, of metrics, and of where the registered files come from."""
    return {
        "files": _files(clone, pipeline, lock, before, tolerance)[:MAX_ROWS],
        "metrics": before.metrics.rows(_metrics(clone, pipeline), tolerance)[:MAX_ROWS],
        "registered": registered_files.rows(clone, pipeline, lock, before.manifest, before.origins)[
            :MAX_ROWS
        ],
    }


def _files(
    clone: RebuildClone, pipeline: Pipeline, lock: Lock, before: Recorded, tolerance: Tolerance
) -> list[dict[str, Any]]:
    wrong = {(one.stage, one.path): one for one in clone.mismatches(pipeline, lock, deps=False)}
    folders = {stage.name: stage.wdir for stage in pipeline.stages}
    rows = []
    for name, stage in lock.stages.items():
        for out in stage.outs:
            path = place(folders.get(name, "."), out.path)
            found = wrong.get((name, path))
            state, difference = State.IDENTICAL, None
            if found is not None:
                state = State.MISSING if found.kind == "missing" else State.DIFFERENT
            if state == State.DIFFERENT and path in before.texts:
                now = _text_of(clone.path, path)
                state, difference = compare_texts(before.texts[path], now or "", tolerance)
            rows.append(
                {
                    "stage": text(name),
                    "path": text(path),
                    "recorded": out.md5 or "",
                    "rebuilt": (out.md5 or "") if found is None else found.found,
                    "difference": difference,
                    "state": state.value,
                }
            )
    return rows


def _metrics(clone: RebuildClone, pipeline: Pipeline) -> dict[str, Any]:
    order = [path for stage in in_running_order(pipeline.stages[:MAX_STAGES]) for path in outputs(stage)]
    return pipeline_facts.flat_metrics(clone.metrics(), order)


def _text_of(root: Path, path: str) -> str | None:
    """Return the content of a text file of the clone; None for anything else: stages may be hostile."""
    file = root / path
    if not is_inside(path) or file.is_symlink() or has_linked_parent(root, file) or not file.is_file():
        return None
    if file.stat().st_size > MAX_TEXT_BYTES:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _remove(root: Path, path: str) -> None:
    target = root / path
    if not is_inside(path) or has_linked_parent(root, target):
        return
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
    else:
        target.unlink(missing_ok=True)
