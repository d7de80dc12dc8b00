"""Writing runs to a real MLflow server: idempotent, within limits, unharmed by lost answers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.mlflow_records import KEY_TAG, MetricPoint
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy

START = 1_700_000_000_000


def make_run(server: MLflowServer, name: str, key: str = "job-1") -> str:
    return server.find_or_create_run(name, key=key, name="a run", start_time=START).run_id


def runs_of(server: MLflowServer, experiment: str, view: str = "ACTIVE_ONLY") -> list[str]:
    found = server.experiment_named(experiment)
    assert found is not None
    return [run.run_id for run in server.search_runs([found.experiment_id], view=view).runs]


def test_the_same_key_always_gives_the_same_run(server: MLflowServer, unique: str) -> None:
    first = server.find_or_create_run(
        unique, key="job-7", name="영수증 😀", start_time=START, tags={"git.commit": "abc"}
    )
    again = server.find_or_create_run(unique, key="job-7", name="other", start_time=START + 5)
    other = server.find_or_create_run(unique, key="job-8", name="other", start_time=START)

    assert first == again
    assert first.name == "영수증 😀"
    assert first.start_time == START
    assert first.tags[KEY_TAG] == "job-7"
    assert first.tags["git.commit"] == "abc"
    assert other.run_id != first.run_id
    assert len(runs_of(server, unique)) == 2


def test_a_lost_answer_to_run_creation_makes_no_second_run(mlflow_url: str, unique: str) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        proxy.lose("runs/create")
        run_id = make_run(server, unique)
        assert proxy.lost == 1
        assert make_run(server, unique) == run_id
        assert runs_of(server, unique, "ALL") == [run_id]


def test_a_lost_answer_to_experiment_creation_is_no_error(mlflow_url: str, unique: str) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        proxy.lose("experiments/create")
        experiment = MLflowServer(proxy.url).find_or_create_experiment(unique)
        assert proxy.lost == 1
    assert experiment.name == unique


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


@pytest.mark.parametrize("key", ["", "a'b", 'a"b', "a b", "x" * 201, "`"])
def test_a_key_that_could_change_the_search_is_refused(server: MLflowServer, unique: str, key: str) -> None:
    with pytest.raises(IntegrationError, match="idempotency key") as caught:
        make_run(server, unique, key)
    assert caught.value.permanent


def test_of_twins_the_run_handed_out_first_counts(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    experiment = server.find_or_create_experiment(unique).experiment_id
    older = make_twin(server, experiment, created_ns=1)

    assert make_run(server, unique) == run_id
    assert runs_of(server, unique) == [run_id]
    assert older in runs_of(server, unique, "DELETED_ONLY")


def test_of_twins_that_nobody_used_the_older_counts(server: MLflowServer, unique: str) -> None:
    experiment = server.find_or_create_experiment(unique).experiment_id
    twins = [make_twin(server, experiment, created_ns=number) for number in (30, 9, 200)]

    assert make_run(server, unique) == twins[1]
    assert make_run(server, unique) == twins[1]
    assert runs_of(server, unique) == [twins[1]]


def make_twin(server: MLflowServer, experiment_id: str, *, created_ns: int) -> str:
    tags = [{"key": KEY_TAG, "value": "job-1"}, {"key": "stagegate.created_ns", "value": str(created_ns)}]
    body = {"experiment_id": experiment_id, "run_name": "twin", "start_time": START, "tags": tags}
    answer = server.http.post("/api/2.0/mlflow/runs/create", body, repeatable=False)
    return str(answer["run"]["info"]["run_id"])


def test_a_request_that_never_arrived_is_a_temporary_error_and_made_good_by_the_next_try(
    mlflow_url: str, unique: str
) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        server.find_or_create_experiment(unique)
        proxy.drop("runs/create")
        with pytest.raises(IntegrationError) as caught:
            make_run(server, unique)
        assert not caught.value.permanent
        run_id = make_run(server, unique)
        assert runs_of(server, unique, "ALL") == [run_id]


def test_a_request_that_arrives_after_its_retry_does_not_replace_the_run_in_use(
    mlflow_url: str, unique: str
) -> None:
    direct = MLflowServer(mlflow_url)
    direct.find_or_create_experiment(unique)
    with lossy_proxy(mlflow_url) as proxy:
        proxy.hold("runs/create", seconds=4)
        with pytest.raises(IntegrationError) as caught:
            make_run(MLflowServer(proxy.url, timeout=1.5), unique)
        assert not caught.value.permanent
        in_use = make_run(direct, unique)
        wait_until(lambda: len(runs_of(direct, unique)) == 2)
    assert make_run(direct, unique) == in_use
    assert runs_of(direct, unique) == [in_use]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_deleting_a_run_twice_is_no_error(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server, unique)
    server.delete_run(run_id)
    server.delete_run(run_id)
    assert server.run(run_id).lifecycle_stage == "deleted"


def test_writers_at_the_same_moment_leave_one_run(mlflow_url: str, unique: str) -> None:
    MLflowServer(mlflow_url).find_or_create_experiment(unique)
    program = (
        "import sys; from integrations.mlflow_server import MLflowServer;"
        "print(MLflowServer(sys.argv[1]).find_or_create_run("
        "sys.argv[2], key='same', name='n', start_time=5).run_id)"
    )
    command = [sys.executable, "-c", program, mlflow_url, unique]
    root = Path(__file__).resolve().parents[2]
    writers = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    server = MLflowServer(mlflow_url)
    chosen = server.find_or_create_run(unique, key="same", name="n", start_time=5).run_id
    assert chosen in runs_of(server, unique)
    assert chosen == server.find_or_create_run(unique, key="same", name="n", start_time=5).run_id


def test_a_deleted_run_makes_room_for_a_new_one(server: MLflowServer, unique: str) -> None:
    first = make_run(server, unique)
    server.delete_run(first)
    second = make_run(server, unique)
    assert second != first
    assert set(runs_of(server, unique, "ALL")) == {first, second}


def test_a_deleted_experiment_is_named_as_the_reason(server: MLflowServer, unique: str) -> None:
    experiment = server.find_or_create_experiment(unique)
    server.http.post(
        "/api/2.0/mlflow/experiments/delete", {"experiment_id": experiment.experiment_id}, repeatable=True
    )
    with pytest.raises(IntegrationError, match="is deleted; restore it") as caught:
        make_run(server, unique)
    assert caught.value.permanent


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
