"""Rules: metadata of a model from what its run left behind. No database, no Django, no I/O.

Projects name things differently, so a fact is looked up under several names, in the order of `CANDIDATES`;
the first name that holds a usable value counts. Nothing is guessed: a fact that stands nowhere is missing,
and `ModelMetadata.missing` names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from registry import run_lineage
from registry.metadata import NONE, MetadataError, ModelMetadata

if TYPE_CHECKING:
    from experiments.models import Run

#: A run has no version yet; registration puts the version that it gets in this place.
UNVERSIONED = "0.0.0-dev"


def _number(value: object) -> float | None:
    """Read a number; MLflow keeps parameters as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _text(value: object) -> str | None:
    # A version such as 3.1 is a number in YAML.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None


@dataclass(frozen=True)
class Candidates:
    """Where a field of the metadata may stand.

    :ivar read: turns a found value into the field's type; None if it cannot be that
    :ivar metrics: names of metrics (measured, so they come before what was asked for)
    :ivar params: names of parameters
    :ivar tags: names of tags of an MLflow run
    """

    read: Callable[[object], Any]
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def _setting(name: str, *others: str) -> tuple[str, ...]:
    """Return the usual places of a training parameter called `name`, or like one of `others`."""
    names = (name, *others)
    return tuple(f"{group}.{name}" for group in ("train", "training") for name in names) + names


CANDIDATES: Mapping[str, Candidates] = {
    "learning_rate": Candidates(
        _number, params=(*_setting("learning_rate", "lr"), "optimizer.learning_rate", "optimizer.lr")
    ),
    "batch_size": Candidates(_whole, params=(*_setting("batch_size"), "data.batch_size")),
    "epochs": Candidates(
        _whole, metrics=("epochs",), params=_setting("epochs", "num_epochs", "n_epochs", "max_epochs")
    ),
    "optimizer": Candidates(_text, params=(*_setting("optimizer"), "optimizer.name", "train.optimizer.name")),
    "scheduler": Candidates(
        _text, params=(*_setting("scheduler", "lr_scheduler"), "scheduler.name", "train.scheduler.name")
    ),
    "weight_decay": Candidates(_number, params=(*_setting("weight_decay"), "optimizer.weight_decay")),
    "train_loss": Candidates(_number, metrics=("train_loss", "training_loss", "train.loss")),
    "val_loss": Candidates(_number, metrics=("val_loss", "validation_loss", "eval_loss", "val.loss")),
    "val_accuracy": Candidates(
        _number, metrics=("val_accuracy", "val_acc", "validation_accuracy", "eval_accuracy", "accuracy")
    ),
    "val_cer": Candidates(_number, metrics=("val_cer", "validation_cer", "cer")),
    "val_wer": Candidates(_number, metrics=("val_wer", "validation_wer", "wer")),
    "dataset_name": Candidates(
        _text, params=("data.name", "dataset.name", "dataset_name", "data.dataset"), tags=("dataset_name",)
    ),
    "dataset_version": Candidates(
        _text,
        params=("data.version", "dataset.version", "dataset_version", "data_version"),
        tags=("dataset_version",),
    ),
    "dataset_hash": Candidates(_text, tags=("dataset_hash",)),
    "train_samples": Candidates(
        _whole, metrics=("train_samples", "n_train"), params=("data.train_samples", "train_samples")
    ),
    "val_samples": Candidates(
        _whole, metrics=("val_samples", "n_val"), params=("data.val_samples", "val_samples")
    ),
    "split_ratio": Candidates(
        _number,
        metrics=("split_ratio",),
        params=(
            "preprocess.split_ratio",
            "data.split_ratio",
            "split.ratio",
            "split_ratio",
            "train.split_ratio",
        ),
    ),
    "model_architecture": Candidates(
        _text,
        params=("model.architecture", *_setting("architecture"), "model.name", "model.type"),
        tags=("model_architecture",),
    ),
    "git_commit": Candidates(_text, tags=("git_commit", "mlflow.source.git.commit")),
    "git_branch": Candidates(_text, tags=("git_branch", "mlflow.source.git.branch")),
    "git_tag": Candidates(_text, tags=("git_tag",)),
}


