"""Runner of kind `register`: read the run, hash and inspect its model, take the version, have MLflow follow.

Idempotent: the row is the first thing that is written and belongs to one run; MLflow's version carries our
key as a tag. Each step looks for what an earlier attempt left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.job_context import JobContext
from experiments.models import Run
from experiments.runners import FollowUp, Outcome
from integrations.artifacts import ArtifactFile
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry import inspection_files, run_model, version_in_mlflow, version_rows
from registry.metadata import MetadataError, ModelMetadata
from registry.models import ModelVersion
from registry.run_metadata import of_plain_run
from registry.stages import Stage
from registry.version_rows import Contents

_READ, _HASH, _INSPECT = "read run", "hash files", "inspect files"
_RECORD, _MIRROR = "record version", "create in MLflow"


def run(context: JobContext) -> Outcome:
    """Register the version that the payload asks for.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if the run is gone, has no
        model or unusable metadata, or the version belongs to another run
    """
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    version = version_rows.existing(context.payload)
    if version is None:
        version = _record(context, server)
    else:
        context.log(f"{version} is recorded already; what is left to do is MLflow's version.")
        for step in (_READ, _HASH, _INSPECT, _RECORD):
            context.step(step, "skipped")
    try:
        with _step(context, _MIRROR):
            version = version_in_mlflow.ensure(context, server, version)
    except IntegrationError as error:
        if error.permanent:
            version_rows.note_problem(context, version, error.message)
        raise
    context.log(f"{version} is registered; MLflow calls it version {version.mlflow_version}.")
    name, number = version.model.name, version.mlflow_version
    result = {"model": name, "version": version.version, "mlflow_version": number}
    if version.stage == Stage.DEVELOPMENT:
        return Outcome(result)
    # Promoted before MLflow had it, so that promotion could not be applied yet.
    return Outcome(result, (FollowUp("apply", {"model": name, "promotion": None}),))


def _record(context: JobContext, server: MLflowServer) -> ModelVersion:
    asked = context.payload
    with _step(context, _READ):
        there = run_model.usable_run(server, asked["run_id"])
        source = run_model.source_of(server, there)
        context.log(f"The model of run {there.name or there.run_id} is {source}.")
        metadata = _metadata(context, server)
    with _step(context, _HASH):
        manifest, folder = inspection_files.fetch(server, source, context)
        context.log(f"{len(manifest)} files, {sum(file.size for file in manifest):,} bytes:")
        context.log(_listing(manifest))
    with _step(context, _INSPECT):
        inspection = inspection_files.look_through(manifest, folder, context)
        model_format = run_model.model_format(manifest, inspection)
        if model_format == "pickle":
            context.log("WARNING: the model is pickled. Loading it runs code, so it needs a permission.")
    with _step(context, _RECORD):
        contents = Contents(source, manifest, metadata, inspection, model_format)
        return version_rows.create(context, contents)


def _metadata(context: JobContext, server: MLflowServer) -> ModelMetadata:
    """Return the metadata logged with the run, under the name and version that it gets here.

    A run logged with the plain `mlflow` client has no such file; what its parameters, metrics and tags say is
    collected instead, and the rest is missing by name.
    """
    asked = context.payload
    text = run_model.metadata_text(server, asked["run_id"])
    try:
        metadata = of_plain_run(_mirrored(asked)) if text is None else ModelMetadata.from_json(text)
        metadata.model_name, metadata.model_version = asked["model"], asked["version"]
        metadata.stage = Stage.DEVELOPMENT.metadata_name
    except MetadataError as error:
        explanation = _("The metadata of this run (%(file)s) are not valid: %(error)s.")
        facts = {"file": run_model.METADATA_FILE, "error": error}
        raise IntegrationError(explanation % facts, permanent=True) from error
    origin = run_model.METADATA_FILE if text is not None else "parameters, metrics and tags of the run"
    context.log(f"The metadata come from {origin}.")
    missing = [name for names in metadata.missing().values() for name in names]
    if missing:
        context.log(f"Not recorded: {', '.join(missing)}")
    return metadata


def _mirrored(asked: dict[str, Any]) -> Run:
    run = Run.objects.filter(run_id=asked["run_id"]).first()
    if run is None:
        text = _("The run %(run)s is not mirrored here.") % {"run": asked["run_id"]}
        raise IntegrationError(text, permanent=True)
    return run


def _listing(manifest: tuple[ArtifactFile, ...], limit: int = 50) -> str:
    lines = [f"{file.sha256[:12]} {file.size:>14,} {file.path}" for file in manifest[:limit]]
    if len(manifest) > limit:
        lines.append(f"and {len(manifest) - limit} more")
    return "\n".join(lines)


@contextmanager
def _step(context: JobContext, name: str) -> Iterator[None]:
    # Once the row is there, the job is not cancelled between two steps: MLflow is one second away.
    if name in (_READ, _HASH, _INSPECT):
        context.check()
    context.step(name, "running")
    yield
    context.step(name, "done")
