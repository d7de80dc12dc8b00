"""`MLflowModelManager`: log a training run, register its model, promote it, load it again.

For training scripts and CI; needs no Django settings. Nothing process-wide is changed: neither
MLflow's current experiment nor its tracking URI, so plain `mlflow` calls beside it are unaffected.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from integrations.artifacts import Artifacts
from integrations.errors import IntegrationError
from integrations.mlflow_records import MODEL_FORMAT_TAG, SEMVER_TAGS, MetricPoint, ModelVersionRecord
from integrations.mlflow_registering import STAGES
from integrations.mlflow_server import MLflowServer
from integrations.model_loading import load_pytorch
from integrations.stagegate_client import PromotionRequest, StagegateClient

if TYPE_CHECKING:
    import numpy as np
    import torch

DEFAULT_TRACKING_URI = "http://localhost:5000"
METADATA_FILE = "model_metadata.json"
#: How long a promotion waits for the product to adopt a version that was registered in MLflow.
ADOPTION_SECONDS = 60.0

logger = logging.getLogger(__name__)


class TrainingMetadata(Protocol):
    """What the manager needs of a model's metadata; `registry.metadata.ModelMetadata` has it."""

    model_version: str
    model_architecture: str
    dataset_version: str
    git_commit: str
    stage: str

    def to_json(self) -> str:
        """The whole metadata as JSON."""
        ...


