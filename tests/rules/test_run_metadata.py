"""Metadata from what a run left: found under the usual names, and missing by name where nothing stands."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from registry.metadata_categories import FACTS
from registry.run_metadata import CANDIDATES, Sources, collect, of_job, of_plain_run

RESULT: dict[str, Any] = {
    "sha": "a" * 40,
    "branch": "stagegate/job-7",
    "params": {
        "data.name": "receipt-digits",
        "data.version": "1.1.0",
        "preprocess.split_ratio": 0.8,
        "train.architecture": "CRNN",
        "train.learning_rate": 0.003,
        "train.batch_size": 64,
        "train.epochs": 8,
        "train.optimizer": "AdamW",
        "train.scheduler": "none",
        "train.weight_decay": 0.01,
    },
    "metrics": {
        "train_samples": 4000,
        "val_samples": 1000,
        "split_ratio": 0.7997,
        "train_loss": 0.02,
        "val_loss": 0.01,
        "val_accuracy": 0.99,
        "val_cer": 0.004,
        "val_wer": 0.01,
        "epochs": 8,
    },
    "dataset_hash": "0123456789abcdef0123456789abcdef.dir",
    "training_seconds": 31.5,
    "finished_at": "2026-01-31T09:30:00+00:00",
    "environment": {
        "python": "3.11.9",
        "torch": "2.13.0+cpu",
        "cuda": "none",
        "gpu": "none",
        "gpus": 0,
        "machine": "Linux x86_64, 2 cores",
    },
}
INFO = {"architecture": "CRNN", "num_params": 81_239, "config": {"channels": [16, 32], "hidden_size": 64}}


def test_a_pipeline_job_fills_all_seven_categories() -> None:
    metadata = of_job("receipt-ocr", RESULT, INFO)
    assert metadata.missing() == {}
    assert metadata.completeness().is_complete
    assert (metadata.git_commit, metadata.git_branch, metadata.git_tag) == (
        "a" * 40,
        "stagegate/job-7",
        "none",
    )
    assert (metadata.cuda_version, metadata.gpu_type, metadata.num_gpus) == ("none", "none", 0)
    assert json.loads(metadata.config_json) == INFO["config"]
    assert metadata.created_at == "2026-01-31T09:30:00+00:00"
    assert metadata.model_version == "0.0.0-dev"


def test_what_was_measured_comes_before_what_was_asked_for() -> None:
    assert of_job("receipt-ocr", RESULT, INFO).split_ratio == 0.7997
    without = {**RESULT, "metrics": {}}
    assert of_job("receipt-ocr", without, INFO).split_ratio == 0.8


def test_what_stands_nowhere_is_missing_by_name() -> None:
    metadata = of_job("receipt-ocr", {"sha": "a" * 40, "branch": "main"})
    missing = metadata.missing()
    assert missing["training"] == ("learning_rate", "batch_size", "epochs", "optimizer")
    assert missing["architecture"] == ("model_architecture", "num_params", "config_json")
    assert missing["environment"] == ("python_version", "torch_version", "cuda_version")
    assert "code" not in missing
    assert metadata.missing()["data"] == ("dataset_hash", "dataset_version", "split_ratio")


@pytest.mark.parametrize(
    ("params", "rate"),
    [
        ({"train.learning_rate": 0.1, "lr": 0.2}, 0.1),
        ({"training.lr": "1e-3"}, 0.001),
        ({"lr": 3}, 3.0),
        ({"train.learning_rate": "auto", "optimizer.lr": 0.5}, 0.5),
    ],
)
def test_a_parameter_is_found_under_its_usual_names(params: dict[str, Any], rate: float) -> None:
    assert collect("m", Sources(params=params)).learning_rate == rate


@pytest.mark.parametrize("value", [True, None, "auto", [0.1], {}, math.nan, "NaN", "inf", 10**400, -0.1])
def test_a_value_that_cannot_be_the_fact_counts_as_missing(value: object) -> None:
    metadata = collect("m", Sources(params={"train.learning_rate": value, "batch_size": value}))
    assert {"learning_rate", "batch_size"} <= set(metadata.missing()["training"])


def test_a_share_that_is_none_and_a_text_that_is_too_long_count_as_missing() -> None:
    metadata = collect("m", Sources(params={"split_ratio": 80, "optimizer": "x" * 2_000}))
    assert "split_ratio" in metadata.missing()["data"]
    assert "optimizer" in metadata.missing()["training"]


def test_a_number_as_version_becomes_text() -> None:
    assert collect("m", Sources(params={"data.version": 3.1})).dataset_version == "3.1"


def test_the_configuration_comes_from_the_parameters_of_the_model_if_the_training_wrote_none() -> None:
    params = {"model.depth": 3, "model.name": "ViT", "train.lr": 1}
    metadata = of_job("m", {"params": params})
    assert json.loads(metadata.config_json) == {"depth": 3, "name": "ViT"}
    assert metadata.model_architecture == "ViT"


def test_a_plain_run_tells_what_its_texts_numbers_and_tags_say() -> None:
    ended = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    run = SimpleNamespace(
        name="by hand",
        run_id="f" * 32,
        params={"lr": "3e-4", "batch_size": "32", "epochs": "50.0", "optimizer": "AdamW"},
        metrics={"val_cer": 0.03, "val_loss": "NaN"},
        tags={"mlflow.source.git.commit": "b" * 40, "dataset_version": "3.1.0"},
        inputs=[],
        started_at=ended - timedelta(seconds=90),
        ended_at=ended,
    )
    metadata = of_plain_run(run)
    assert "training" not in metadata.missing()
    assert (metadata.learning_rate, metadata.batch_size, metadata.epochs) == (3e-4, 32, 50)
    assert (metadata.git_commit, metadata.dataset_version) == ("b" * 40, "3.1.0")
    assert metadata.training_duration_seconds == 90
    assert metadata.val_cer == 0.03
    assert "val_loss" in metadata.missing()["metrics"]
    assert metadata.missing()["code"] == ("git_branch", "git_tag")


def test_every_candidate_is_a_fact_of_a_category() -> None:
    assert set(CANDIDATES) <= set(FACTS)
