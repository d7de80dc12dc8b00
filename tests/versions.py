"""Factories of runs, models and versions for tests."""

from itertools import count
from typing import Any

from django.utils import timezone

from experiments.mirror_values import as_number, data_key
from experiments.models import Experiment, Run, RunInput, RunMetric, RunParam, RunTag
from experiments.run_columns import number_of
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, RegisteredModel
from registry.semver import MLModelVersion

_numbers = count(1)


def make_run(**changes: Any) -> Run:
    """Create a finished run of the experiment "receipt-ocr" as the mirror would hold it."""
    number = next(_numbers)
    experiment, _ = Experiment.objects.get_or_create(experiment_id="1", defaults={"name": "receipt-ocr"})
    columns: dict[str, Any] = {
        "run_id": f"{number:032x}",
        "experiment": experiment,
        "name": f"run-{number}",
        "status": "FINISHED",
        "started_at": timezone.now(),
        "ended_at": timezone.now(),
        "artifact_uri": f"mlflow-artifacts:/1/{number:032x}/artifacts",
        "params": {"train.learning_rate": "0.003", "train.architecture": "CRNN"},
        "metrics": {"val_cer": 0.012, "val_accuracy": 0.95},
        "tags": {"model_architecture": "CRNN", "dataset_hash": "d" * 32, "git_commit": "c" * 40},
        "digest": "0" * 64,
        "seen_at": timezone.now(),
    }
    columns |= changes
    if columns["started_at"] and columns["ended_at"]:
        columns.setdefault(
            "duration", round((columns["ended_at"] - columns["started_at"]).total_seconds() * 1000)
        )
    run = Run.objects.create(**columns)
    _fill_narrow_tables(run)
    return run


def _fill_narrow_tables(run: Run) -> None:
    """Write what filters and sorting read, as the mirror does."""
    for key, value in run.metrics.items():
        number = number_of(value)
        finite = number is not None and abs(number) < float("inf")
        RunMetric.objects.create(run=run, key=key, value=number if finite else None)
    for key, value in run.params.items():
        RunParam.objects.create(run=run, key=key, value=str(value)[:250], number=as_number(str(value)))
    for key, value in run.tags.items():
        RunTag.objects.create(run=run, key=key, value=str(value)[:250])
    for one in run.inputs:
        RunInput.objects.create(run=run, key=data_key(one["name"], one["digest"]), value=one["name"])


def make_model(name: str = "receipt-ocr") -> RegisteredModel:
    """Create or get a registered model."""
    defaults = {"created_at": timezone.now(), "created_by": "engineer"}
    return RegisteredModel.objects.get_or_create(name=name, defaults=defaults)[0]


def make_version(number: str = "1.0.0", *, model: str = "receipt-ocr", **changes: Any) -> ModelVersion:
    """Create a version with complete enough metadata."""
    key = MLModelVersion(number).sort_key
    metadata = ModelMetadata(
        model_name=model,
        model_version=number,
        model_architecture="CRNN",
        learning_rate=0.003,
        batch_size=64,
        epochs=8,
        optimizer="AdamW",
        val_cer=0.012,
        dataset_hash="d" * 32,
        git_commit="c" * 40,
    )
    columns = {
        "model": make_model(model),
        "version": number,
        "major": key.major,
        "minor": key.minor,
        "patch": key.patch,
        "pre_key": key.pre_key.encode("ascii"),
        "stage_since": timezone.now(),
        # As long as its column is.
        "key": f"{model[:60]}:{number}:{next(_numbers)}",
        "run_id": changes["run_id"] if "run_id" in changes else make_run().run_id,
        "source": "runs:/0/model",
        "mlflow_version": next(_numbers),
        "metadata": metadata.to_dict(),
        "fingerprint": metadata.compute_fingerprint(),
        "manifest": [{"path": "MLmodel", "size": 10, "sha256": "a" * 64}],
        "manifest_digest": "b" * 64,
        "model_format": "pt2",
        "facts": {
            "architecture": "CRNN",
            "datasets": {"data": "d" * 32},
            "params": {"train.learning_rate": "0.003"},
        },
        "bump_reasons": ["first version of the model"],
        "created_at": timezone.now(),
        "created_by": "engineer",
    }
    return ModelVersion.objects.create(**{**columns, **changes})
