"""The seven categories of a model's metadata and what each must tell. No database, no Django.

"Required" are the items that the specification's table names; the other fields of a category are shown when
they are known. A fact that was looked up and does not exist is not missing: collectors write the word `NONE`
for it. So all seven categories can be complete for a model trained on a CPU (`cuda_version` and `gpu_type`
are `none`, `num_gpus` is 0), from a commit without a tag (`git_tag` is `none`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

#: What a collector writes into a text field for "we looked, there is none".
NONE = "none"


@dataclass(frozen=True)
class Category:
    """One of the seven categories.

    :ivar label: heading (English)
    :ivar required: fields without which the category is incomplete
    :ivar optional: further fields of the category
    """

    key: str
    label: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of the category, the required ones first."""
        return self.required + self.optional


class Completeness(NamedTuple):
    """How much of what is required is there."""

    fields_found: int
    fields_required: int
    categories_complete: int
    categories: int

    @property
    def share(self) -> float:
        """Found fields as a share of the required ones, from 0 to 1."""
        return self.fields_found / self.fields_required if self.fields_required else 1.0

    @property
    def is_complete(self) -> bool:
        """Whether nothing required is missing."""
        return self.fields_found == self.fields_required


CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        category.key: category
        for category in (
            Category(
                "training",
                "Training configuration",
                ("learning_rate", "batch_size", "epochs", "optimizer"),
                ("scheduler", "weight_decay"),
            ),
            Category("metrics", "Metrics", ("train_loss", "val_loss", "val_accuracy", "val_cer", "val_wer")),
            Category(
                "data",
                "Data version",
                ("dataset_hash", "dataset_version", "split_ratio"),
                ("dataset_name", "train_samples", "val_samples"),
            ),
            Category("code", "Code commit", ("git_commit", "git_branch", "git_tag")),
            Category("environment", "Environment", ("python_version", "torch_version", "cuda_version")),
            Category(
                "architecture", "Model architecture", ("model_architecture", "num_params", "config_json")
            ),
            Category(
                "infrastructure",
                "Training infrastructure",
                ("gpu_type", "num_gpus", "training_duration_seconds"),
                ("infrastructure",),
            ),
        )
    }
)

#: Every field that belongs to a category.
FACTS: tuple[str, ...] = tuple(field for category in CATEGORIES.values() for field in category.fields)

#: What a person reads for a field (English).
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "model_name": "Model",
        "model_version": "Version",
        "created_at": "Created",
        "stage": "Stage",
        "learning_rate": "Learning rate",
        "batch_size": "Batch size",
        "epochs": "Epochs",
        "optimizer": "Optimizer",
        "scheduler": "Scheduler",
        "weight_decay": "Weight decay",
        "train_loss": "Training loss",
        "val_loss": "Validation loss",
        "val_accuracy": "Validation accuracy",
        "val_cer": "Validation CER",
        "val_wer": "Validation WER",
        "dataset_hash": "Data set hash",
        "dataset_version": "Data set version",
        "split_ratio": "Split ratio (share for training)",
        "dataset_name": "Data set",
        "train_samples": "Training samples",
        "val_samples": "Validation samples",
        "git_commit": "Git commit",
        "git_branch": "Git branch",
        "git_tag": "Git tag",
        "python_version": "Python",
        "torch_version": "PyTorch",
        "cuda_version": "CUDA",
        "model_architecture": "Architecture",
        "num_params": "Parameters of the model",
        "config_json": "Configuration",
        "gpu_type": "GPU",
        "num_gpus": "Number of GPUs",
        "training_duration_seconds": "Training time (s)",
        "infrastructure": "Machine",
    }
)
