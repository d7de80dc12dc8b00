"""The model of an MLflow run, read for registration: where it lies, its files, the metadata beside it."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _

from integrations.artifacts import ArtifactFile, Artifacts
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_logged_models import logged_models
from integrations.mlflow_reading import NOT_FOUND
from integrations.mlflow_records import RunRecord
from integrations.mlflow_server import MLflowServer

MODEL_PATH = "model"
METADATA_FOLDER = "metadata"
METADATA_FILE = "model_metadata.json"
METADATA_LIMIT = 1024 * 1024

# Loading such a file unpickles it, which can run any code.
_PICKLES = frozenset({".pkl", ".pickle", ".pth", ".pt", ".ckpt", ".bin", ".joblib", ".dill", ".cloudpickle"})
# What inspections call the same by its content, whatever its name.
_PICKLED = frozenset({"pickle", "torch zip"})
#: Kinds of files that are a model by themselves, the most telling first.
_FORMATS = ("pt2", "torchscript", "safetensors", "onnx", "keras", "hdf5")


def usable_run(server: MLflowServer, run_id: str) -> RunRecord:
    """Return the run as MLflow has it now.

    :raises IntegrationError: permanent if MLflow does not have it, or has it as deleted
    """
    try:
        run = server.run(run_id)
    except MLflowError as error:
        if error.code not in NOT_FOUND:
            raise
        text = _("MLflow has no run %(run)s any more.") % {"run": run_id}
        raise IntegrationError(text, permanent=True) from error
    if run.lifecycle_stage != "active":
        text = _("The run %(run)s is deleted in MLflow. Restore it there, then retry this job.")
        raise IntegrationError(text % {"run": run.name or run_id}, permanent=True)
    return run


def source_of(server: MLflowServer, run: RunRecord) -> str:
    """Return the URI of the run's model: its artifact folder `MODEL_PATH`, else the last model it logged.

    :raises IntegrationError: permanent if the run has no model
    """
    uri = f"runs:/{run.run_id}"
    if Artifacts(server).entries(uri, MODEL_PATH):
        return f"{uri}/{MODEL_PATH}"
    logged = logged_models(server, run.run_id)
    if logged:
        return logged[-1].source
    text = _(
        "The run %(run)s has no model: neither a model that MLflow logged with it, nor artifacts in the "
        "folder %(folder)s."
    )
    raise IntegrationError(text % {"run": run.name or run.run_id, "folder": MODEL_PATH}, permanent=True)


def metadata_text(server: MLflowServer, run_id: str) -> str | None:
    """Return the metadata that was logged with the run, as the text it is; None if there is none.

    :raises IntegrationError: permanent if it is too large or no text
    """
    artifacts, uri = Artifacts(server), f"runs:/{run_id}"
    if all(entry.name != METADATA_FILE for entry in artifacts.entries(uri, METADATA_FOLDER)):
        return None
    content = b""
    for chunk in artifacts.stream(uri, f"{METADATA_FOLDER}/{METADATA_FILE}"):
        content += chunk
        if len(content) > METADATA_LIMIT:
            text = _("%(file)s is larger than %(limit)d bytes.")
            raise IntegrationError(text % {"file": METADATA_FILE, "limit": METADATA_LIMIT}, permanent=True)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        text = _("%(file)s is not UTF-8 text.") % {"file": METADATA_FILE}
        raise IntegrationError(text, permanent=True) from error


def model_format(
    manifest: Sequence[ArtifactFile], inspection: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """Return the format of a model by the names and the content of its files; one pickle is enough.

    :param inspection: see `registry.inspection`; empty if nobody has looked into the files
    :returns: ``pickle``, ``pt2``, another kind of `_FORMATS`, or ``other``
    """
    suffixes = {PurePosixPath(file.path).suffix.lower() for file in manifest}
    kinds = {one["kind"] for one in inspection.get("files", ())}
    if (
        suffixes & _PICKLES
        or kinds & _PICKLED
        or any(one.get("imports") for one in inspection.get("files", ()))
    ):
        return "pickle"
    if ".pt2" in suffixes:
        return "pt2"
    return next((kind for kind in _FORMATS if kind in kinds), "other")
