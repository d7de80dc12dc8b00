"""One real MLflow server for all adapter tests of a session."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.mlflow_server import MLflowServer
from tests.servers import Server, mlflow_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def mlflow_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with its process group, for tests that freeze it."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_url(mlflow_process: Server) -> str:
    """Address of a real MLflow server."""
    return mlflow_process.url


@pytest.fixture
def server(mlflow_url: str) -> MLflowServer:
    return MLflowServer(mlflow_url)


@pytest.fixture
def unique() -> str:
    """A name that no other test of this session uses."""
    return f"case-{next(_numbers)}"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`model.pt2` of a small text recogniser whose batch size may vary, its example beside it."""
    from tests.integrations.small_models import save_pt2

    return save_pt2(tmp_path_factory.mktemp("archive"))
