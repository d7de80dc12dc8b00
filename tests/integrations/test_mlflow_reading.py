"""Reading a real MLflow server: what plain clients wrote comes back as typed records."""

from __future__ import annotations

import math

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import later_token
from integrations.mlflow_records import MetricPoint
from integrations.mlflow_server import MLflowServer

START = 1_700_000_000_000


@pytest.fixture
def client(mlflow_url: str) -> MlflowClient:
    """The plain client that people use beside the product."""
    return MlflowClient(mlflow_url, mlflow_url)


def test_a_run_of_the_plain_client_is_read_in_full(
    server: MLflowServer, client: MlflowClient, unique: str
) -> None:
    experiment_id = client.create_experiment(unique, tags={"team": "비전"})
    tags = {"mlflow.user": "somebody", "mlflow.parentRunId": "parent", "한글": "값"}
    run_id = client.create_run(experiment_id, start_time=START, tags=tags, run_name="학습 1").info.run_id
    client.log_param(run_id, "lr", 3e-4)
    for step, value in enumerate((1.0, 0.5, math.nan)):
        client.log_metric(run_id, "loss", value, timestamp=START + step, step=step)
    client.log_metric(run_id, "acc", 0.9, timestamp=START, step=0)
    client.set_terminated(run_id, "FAILED", end_time=START + 60_000)

    run = server.run(run_id)
    assert (run.name, run.status, run.user, run.parent) == ("학습 1", "FAILED", "somebody", "parent")
    assert (run.start_time, run.end_time) == (START, START + 60_000)
    assert (run.experiment_id, run.lifecycle_stage) == (experiment_id, "active")
    assert run.params == {"lr": "0.0003"}
    assert run.tags["한글"] == "값"
    assert run.metrics["acc"] == 0.9
    assert math.isnan(run.metrics["loss"])
    assert MetricPoint("acc", 0.9, START, 0) in run.latest_points
    assert run.artifact_uri.endswith(f"{run_id}/artifacts")

    (experiment,) = [e for e in server.experiments() if e.name == unique]
    assert experiment == server.experiment_named(unique)
    assert experiment.tags == {"team": "비전"}


def test_runs_come_in_pages_newest_first_with_the_deleted_ones(
    server: MLflowServer, client: MlflowClient, unique: str
) -> None:
    experiment_id = client.create_experiment(unique)
    ids = [client.create_run(experiment_id, start_time=START + n).info.run_id for n in range(5)]
    client.delete_run(ids[2])

    seen, tokens = [], [None]
    for _ in range(3):
        page = server.search_runs([experiment_id], max_results=2, page_token=tokens[-1])
        seen += page.runs
        tokens.append(page.next_page_token)
    assert tokens[-1] is None
    # What is read ahead rests on this; where it does not hold, pages are read one by one.
    assert later_token(str(tokens[1]), 2) == tokens[2]
    assert [run.run_id for run in seen] == ids[::-1]
    assert [run.run_id for run in seen if run.lifecycle_stage == "deleted"] == [ids[2]]
    only = server.search_runs([experiment_id], filter=f"attributes.start_time > {START + 3}")
    assert [run.run_id for run in only.runs] == [ids[4]]


