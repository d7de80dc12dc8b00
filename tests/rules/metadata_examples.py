"""Facts of models: the least that metadata need, and everything that can be required."""

import dataclasses
from typing import Any

from registry.metadata import NONE, ModelMetadata

REQUIRED: dict[str, Any] = {
    "model_name": "ocr-receipt-v1",
    "model_version": "1.2.0",
    "model_architecture": "CNN-OCR",
    "learning_rate": 3e-4,
    "batch_size": 32,
    "epochs": 50,
    "optimizer": "AdamW",
}
# What a collector finds on a machine without a GPU, at a commit without a tag.
EVERYTHING: dict[str, Any] = REQUIRED | {
    "train_loss": 0.1,
    "val_loss": 0.0,
    "val_accuracy": 0.957,
    "val_cer": 0.032,
    "val_wer": 0.078,
    "dataset_version": "3.1.0",
    "dataset_hash": "a1b2c3d4e5f6",
    "split_ratio": 0.8,
    "git_commit": "0" * 40,
    "git_branch": "main",
    "git_tag": NONE,
    "python_version": "3.11.9",
    "torch_version": "2.13.0",
    "cuda_version": NONE,
    "num_params": 123,
    "config_json": '{"channels": [16, 32]}',
    "gpu_type": NONE,
    "num_gpus": 0,
    "training_duration_seconds": 31.5,
}
FIELDS = {item.name: item for item in dataclasses.fields(ModelMetadata) if item.name != "unrecorded"}
