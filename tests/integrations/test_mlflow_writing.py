"""Writing runs to a real MLflow server: idempotent, within limits, unharmed by lost answers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.mlflow_records import MetricPoint
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy
from tests.integrations.mlflow_runs import START, make_run


def test_lost_answers_to_logging_leave_each_point_once(mlflow_url: str, unique: str) -> None:
    points = [MetricPoint("loss", 1 / (step + 1), START + step, step) for step in range(1500)]
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        run_id = make_run(server, unique)
        proxy.lose("runs/log-batch", times=2)
        server.log_metrics(run_id, points)
        proxy.lose("runs/log-batch")
        server.log_params(run_id, {"lr": 0.1})
        proxy.lose("runs/update")
        server.finish_run(run_id, "FINISHED", START + 9)
        assert proxy.lost == 4

        assert server.metric_history(run_id, "loss").points == tuple(points)
        run = server.run(run_id)
    assert (run.status, run.end_time, dict(run.params)) == ("FINISHED", START + 9, {"lr": "0.1"})


def test_points_logged_again_at_another_time_are_not_added(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    first = [MetricPoint("loss", float(step), START, step) for step in range(5)]
    later = [MetricPoint("loss", float(step), START + 1000, step) for step in range(7)]

    assert server.log_metrics(run_id, first) == 5
    assert server.log_metrics(run_id, later) == 2
    assert [point.timestamp for point in server.metric_history(run_id, "loss").points] == [START] * 5 + [
        START + 1000
    ] * 2


def test_another_value_at_the_same_step_is_refused(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    server.log_metrics(run_id, [MetricPoint("loss", 1.0, START, 3)])
    with pytest.raises(IntegrationError, match="two values at step 3") as caught:
        server.log_metrics(run_id, [MetricPoint("loss", 2.0, START, 3)])
    assert caught.value.permanent
    with pytest.raises(IntegrationError, match="two values at step 0"):
        server.log_metrics(run_id, [MetricPoint("acc", 1.0, 1, 0), MetricPoint("acc", 2.0, 2, 0)])


def test_nan_and_infinity_survive_and_are_logged_once(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    values = [math.nan, math.inf, -math.inf, 0.1, 5e-324]
    points = [MetricPoint("loss", value, START, step) for step, value in enumerate(values)]

    assert server.log_metrics(run_id, points) == 5
    assert server.log_metrics(run_id, points) == 0
    back = [point.value for point in server.metric_history(run_id, "loss").points]
    assert math.isnan(back[0])
    assert back[1:] == values[1:]

    server.log_metrics(run_id, [MetricPoint("final", math.nan, START)])
    assert math.isnan(server.run(run_id).metrics["final"])


def test_long_values_keep_their_identity(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    longest, long_a, long_b = "가" * 6000, "x" * 9000 + "a", "x" * 9000 + "b"
    params = {"exact": longest, "a": long_a, "b": long_b, "empty": "", "unicode/키": "값 😀"}
    server.log_params(run_id, params)
    server.log_params(run_id, params)
    server.set_tags(run_id, {"note": "y" * 10_000})

    run = server.run(run_id)
    assert run.params["exact"] == longest
    assert run.params["unicode/키"] == "값 😀"
    assert run.params["empty"] == ""
    assert len(run.params["a"]) == 6000
    assert run.params["a"] != run.params["b"]
    assert "9001 characters, sha256" in run.params["a"]
    assert len(run.tags["note"]) == 8000
    assert "10000 characters, sha256" in run.tags["note"]


def test_more_parameters_than_one_request_takes_are_all_there(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    params = {f"p{number}": "한" * 5000 for number in range(250)}
    server.log_params(run_id, params)
    assert len(server.run(run_id).params) == 250


def test_a_parameter_does_not_change_its_value(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    server.log_params(run_id, {"lr": 0.1})
    with pytest.raises(IntegrationError, match="'lr'") as caught:
        server.log_params(run_id, {"lr": 0.2, "new": 1})
    assert caught.value.permanent
    assert dict(server.run(run_id).params) == {"lr": "0.1"}


@pytest.mark.parametrize("name", ["", "a(b)", "../x", "a//b", "x" * 251, "line\nbreak", "a/./b"])
def test_names_that_mlflow_refuses_are_refused_before_anything_is_sent(
    server: MLflowServer, unique: str, name: str
) -> None:
    run_id = make_run(server, unique)
    for log in (server.log_params, server.set_tags):
        with pytest.raises(IntegrationError, match="name") as caught:
            log(run_id, {"fine": "1", name: "2"})
        assert caught.value.permanent
    with pytest.raises(IntegrationError, match="name"):
        server.log_metrics(run_id, [MetricPoint("fine", 1.0, START), MetricPoint(name, 1.0, START)])
    run = server.run(run_id)
    assert not run.params
    assert not run.metrics


def test_deleting_a_run_twice_is_no_error(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    server.delete_run(run_id)
    server.delete_run(run_id)
    assert server.run(run_id).lifecycle_stage == "deleted"


def test_importing_the_adapter_loads_neither_mlflow_nor_requests() -> None:
    program = (
        "import sys, integrations.mlflow_server, integrations.artifacts;"
        "print(sorted({'mlflow', 'torch', 'requests', 'fsspec', 'django', 'numpy'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "[]"
