"""A real MLflow server for the tests of the mirror in one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read by the client at every call; its own patience is minutes.
os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_DISABLE_TELEMETRY="true")

from mlflow import MlflowClient

from integrations.mlflow_server import MLflowServer
from tests.mirror import numbers
from tests.servers import Server, mlflow_server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def process(folder: Path) -> Iterator[Server]:
    with mlflow_server(folder) as server:
        yield server


@pytest.fixture
def server(process: Server) -> MLflowServer:
    return MLflowServer(process.url)


@pytest.fixture
def client(process: Server) -> MlflowClient:
    return MlflowClient(process.url)


@pytest.fixture
def experiment(client: MlflowClient) -> str:
    return str(client.create_experiment(f"experiment {next(numbers)}"))