@dataclass(frozen=True)
class Sources:
    """Where facts are looked for.

    :ivar params: dotted name -> value
    :ivar metrics: name -> last value
    :ivar known: facts that need no search; they come first
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)

    def values(self, candidates: Candidates) -> Iterator[Any]:
        """Return the usable values, the best first."""
        places = ((self.tags, candidates.tags), (self.metrics, candidates.metrics))
        for place, names in (*places, (self.params, candidates.params)):
            for name in names:
                value = candidates.read(place.get(name))
                if value is not None:
                    yield value


def collect(model_name: str, sources: Sources) -> ModelMetadata:
    """Return the metadata that `sources` tell; what they do not tell is unrecorded.

    A value that the metadata do not take (a negative number of epochs) counts as not told.
    """
    facts: dict[str, Any] = {
        name: next(sources.values(candidates), None) for name, candidates in CANDIDATES.items()
    }
    facts |= {name: value for name, value in sources.known.items() if value is not None}
    identity = {"model_name": model_name, "model_version": UNVERSIONED}
    while True:
        try:
            return ModelMetadata.from_facts({**facts, **identity})
        except MetadataError as error:
            if facts.pop(error.field, None) is None:
                raise


def of_job(
    model_name: str, result: Mapping[str, Any], model_info: Mapping[str, Any] | None = None
) -> ModelMetadata:
    """Return the metadata of the model that a pipeline job made.

    :param result: what `experiments.pipeline` left as the job's result
    :param model_info: description that the training wrote beside the model: ``architecture``, ``num_params``,
        ``config``
    """
    info = model_info or {}
    environment = result.get("environment", {})
    known = {
        **_git(result),
        **_environment(environment),
        "model_architecture": _text(info.get("architecture")),
        "num_params": _whole(info.get("num_params")),
        "config_json": _configuration(info.get("config"), result.get("params", {})),
        "dataset_hash": _text(result.get("dataset_hash")),
        "training_duration_seconds": _number(result.get("training_seconds")),
        "created_at": _text(result.get("finished_at")),
    }
    sources = Sources(params=result.get("params", {}), metrics=result.get("metrics", {}), known=known)
    return collect(model_name, sources)


def of_plain_run(run: Run) -> ModelMetadata:
    """Return the metadata of a run that somebody logged with the plain MLflow client, as far as it tells."""
    known: dict[str, Any] = {"created_at": run.ended_at.isoformat() if run.ended_at else None}
    if run.started_at and run.ended_at:
        known["training_duration_seconds"] = (run.ended_at - run.started_at).total_seconds()
    return collect(run.name or run.run_id, Sources(run.params, run.metrics, run_lineage.tags(run), known))


def _git(result: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "git_commit": _text(result.get("sha")),
        "git_branch": _text(result.get("branch")),
        "git_tag": _text(result.get("tag")) or NONE,
    }


def _environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the machine; the probe says `none` for what it looked for and did not find."""
    return {
        "python_version": _text(environment.get("python")),
        "torch_version": _text(environment.get("torch")),
        "cuda_version": _text(environment.get("cuda")),
        "gpu_type": _text(environment.get("gpu")),
        "num_gpus": _whole(environment.get("gpus")),
        "infrastructure": _text(environment.get("machine")),
    }


def _configuration(config: object, params: Mapping[str, Any]) -> str | None:
    """Return the model's configuration as JSON text: its own, else the parameters of the group `model`."""
    if not isinstance(config, Mapping):
        config = {
            key.removeprefix("model."): value for key, value in params.items() if key.startswith("model.")
        }
    return json.dumps(config, sort_keys=True, ensure_ascii=False) if config else None
