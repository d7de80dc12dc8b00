"""What is logged to MLflow of a pipeline's result: files, parameters, points, tags."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.models import Job, Repository
from experiments.pipeline_summary import outputs, place
from experiments.value_text import value_text
from integrations.dvc_files import DEFAULT_PARAMS_FILE, PIPELINE_FILE
from integrations.dvc_locks import LOCK_FILE
from integrations.dvc_records import Pipeline
from integrations.errors import IntegrationError
from integrations.mlflow_limits import checked_name
from integrations.mlflow_records import MetricPoint
from registry import logged_model
from registry.clone_paths import has_linked_parent, is_inside
from registry.metadata import ModelMetadata
from registry.plot_history import Curve, Table, with_finals
from registry.plot_history import curves as read_curves

METADATA_PATH = "metadata/model_metadata.json"
MAX_FILE_BYTES = 50_000_000
MAX_TABLE_BYTES = 10_000_000
MAX_FILES = 1_000


def cached_files(pipeline: Pipeline) -> list[str]:
    """Return the outputs to be fetched for logging: those with the model in them, plots and metrics."""
    found = logged_model.model_of(pipeline)
    wanted = {*_plot_files(pipeline), *_metric_files(pipeline)}
    if found is not None:
        model = found[1]
        makers = [out for stage in pipeline.stages for out in outputs(stage)]
        wanted |= {out for out in makers if model == out or model.startswith(f"{out}/")}
    return sorted(wanted)


def collect_files(clone: Path, pipeline: Pipeline, folder: Path) -> list[str]:
    """Copy what is logged as files into `folder`; return sentences about what is left out.

    Plots are found in ``plots/``, metrics in ``metrics/``, the files of the pipeline in ``pipeline/``. Links
    are left out: a stage may have made them, and they could name any file of this host.
    """
    left_out: list[str] = []
    copied = 0
    for name, top in _wanted(pipeline):
        for path in _below(clone, name):
            problem = _problem(path)
            copied += 1
            if copied > MAX_FILES:
                return [*left_out, f"more than {MAX_FILES} files"]
            relative = path.relative_to(clone).as_posix()
            if problem:
                left_out.append(f"{relative}, which is {problem}")
                continue
            target = folder / top / relative.removeprefix(f"{top}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return left_out


def write_metadata(folder: Path, metadata: ModelMetadata, environment: Mapping[str, Any]) -> None:
    """Write the metadata of the model, and the packages it was made with, into `folder`."""
    target = folder / METADATA_PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(metadata.to_json(), encoding="utf-8")
    text = json.dumps(environment, indent=2, sort_keys=True, ensure_ascii=False)
    target.with_name("environment.json").write_text(text, encoding="utf-8")


def curves(clone: Path, pipeline: Pipeline, metrics: Mapping[str, Any]) -> dict[str, Curve]:
    """Return the metrics by step: the histories among the plots, ended by the final values."""
    tables = []
    plots = [(stage.wdir, plot) for stage in pipeline.stages for plot in stage.plots]
    for wdir, plot in (*plots, *((".", plot) for plot in pipeline.plots)):
        for path, x in {place(wdir, one.path): one.x for one in plot.series}.items():
            tables += [
                Table(file.relative_to(clone).as_posix(), x or "", plot.template, _text(file))
                for file in _below(clone, path)
                if not _problem(file) and file.stat().st_size <= MAX_TABLE_BYTES
            ]
    unique = {table.path: table for table in tables}
    return with_finals(read_curves(unique.values()), {name: float(value) for name, value in metrics.items()})


def points(found: Mapping[str, Curve], milliseconds: int) -> tuple[list[MetricPoint], list[str]]:
    """Return the points to log, and sentences about metrics whose names MLflow refuses.

    :param milliseconds: time of every point: tables do not tell when a row was written
    """
    names, refused = _accepted(found, "metric")
    logged = [MetricPoint(name, value, milliseconds, step) for name in names for step, value in found[name]]
    return logged, refused


def params(found: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the parameters to log as text, and sentences about those whose names MLflow refuses."""
    names, refused = _accepted(found, "parameter")
    return {name: value_text(found[name]) for name in names}, refused


def tags(job: Job, repository: Repository, metadata: ModelMetadata) -> dict[str, str]:
    """Return the tags that say where the run comes from; facts that are not known are left out."""
    result = job.result
    found = {
        "mlflow.user": job.submitted_by_name,
        "mlflow.source.name": repository.name,
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": result["sha"],
        "mlflow.source.git.branch": result["branch"],
        "mlflow.source.git.repoURL": repository.url,
        "mlflow.note.content": result["note"],
        "git_commit": result["sha"],
        "git_branch": result["branch"],
        "git_tag": result["tag"],
        "git_base_commit": result["base_sha"],
        "git_ref": result["ref"],
        "dataset_name": metadata.dataset_name,
        "dataset_version": metadata.dataset_version,
        "dataset_hash": metadata.dataset_hash,
        "dvc_lock_digest": result["lock_digest"],
        "model_architecture": metadata.model_architecture,
        "stagegate.job": str(job.pk),
        "stagegate.sweep": str(job.payload.get("sweep") or ""),
        "stagegate.repository": repository.name,
    }
    return {name: value for name, value in found.items() if value}


def _wanted(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """Yield the paths to log, each with the folder that it goes to."""
    for name in (PIPELINE_FILE, LOCK_FILE, DEFAULT_PARAMS_FILE):
        yield name, "pipeline"
    for name in _plot_files(pipeline):
        yield name, "plots"
    for name in _metric_files(pipeline):
        yield name, "metrics"


def _plot_files(pipeline: Pipeline) -> list[str]:
    staged = [
        place(stage.wdir, one.path)
        for stage in pipeline.stages
        for plot in stage.plots
        for one in plot.series
    ]
    top = [place(".", one.path) for plot in pipeline.plots for one in plot.series]
    return [path for path in dict.fromkeys((*staged, *top)) if is_inside(path)]


def _metric_files(pipeline: Pipeline) -> list[str]:
    staged = [place(stage.wdir, out.path) for stage in pipeline.stages for out in stage.metrics]
    top = [place(".", path) for path in pipeline.metrics]
    return [path for path in dict.fromkeys((*staged, *top)) if is_inside(path)]


def _below(clone: Path, name: str) -> list[Path]:
    """Return the files at and below a path of the clone; links are files here, and not followed."""
    path = clone / name
    if has_linked_parent(clone, path):
        return []
    if path.is_dir() and not path.is_symlink():
        return sorted(one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
    return [path] if path.exists() or path.is_symlink() else []


def _problem(path: Path) -> str:
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        return "no regular file"
    return f"larger than {MAX_FILE_BYTES // 1_000_000} MB" if facts.st_size > MAX_FILE_BYTES else ""


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").removeprefix("\ufeff")


def _accepted(found: Mapping[str, Any], kind: str) -> tuple[list[str], list[str]]:
    names: list[str] = []
    refused: list[str] = []
    for name in found:
        try:
            names.append(checked_name(name, kind))
        except IntegrationError as error:
            refused.append(error.message)
    return names, refused
