"""One run per key, whatever is lost, late or done twice on the way to a real MLflow server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.mlflow_records import KEY_TAG
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy
from tests.integrations.mlflow_runs import START, make_run, runs_of


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
