"""Fetches the files of a model and has them looked through; for workers only."""

import os
import shutil
from pathlib import Path
from typing import Any

from experiments.job_context import JobContext
from integrations.artifacts import ArtifactFile, Artifacts
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from integrations.model_inspection import Inspection, inspect_files, not_inspected

#: Larger models are hashed where they lie, but not fetched; they count as not looked through.
MAX_BYTES = 50 * 1024**3
#: Left free on the worker's disk.
RESERVE = 1024**3


def fetch(
    server: MLflowServer, source: str, context: JobContext
) -> tuple[tuple[ArtifactFile, ...], Path | None]:
    """Return the manifest of a model, and the folder with its files; None if they are too large for one.

    :raises IntegrationError: temporary: they cannot be reached; permanent: there are none, or their names are
        unusable
    """
    artifacts, folder = Artifacts(server), context.workspace / "artifacts"
    room = min(MAX_BYTES, shutil.disk_usage(context.workspace).free - RESERVE)
    try:
        return artifacts.download(source, folder, max_bytes=room, between=context.check), folder
    except IntegrationError as error:
        if not error.permanent:
            raise
    except OSError as error:  # the disk is full, or two names do not fit into one folder
        context.log(f"The files cannot be fetched ({type(error).__name__}); they are hashed where they lie.")
    shutil.rmtree(folder, ignore_errors=True)
    # Too large, or unreadable for good, which this says once more.
    return artifacts.manifest(source, between=context.check), None


def look_through(
    manifest: tuple[ArtifactFile, ...], folder: Path | None, context: JobContext
) -> dict[str, Any]:
    """Return what the files are, as `ModelVersion.inspection` keeps it; log what is suspicious.

    :raises Stopped: the job should stop
    """
    paths = [file.path for file in manifest]
    if folder is None:
        size = sum(file.size for file in manifest)
        error = f"The files ({size:,} bytes) are too large to be looked through."
        found = not_inspected(paths, [file.size for file in manifest], error)
    else:
        scratch = context.workspace / "inspection"
        scratch.mkdir(exist_ok=True)
        found = inspect_files(folder, paths, scratch, env=os.environ, should_stop=context.should_stop)
        context.check()  # a stopped one says nothing about the files
    _log(found, context)
    return found.to_dict()


def _log(found: Inspection, context: JobContext) -> None:
    context.log(f"Looked through by {found.scanner}; nothing was unpickled.")
    if found.error:
        context.log(f"WARNING: {found.error}")
    for one in found.files:
        if one["suspicions"]:
            shown = "; ".join(one["suspicions"][:8])
            context.log(f"WARNING: {one['path']} ({one['kind']}): {shown}")
    if found.clean:
        context.log("Nothing in the files could run code.")
