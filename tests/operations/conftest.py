"""Fixtures of the operation tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import runners
from tests import job_probes
from tests.people import make_user
from tests.servers import mlflow_server


@pytest.fixture
def auditor() -> User:
    """Somebody who may read everything and change nothing."""
    return make_user(Role.AUDITOR, username="auditor")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an MLflow server for the tests of one file."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server.url


@pytest.fixture
def places(settings: Settings, tmp_path: Path, url: str) -> None:
    """Let the product use that server, and a data folder for one test."""
    settings.DATA_DIR = tmp_path / "data"
    settings.MLFLOW_TRACKING_URI = url


@pytest.fixture
def probe_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the kinds of `tests.job_probes` for one test."""
    monkeypatch.setattr(runners, "_kinds", dict(runners._kinds))
    job_probes.register_all()
