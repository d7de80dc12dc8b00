"""Writing the registry of a real MLflow server: one version per key, stages and aliases that agree."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from integrations.errors import IntegrationError
from integrations.mlflow_records import KEY_TAG
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy


def make_run(server: MLflowServer) -> str:
    return server.find_or_create_run("registering", key="run", name="r", start_time=1).run_id


def make_version(server: MLflowServer, name: str, key: str = "job-1") -> int:
    run_id = make_run(server)
    return server.find_or_create_model_version(
        name, key=key, run_id=run_id, source=f"runs:/{run_id}/model"
    ).version


def stages(server: MLflowServer, name: str) -> dict[int, tuple[str, tuple[str, ...]]]:
    return {one.version: (one.stage, one.aliases) for one in server.model_versions(name)}


def test_the_same_key_always_gives_the_same_version(server: MLflowServer, unique: str) -> None:
    run_id = make_run(server)
    first = server.find_or_create_model_version(
        unique, key="k", run_id=run_id, source=f"runs:/{run_id}/model", tags={"semver": "1.0.0", "카드": "값"}
    )
    again = server.find_or_create_model_version(unique, key="k", run_id=run_id, source="ignored")
    assert first.version == again.version == 1
    assert first.tags == {KEY_TAG: "k", "semver": "1.0.0", "카드": "값"}
    assert make_version(server, unique, "other") == 2


def test_lost_answers_make_no_second_version(mlflow_url: str, unique: str) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        for mark in ("registered-models/create", "model-versions/create"):
            proxy.lose(mark)
        assert make_version(server, unique) == 1
        proxy.lose("model-versions/create")
        assert make_version(server, unique, "job-2") == 2
        for mark in ("transition-stage", "registered-models/alias", "model-versions/set-tag"):
            proxy.lose(mark)
        server.mirror_stage(unique, 2, "Production")
        server.set_version_tags(unique, 2, {"note": "x"})
        assert proxy.lost == 6
        assert stages(server, unique) == {1: ("None", ()), 2: ("Production", ("champion",))}
        assert server.model_version(unique, 2).tags["note"] == "x"


def test_of_twin_versions_the_lower_number_counts_and_both_are_kept(
    server: MLflowServer, unique: str
) -> None:
    run_id = make_run(server)
    server.find_or_create_registered_model(unique)
    body = {
        "name": unique,
        "source": f"runs:/{run_id}/model",
        "run_id": run_id,
        "tags": [{"key": KEY_TAG, "value": "job-1"}],
    }
    for _ in range(2):
        server.http.post("/api/2.0/mlflow/model-versions/create", body, repeatable=False)
    assert make_version(server, unique) == 1
    assert [one.version for one in server.model_versions(unique)] == [1, 2]


def test_promotion_moves_stage_and_alias_together(server: MLflowServer, unique: str) -> None:
    for number in (1, 2, 3):
        make_version(server, unique, f"job-{number}")
    server.mirror_stage(unique, 1, "Production")
    server.mirror_stage(unique, 2, "Staging")
    assert stages(server, unique) == {
        1: ("Production", ("champion",)),
        2: ("Staging", ("challenger",)),
        3: ("None", ()),
    }
    for _ in range(2):
        record = server.mirror_stage(unique, 2, "Production")
        assert (record.stage, record.aliases) == ("Production", ("champion",))
        assert stages(server, unique) == {
            1: ("Archived", ()),
            2: ("Production", ("champion",)),
            3: ("None", ()),
        }
    server.mirror_stage(unique, 2, "Archived")
    assert stages(server, unique)[2] == ("Archived", ())
    assert server.version_by_alias(unique, "champion") is None


def test_two_production_versions_that_a_plain_client_left_become_one(
    server: MLflowServer, unique: str
) -> None:
    for number in (1, 2):
        make_version(server, unique, f"job-{number}")
        server.set_stage(unique, number, "Production")
    server.mirror_stage(unique, 1, "Production")
    assert stages(server, unique) == {1: ("Production", ("champion",)), 2: ("Archived", ())}


def test_an_alias_can_be_removed_twice(server: MLflowServer, unique: str) -> None:
    make_version(server, unique)
    server.set_alias(unique, "shadow", 1)
    assert server.model_version(unique, 1).aliases == ("shadow",)
    server.delete_alias(unique, "shadow")
    server.delete_alias(unique, "shadow")
    assert server.model_version(unique, 1).aliases == ()


def test_unknown_stages_versions_and_runs_are_permanent_errors(server: MLflowServer, unique: str) -> None:
    make_version(server, unique)
    for wrong in (
        lambda: server.set_stage(unique, 1, "production"),
        lambda: server.set_stage(unique, 9, "Production"),
        lambda: server.mirror_stage(unique, 9, "Production"),
        lambda: server.set_alias(unique, "champion", 9),
        lambda: server.find_or_create_model_version(unique, key="x", run_id="0" * 32, source="runs:/1/m"),
        lambda: server.find_or_create_model_version("", key="x", run_id="0" * 32, source="runs:/1/m"),
    ):
        with pytest.raises(IntegrationError) as caught:
            wrong()
        assert caught.value.permanent, wrong
    assert stages(server, unique) == {1: ("None", ())}


def test_promotions_at_the_same_moment_leave_one_production_version(mlflow_url: str, unique: str) -> None:
    server = MLflowServer(mlflow_url)
    for number in range(3):
        name = f"{unique}-{number}"
        versions = [make_version(server, name, key) for key in ("job-1", "job-2")]
        promoters = [threading.Thread(target=promote, args=(mlflow_url, name, one)) for one in versions]
        for promoter in promoters:
            promoter.start()
        for promoter in promoters:
            promoter.join()
        found = [one for one in stages(server, name).values() if one[0] == "Production"]
        assert found == [("Production", ("champion",))]


def test_a_plain_client_that_promotes_in_between_does_not_leave_two(mlflow_url: str, unique: str) -> None:
    server = MLflowServer(mlflow_url)
    for key in ("job-1", "job-2"):
        make_version(server, unique, key)
    with lossy_proxy(mlflow_url) as proxy:
        proxy.hold("registered-models/alias", seconds=1.5)
        ours = threading.Thread(target=promote, args=(proxy.url, unique, 1))
        ours.start()
        while server.model_version(unique, 1).stage != "Production":
            time.sleep(0.05)
        server.set_stage(unique, 2, "Production")
        ours.join()
    assert stages(server, unique) == {1: ("Production", ("champion",)), 2: ("Archived", ())}


def promote(url: str, name: str, version: int) -> None:
    # the one that comes too late may be told so
    with contextlib.suppress(IntegrationError):
        MLflowServer(url).mirror_stage(name, version, "Production")