def test_a_history_is_read_in_pages_and_stops_at_its_bound(
    server: MLflowServer, client: MlflowClient, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = client.create_run(client.create_experiment(unique)).info.run_id
    client.log_batch(run_id, [Metric("loss", float(n), START + n, n) for n in range(25)])
    monkeypatch.setattr("integrations.mlflow_reading.HISTORY_PAGE", 10)

    whole = server.metric_history(run_id, "loss")
    assert [point.step for point in whole.points] == list(range(25))
    assert not whole.truncated
    exact = server.metric_history(run_id, "loss", max_points=25)
    assert (len(exact.points), exact.truncated) == (25, False)
    some = server.metric_history(run_id, "loss", max_points=12)
    assert (len(some.points), some.truncated) == (12, True)
    assert server.metric_history(run_id, "absent").points == ()


def test_points_that_came_later_are_read_alone_in_the_order_of_time(
    server: MLflowServer, client: MlflowClient, unique: str
) -> None:
    run_id = client.create_run(client.create_experiment(unique)).info.run_id
    client.log_batch(run_id, [Metric("loss", float(n), START + n, 10 - n) for n in range(5)])
    later = server.later_points(run_id, "loss", skip=3, max_points=10)
    assert [(point.step, point.value) for point in later] == [(7, 3.0), (6, 4.0)]
    assert server.later_points(run_id, "loss", skip=5, max_points=10) == ()


def test_the_histories_of_many_runs_come_in_one_call_and_what_was_cut_off_is_left_out(
    server: MLflowServer, client: MlflowClient, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = client.create_experiment(unique)
    runs = sorted(client.create_run(experiment).info.run_id for _ in range(3))
    for run_id in runs:
        client.log_batch(run_id, [Metric("a/loss é", value, START, 1) for value in (0.5, math.nan)])
    client.delete_run(runs[0])
    found = server.metric_histories([*runs, "f" * 32], "a/loss é")
    assert sorted(found) == runs
    assert all(sorted(map(str, (p.value for p in points))) == ["0.5", "nan"] for points in found.values())
    monkeypatch.setattr("integrations.mlflow_reading.BULK_POINTS", 6)
    assert sorted(server.metric_histories(runs, "a/loss é")) == runs[:2]
    monkeypatch.setattr("integrations.mlflow_reading.BULK", "/ajax-api/2.0/mlflow/nothing-there")
    assert server.metric_histories(runs, "a/loss é") == {}


def test_models_and_versions_carry_their_aliases_stages_and_tags(
    server: MLflowServer, client: MlflowClient, unique: str
) -> None:
    name = f"it's {unique}"
    client.create_registered_model(name, tags={"task": "ocr"}, description="영수증")
    run_id = client.create_run(client.create_experiment(unique)).info.run_id
    for _ in range(2):
        client.create_model_version(name, f"runs:/{run_id}/model", run_id, tags={"semver": "1.0.0"})
    client.set_registered_model_alias(name, "champion", "2")
    client.transition_model_version_stage(name, "2", "Production")

    (model,) = [model for model in server.registered_models() if model.name == name]
    assert (model.description, model.tags, model.aliases) == ("영수증", {"task": "ocr"}, {"champion": 2})
    first, second = server.model_versions(name)
    assert (first.version, first.stage, first.aliases) == (1, "None", ())
    assert (second.version, second.stage, second.aliases) == (2, "Production", ("champion",))
    assert second.tags == {"semver": "1.0.0"}
    assert (second.run_id, second.source) == (run_id, f"runs:/{run_id}/model")
    assert server.model_version(name, 2) == second
    assert server.version_by_alias(name, "champion") == second
    assert server.version_by_alias(name, "challenger") is None
    assert server.version_by_alias("nobody", "champion") is None
    assert {v.version for v in server.latest_versions(name)} == {1, 2}
    assert server.model_versions("nobody") == ()


def test_what_is_not_there_is_a_permanent_error_with_its_code(server: MLflowServer) -> None:
    with pytest.raises(MLflowError, match="not found") as caught:
        server.run("f" * 32)
    assert (caught.value.permanent, caught.value.code) == (True, "RESOURCE_DOES_NOT_EXIST")
    assert server.experiment_named("nobody's") is None


def test_ping_names_the_version_of_the_server(server: MLflowServer) -> None:
    assert server.ping() == "3.17.2"


@pytest.mark.parametrize(
    "uri", ["file:///tmp/mlruns", "mlruns", "/tmp/mlruns", "", "sqlite:///m.db", "http://", "databricks"]
)
def test_anything_but_a_server_is_refused(uri: str) -> None:
    with pytest.raises(IntegrationError, match="http") as caught:
        MLflowServer(uri)
    assert caught.value.permanent
