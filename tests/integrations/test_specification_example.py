"""The specification's usage example against a real server: only the imports and the number differ."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from integrations.errors import IntegrationError
from integrations.git_repository import get_git_info
from integrations.mlflow_models import MLflowModelManager
from integrations.mlflow_server import MLflowServer
from registry.metadata import ModelMetadata

ROOT = Path(__file__).resolve().parents[2]


def run_the_example(number: int) -> tuple[nn.Module, str, nn.Module]:
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(32, 100),
    )

    metadata = ModelMetadata(
        model_name="ocr-receipt-v1",
        model_version="1.2.0",
        model_architecture="CNN-OCR",
        learning_rate=3e-4,
        batch_size=32,
        epochs=50,
        optimizer="AdamW",
        dataset_name="receipt-kr-v3",
        dataset_version="3.1.0",
        dataset_hash="a1b2c3d4e5f6",
        train_samples=150000,
        val_samples=15000,
        val_accuracy=0.957,
        val_cer=0.032,
        **get_git_info(),
    )

    manager = MLflowModelManager(experiment_name="ocr-receipt")
    run_id = manager.log_training_run(
        model=model,
        params={"lr": 3e-4, "batch_size": 32, "epochs": 50, "optimizer": "AdamW"},
        metrics={"val_accuracy": 0.957, "val_cer": 0.032, "val_wer": 0.078},
        metadata=metadata,
        model_name="ocr-receipt",
    )

    manager.promote_model("ocr-receipt", version=number, stage="Production")

    prod_model = manager.load_production_model("ocr-receipt")
    return model, run_id, prod_model


def test_the_example_runs_where_the_environment_allows_unpickling(
    mlflow_url: str, server: MLflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    monkeypatch.chdir(ROOT)
    number = len(server.model_versions("ocr-receipt")) + 1
    model, run_id, prod_model = run_the_example(number)

    image = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(prod_model(image), model(image))
    assert server.run(run_id).status == "FINISHED"
    version = server.model_version("ocr-receipt", number)
    assert (version.stage, version.aliases, version.run_id) == ("Production", ("champion",), run_id)


def test_without_permission_everything_but_the_loading_works(
    mlflow_url: str, server: MLflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
    monkeypatch.delenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", raising=False)
    monkeypatch.chdir(ROOT)
    number = len(server.model_versions("ocr-receipt")) + 1
    with pytest.raises(IntegrationError, match=r"saved as pickle.*input_example.*allow_pickle=True"):
        run_the_example(number)
    assert server.model_version("ocr-receipt", number).stage == "Production"
