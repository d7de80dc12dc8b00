"""`MLflowModelManager.promote_model` through the running product, beside a real MLflow server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pytest_django import Settings

from accounts import tokens
from accounts.roles import Role
from experiments.models import Job
from integrations import mlflow_models
from integrations.errors import IntegrationError
from integrations.mlflow_models import MLflowModelManager
from integrations.stagegate_client import PromotionRequest, StagegateClient
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, Promotion
from registry.reconciler import reconcile
from tests.mlflow_registry import there, unique, work
from tests.people import make_user
from tests.promotions import approve, set_rules
from tests.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path, mlflow_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.MLFLOW_TRACKING_URI = mlflow_url
    monkeypatch.delenv("STAGEGATE_URL", raising=False)
    monkeypatch.delenv("STAGEGATE_TOKEN", raising=False)
    set_rules()


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def token() -> str:
    return tokens.create(make_user(Role.ENGINEER, username="clerk"), "tests")[1]


def log(manager: MLflowModelManager, name: str, version: str = "1.0.0") -> None:
    metadata = ModelMetadata(name, version, "Linear", 0.1, 1, 1, "SGD")
    example = np.zeros((2, 4), dtype=np.float32)
    manager.log_training_run(
        torch.nn.Linear(4, 3), {"lr": 0.1}, {"val_loss": 0.5}, metadata, name, input_example=example
    )


def test_a_logged_model_is_adopted_asked_for_approved_and_loaded(
    site: str, mlflow_url: str, name: str, token: str
) -> None:
    manager = MLflowModelManager(name, mlflow_url, stagegate_url=site, stagegate_token=token)
    log(manager, name)
    assert reconcile().adopted >= 1
    for stage in ("Staging", "Production"):
        asked = manager.promote_model(name, "1.0.0", stage, comment="Reads better.")
        assert isinstance(asked, PromotionRequest)
        promotion = Promotion.objects.get(pk=asked.number)
        assert (asked.state, asked.url) == ("open", f"{site}/promotions/{promotion.pk}/")
        assert (promotion.requested_by_name, promotion.comment) == ("clerk", "Reads better.")
        assert str(asked) == f"{name} 1.0.0 to {stage}: open, see {asked.url}"
        assert there(mlflow_url, name)[1][0] != stage, "nothing changes before it is approved"
        approve(promotion, make_user(Role.REVIEWER))
        [job] = Job.objects.filter(kind="apply", state="queued")
        assert work(job).state == "succeeded"
        assert there(mlflow_url, name)[1][0] == stage
    loaded = manager.load_production_model(name)
    assert tuple(loaded(torch.zeros(2, 4)).shape) == (2, 3)


def test_address_and_token_may_come_from_the_environment_and_the_version_may_be_mlflows(
    site: str, mlflow_url: str, name: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGEGATE_URL", site + "/")
    with pytest.raises(IntegrationError, match="STAGEGATE_TOKEN"):
        MLflowModelManager(name, mlflow_url)
    monkeypatch.setenv("STAGEGATE_TOKEN", token)
    manager = MLflowModelManager(name, mlflow_url)
    log(manager, name, "2.1.0")
    reconcile()
    asked = manager.promote_model(name, 1, "Staging")
    assert isinstance(asked, PromotionRequest)
    assert (asked.version, asked.to_stage) == ("2.1.0", "Staging")
    with pytest.raises(IntegrationError, match="open promotion") as error:
        manager.promote_model(name, "2.1.0", "Staging")
    assert error.value.permanent


def test_what_the_product_refuses_is_said_in_its_words(
    site: str, mlflow_url: str, name: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_models, "ADOPTION_SECONDS", 0.0)
    manager = MLflowModelManager(name, mlflow_url, stagegate_url=site, stagegate_token=token)
    with pytest.raises(IntegrationError, match=r"404.*no version 1\.0\.0"):
        manager.promote_model(name, "1.0.0", "Staging")
    with pytest.raises(ValueError, match="is not a stage"):
        manager.promote_model(name, "1.0.0", "Live")
    wrong = MLflowModelManager(name, mlflow_url, stagegate_url=site, stagegate_token="stg_wrong")
    with pytest.raises(IntegrationError, match="401") as error:
        wrong.promote_model(name, "1.0.0", "Staging")
    assert "stg_wrong" not in error.value.message
    away = StagegateClient(f"http://127.0.0.1:{free_port()}", token)
    with pytest.raises(IntegrationError, match="cannot be reached") as error:
        away.open_promotion(name, "1.0.0", "Staging")
    assert not error.value.permanent
    with pytest.raises(IntegrationError, match="must be http"):
        StagegateClient("file:///etc", token)
    assert not ModelVersion.objects.exists()


def test_without_a_product_mlflow_is_changed_at_once(mlflow_url: str, name: str) -> None:
    manager = MLflowModelManager(name, mlflow_url)
    log(manager, name)
    manager.promote_model(name, 1, "Production")
    assert there(mlflow_url, name)[1][:2] == ("Production", ("champion",))
