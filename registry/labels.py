"""The registry's fixed words in the reader's language: stages, states, verdicts, bumps, metadata fields.

The rules (`stages`, `metadata_categories`, `bump`) know no Django and name things in English; what they store
stays English. Pages and messages translate here, when they show it.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from experiments import sentences
from registry import gates

_STAGES: Mapping[str, Promise] = {
    "Development": pgettext_lazy("stage", "Development"),
    "Staging": pgettext_lazy("stage", "Staging"),
    "Production": pgettext_lazy("stage", "Production"),
    "Archived": pgettext_lazy("stage", "Archived"),
}

_PROMOTION_STATES: Mapping[str, Promise] = {
    "open": pgettext_lazy("promotion", "Waiting for review"),
    "approved": pgettext_lazy("promotion", "Approved"),
    "applied": pgettext_lazy("promotion", "Applied"),
    "changes_requested": pgettext_lazy("promotion", "Changes requested"),
    "rejected": pgettext_lazy("promotion", "Rejected"),
    "withdrawn": pgettext_lazy("promotion", "Withdrawn"),
    "expired": pgettext_lazy("promotion", "Expired"),
}

_MOVES: Mapping[str, Promise] = {
    "promotion": pgettext_lazy("move", "promotion"),
    "replacement": pgettext_lazy("move", "replaced"),
    "rollback": pgettext_lazy("move", "rollback"),
    "bypass": pgettext_lazy("move", "emergency bypass"),
    "import": pgettext_lazy("move", "found in MLflow"),
    "retirement": pgettext_lazy("move", "retired"),
}

_VERDICTS: Mapping[str, Promise] = {
    "approve": _("approved"),
    "request_changes": _("requested changes"),
    "reject": _("rejected"),
}

_BUMPS: Mapping[str, Promise] = {
    "major": pgettext_lazy("bump", "major"),
    "minor": pgettext_lazy("bump", "minor"),
    "patch": pgettext_lazy("bump", "patch"),
}

_CATEGORIES: Mapping[str, Promise] = {
    "training": _("Training configuration"),
    "metrics": _("Metrics"),
    "data": _("Data version"),
    "code": _("Code commit"),
    "environment": _("Environment"),
    "architecture": _("Model architecture"),
    "infrastructure": _("Training infrastructure"),
}

_FIELDS: Mapping[str, Promise] = {
    "model_name": _("Model"),
    "model_version": _("Version"),
    "created_at": _("Created"),
    "stage": _("Stage"),
    "learning_rate": _("Learning rate"),
    "batch_size": _("Batch size"),
    "epochs": _("Epochs"),
    "optimizer": _("Optimizer"),
    "scheduler": _("Scheduler"),
    "weight_decay": _("Weight decay"),
    "train_loss": _("Training loss"),
    "val_loss": _("Validation loss"),
    "val_accuracy": _("Validation accuracy"),
    "val_cer": _("Validation CER"),
    "val_wer": _("Validation WER"),
    "dataset_hash": _("Data set hash"),
    "dataset_version": _("Data set version"),
    "split_ratio": _("Split ratio (share for training)"),
    "dataset_name": _("Data set"),
    "train_samples": _("Training samples"),
    "val_samples": _("Validation samples"),
    "git_commit": _("Git commit"),
    "git_branch": _("Git branch"),
    "git_tag": _("Git tag"),
    "python_version": _("Python"),
    "torch_version": _("PyTorch"),
    "cuda_version": _("CUDA"),
    "model_architecture": _("Architecture"),
    "num_params": _("Parameters of the model"),
    "config_json": _("Configuration"),
    "gpu_type": _("GPU"),
    "num_gpus": _("Number of GPUs"),
    "training_duration_seconds": _("Training time (s)"),
    "infrastructure": _("Machine"),
}

#: Parts of the evidence, as `registry.evidence.changes` names them.
_EVIDENCE: Mapping[str, Promise] = {
    "version": _("version"),
    "run_id": _("run"),
    "source": _("place of the model"),
    "metadata": _("metadata"),
    "fingerprint": _("fingerprint"),
    "manifest_digest": _("artifacts"),
    "lineage": _("origin"),
    "incumbent": _("version in Production"),
    "to_stage": _("stage"),
    "metrics": _("metrics"),
    "dvc_lock_digest": _("dvc.lock"),
    "card": _("model card"),
    "policy": _("policy"),
    "bump": _("version number"),
    "required_bump": _("version number"),
    "bump_reason": _("reason for the version number"),
    "missing_metadata": _("metadata"),
    "inspection": _("inspection of the model files"),
    "checks": _("results of checks"),
}


def stage(name: str) -> str:
    """Return the word for a stage; a stage nobody has described keeps its name."""
    return _word(_STAGES, name)


def promotion_state(name: str) -> str:
    """Return the words for the state of a promotion."""
    return _word(_PROMOTION_STATES, name)


def move(name: str) -> str:
    """Return the word for how a version changed its stage (`StageEvent.how`)."""
    return _word(_MOVES, name)


def verdict(name: str) -> str:
    """Return what a reviewer did: approved, requested changes, rejected."""
    return _word(_VERDICTS, name)


def bump(name: str) -> str:
    """Return the word for a bump; empty stays empty."""
    return _word(_BUMPS, name)


def category(key: str) -> str:
    """Return the heading of a category of the metadata."""
    return _word(_CATEGORIES, key)


def field(name: str) -> str:
    """Return the words for a field of the metadata."""
    return _word(_FIELDS, name)


def evidence(name: str) -> str:
    """Return the words for a part of the evidence; ``gate:`` and a name stand for what that gate says."""
    head, _colon, rest = name.partition(":")
    if head == "gate" and rest:
        return gettext("gate “%(gate)s”") % {"gate": gate(rest)}
    return _word(_EVIDENCE, name)


def gate(name: str) -> str:
    """Return the words for a gate; one that does not exist any more keeps its name."""
    found = gates.all_gates().get(name)
    return sentences.translated(found.label) if found else name


def _word(words: Mapping[str, Any], name: str) -> str:
    return str(words.get(name, name))