class MLflowModelManager:
    """Versions of models in MLflow.

    Parameters
    ----------
    experiment_name:
        Experiment of the runs; created if missing, with the server's own artifact location.
    tracking_uri:
        Address of the MLflow server; by default `MLFLOW_TRACKING_URI`, else `http://localhost:5000`.
    allow_pickle:
        Whether loading may unpickle, which runs code of the model. `None`: only if the environment
        variable `MLFLOW_ALLOW_PICKLE_DESERIALIZATION` is set to true. Each load may say otherwise.
    timeout:
        Seconds one call to the server may take.
    stagegate_url, stagegate_token:
        The product that decides about stages, and a token made on its settings page; by default
        `STAGEGATE_URL` and `STAGEGATE_TOKEN`. With an address, promotions are asked for there.

    Everywhere, a version is MLflow's number (`3` or `"3"`) or a semantic version (`"1.2.0"`), which is
    looked up among the versions' tags `model_version` and `semver`. Errors are `IntegrationError`.
    """

    def __init__(
        self,
        experiment_name: str,
        tracking_uri: str | None = None,
        *,
        allow_pickle: bool | None = None,
        timeout: float = 5.0,
        stagegate_url: str | None = None,
        stagegate_token: str | None = None,
    ) -> None:
        address = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI
        self.experiment_name = experiment_name
        self.server = MLflowServer(address, timeout=timeout)
        self.allow_pickle = allow_pickle
        self.product = _product(stagegate_url, stagegate_token)
        self.server.find_or_create_experiment(experiment_name)

    def log_training_run(
        self,
        model: torch.nn.Module,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        metadata: TrainingMetadata,
        model_name: str,
        artifacts: Mapping[str, str] | None = None,
        *,
        input_example: np.ndarray[Any, Any] | torch.Tensor | None = None,
    ) -> str:
        """Record a training run with its model and register the model as a new version.

        Parameters
        ----------
        model:
            The trained network.
        params, metrics:
            Hyper-parameters and final metrics by name.
        metadata:
            Written as `metadata/model_metadata.json`; some of it also as tags of run and version.
        model_name:
            Registered model that gets the version.
        artifacts:
            Further files or folders: name of the artifact folder -> path on this machine.
        input_example:
            One batch of input. With it the model is saved as a `pt2` archive, in evaluation mode; the
            batch size stays variable if the example holds at least two items. Without it the model
            is pickled, which the tag `stagegate.model_format` of run and version says.

        Returns the MLflow run id. If anything fails, the run is marked FAILED and the error raised.
        """
        model_format = "pickle" if input_example is None else "pt2"
        tags = {
            "model_version": metadata.model_version,
            "git_commit": metadata.git_commit,
            "dataset_version": metadata.dataset_version,
            "model_architecture": metadata.model_architecture,
            MODEL_FORMAT_TAG: model_format,
        }
        key = f"training:{uuid.uuid4().hex}"
        run_id = self._start_run(key, f"{model_name}-{metadata.model_version}", tags, metadata.stage)
        with self._finishing(run_id), tempfile.TemporaryDirectory() as scratch:
            self.server.log_params(run_id, params)
            now = _now()
            self.server.log_metrics(
                run_id, [MetricPoint(name, float(value), now) for name, value in metrics.items()]
            )
            (Path(scratch) / METADATA_FILE).write_text(metadata.to_json(), encoding="utf-8")
            self.server.log_artifact(run_id, Path(scratch) / METADATA_FILE, "metadata")
            for name, path in (artifacts or {}).items():
                self._log_artifact(run_id, Path(path), name)
            folder = Path(scratch) / "model"
            _save(model, folder, run_id, input_example)
            self.server.log_artifacts(run_id, folder, "model")
            version = self.server.find_or_create_model_version(
                model_name, key=key, run_id=run_id, source=f"runs:/{run_id}/model", tags=tags
            )
        logger.info("logged run %s as %s version %d", run_id, model_name, version.version)
        return run_id

    def promote_model(
        self, model_name: str, version: int | str, stage: str, *, comment: str = ""
    ) -> ModelVersionRecord | PromotionRequest:
        """Move a version to a stage, or ask the product for it where one is configured.

        Parameters
        ----------
        stage:
            `Staging`, `Production`, `Archived` or `None`; anything else is a `ValueError`. Production
            archives the version that was there. The alias `champion` follows Production, and
            `challenger` follows Staging.
        comment:
            Why, for the reviewers; only the product keeps it.

        Without a product, returns the version as MLflow holds it afterwards. With one nothing changes
        in MLflow yet: returns the request, whose `state` is `open` until people have approved it and
        whose `url` is the page where they do. What the product refuses is a permanent
        `IntegrationError` with its reason. A version that was registered a moment ago is waited for.
        """
        if stage not in STAGES:
            raise ValueError(f"{stage!r} is not a stage; the stages are {', '.join(STAGES)}")
        if self.product is not None:
            asked = self.product.open_promotion(
                model_name, version, stage, comment=comment, patience=ADOPTION_SECONDS
            )
            logger.info("%s", asked)
            return asked
        found = self._version(model_name, version)
        promoted = self.server.mirror_stage(model_name, found.version, stage)
        logger.info("%s version %d is in %s", model_name, found.version, stage)
        return promoted

    def load_production_model(self, model_name: str, *, allow_pickle: bool | None = None) -> torch.nn.Module:
        """Load the version in Production: the champion, or else the newest there.

        `allow_pickle` overrides the manager's for this call. Raises a permanent `IntegrationError`
        when there is no such version, or when loading it could run code and that is not allowed.
        """
        versions = [one for one in self.server.model_versions(model_name) if one.stage == "Production"]
        if not versions:
            raise IntegrationError(f"{model_name} has no version in Production.", permanent=True)
        chosen = max(versions, key=lambda one: ("champion" in one.aliases, one.version))
        return self._load(chosen, allow_pickle)

    def load_model_by_version(
        self, model_name: str, version: int | str, *, allow_pickle: bool | None = None
    ) -> torch.nn.Module:
        """Load one version; errors as in `load_production_model`."""
        return self._load(self._version(model_name, version), allow_pickle)

    def compare_runs(self, run_ids: list[str]) -> list[dict[str, Any]]:
        """Parameters, latest metrics and tags of runs, in the order asked for."""
        runs = [self.server.run(run_id) for run_id in run_ids]
        return [
            {
                "run_id": run.run_id,
                "params": dict(run.params),
                "metrics": run.metrics,
                "tags": dict(run.tags),
            }
            for run in runs
        ]

    def get_latest_versions(self, model_name: str) -> list[dict[str, Any]]:
        """The newest version of each stage: numbers, stage, run, status and aliases."""
        return [
            {
                "version": one.version,
                "model_version": _semantic_version(one),
                "stage": one.stage,
                "run_id": one.run_id,
                "status": one.status,
                "aliases": list(one.aliases),
            }
            for one in self.server.latest_versions(model_name)
        ]

    def _start_run(self, key: str, name: str, tags: Mapping[str, str], stage: str) -> str:
        user = {}
        with contextlib.suppress(OSError, KeyError):
            user = {"mlflow.user": getpass.getuser()}
        run = self.server.find_or_create_run(
            self.experiment_name, key=key, name=name, start_time=_now(), tags={**user, **tags, "stage": stage}
        )
        return run.run_id

    @contextlib.contextmanager
    def _finishing(self, run_id: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(IntegrationError):
                self.server.finish_run(run_id, "FAILED", _now())
            raise
        self.server.finish_run(run_id, "FINISHED", _now())

    def _log_artifact(self, run_id: str, path: Path, name: str) -> None:
        if path.is_dir():
            self.server.log_artifacts(run_id, path, name)
        else:
            self.server.log_artifact(run_id, path, name)

    def _version(self, model_name: str, version: int | str) -> ModelVersionRecord:
        if isinstance(version, int) or version.isdecimal():
            return self.server.model_version(model_name, int(version))
        found = [one for one in self.server.model_versions(model_name) if _semantic_version(one) == version]
        if len(found) > 1:
            numbers = ", ".join(str(one.version) for one in found)
            raise IntegrationError(
                f"{model_name} {version} is ambiguous: MLflow versions {numbers}. Use the number.",
                permanent=True,
            )
        if not found:
            raise IntegrationError(f"{model_name} has no version {version}.", permanent=True)
        return found[0]

    def _load(self, version: ModelVersionRecord, allow_pickle: bool | None) -> torch.nn.Module:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            Artifacts(self.server).download(f"models:/{version.name}/{version.version}", folder)
            return load_pytorch(
                folder, allow_pickle=self.allow_pickle if allow_pickle is None else allow_pickle
            )


def _product(url: str | None, token: str | None) -> StagegateClient | None:
    address = url or os.environ.get("STAGEGATE_URL")
    if not address:
        return None
    secret = token or os.environ.get("STAGEGATE_TOKEN")
    if not secret:
        raise IntegrationError(
            "STAGEGATE_URL is set, but no token: make one on the product's settings page and set "
            "STAGEGATE_TOKEN.",
            permanent=True,
        )
    return StagegateClient(address, secret)


def _semantic_version(version: ModelVersionRecord) -> str:
    return next((version.tags[tag] for tag in SEMVER_TAGS if version.tags.get(tag)), "")


def _save(model: torch.nn.Module, folder: Path, run_id: str, input_example: Any) -> None:
    import mlflow.pytorch
    from mlflow.models import Model

    common = {
        "mlflow_model": Model(artifact_path="model", run_id=run_id),
        # named here, because MLflow would otherwise load the model in another process to find out
        "pip_requirements": mlflow.pytorch.get_default_pip_requirements(),
    }
    if input_example is None:
        mlflow.pytorch.save_model(model, str(folder), serialization_format="pickle", **common)
        return
    # MLflow infers the signature, which pt2 needs, from arrays only
    example = input_example.detach().cpu().numpy() if hasattr(input_example, "detach") else input_example
    with _evaluating(model):
        mlflow.pytorch.save_model(
            model, str(folder), serialization_format="pt2", input_example=example, **common
        )


@contextlib.contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """An archive keeps the mode it was exported in for ever, dropout included."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _now() -> int:
    return int(time.time() * 1000)
