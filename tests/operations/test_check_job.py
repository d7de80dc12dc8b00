"""The job that checks a version, against a real MLflow server, with models that are not what they were."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import transaction
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import jobs
from experiments.models import Job, Run
from registry import checks, checks_job, registration
from registry.models import CheckResult, ModelVersion
from tests.integrations.small_models import save_pt2
from tests.mlflow_registry import Killed, log_file, log_of, log_run, unique, work, work_until_killed
from tests.people import make_user
from tests.servers import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]

MLMODEL = "flavors:\n  pytorch:\n    model_data: data\n    pytorch_version: 2.13.0\n"


class Bomb:
    """Writes a canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | bytes]:
    """A small model as a pipeline's result would be logged."""
    archive = save_pt2(tmp_path_factory.mktemp("archive"))
    return {
        "model/MLmodel": MLMODEL,
        "model/data/model.pt2": archive.read_bytes(),
        "model/input_example.npy": archive.with_name("input_example.npy").read_bytes(),
    }


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


def registered(url: str, files: dict[str, str | bytes], user: User) -> tuple[Run, ModelVersion]:
    run, name = log_run(url, files), unique()
    job = work(registration.register(run, name, user=user))
    assert job.state == "succeeded", job.error
    return run, ModelVersion.objects.select_related("model").get(model__name=name)


def check(version: ModelVersion, user: User) -> Job:
    with transaction.atomic():
        job = checks.ensure(version, user=user)
    assert job is not None
    return work(job)


def results(version: ModelVersion) -> dict[str, CheckResult]:
    return checks.newest(version)


def test_a_sound_model_passes_both_checks_and_the_trail_tells_them(
    url: str, files: dict[str, str | bytes], engineer: User
) -> None:
    _run, version = registered(url, files, engineer)
    job = check(version, engineer)

    assert job.state == "succeeded", job.error
    assert job.result == {"artifacts": True, "smoke_test": True}
    found = results(version)
    assert found["artifacts"].details["digest"] == version.manifest_digest
    assert found["smoke_test"].details["outputs"] == ["float32[2, 24, 11]"]
    assert found["smoke_test"].details["run_seconds"] > 0
    assert {result.job for result in found.values()} == {job.pk}
    assert [step["state"] for step in job.steps] == ["done", "done"]
    told = AuditEntry.objects.filter(event="check.recorded").values_list("data__kind", flat=True)
    assert list(told) == ["artifacts", "smoke_test"]


def test_every_changed_missing_and_added_file_is_named_and_the_model_is_not_run(
    url: str, files: dict[str, str | bytes], engineer: User, tmp_path: Path
) -> None:
    gone = {"model/notes.txt": "to be deleted"}
    run, version = registered(url, {**files, **gone}, engineer)
    log_file(url, run.run_id, "model/data/model.pt2", bytes(files["model/data/model.pt2"]) + b"x")  # type: ignore[arg-type]
    log_file(url, run.run_id, "model/extra.py", "print('hello')")
    delete(url, run, "model/notes.txt")
    job = check(version, engineer)

    assert job.result == {"artifacts": False, "smoke_test": False}
    found = results(version)
    details = found["artifacts"].details
    assert (details["changed"], details["missing"], details["added"]) == (
        ["data/model.pt2"],
        ["notes.txt"],
        ["extra.py"],
    )
    assert found["artifacts"].summary == (
        "The artifacts are not those that were registered: changed data/model.pt2; missing notes.txt; "
        "added extra.py."
    )
    assert found["smoke_test"].summary.startswith("Not run, because the artifacts")
    for word in ("changed: data/model.pt2", "missing: notes.txt", "added: extra.py"):
        assert word in log_of(job)


def test_one_changed_byte_is_found_without_a_job(
    url: str, files: dict[str, str | bytes], engineer: User
) -> None:
    run, version = registered(url, files, engineer)
    assert checks.verify_artifacts(version).passed
    content = bytearray(files["model/input_example.npy"])  # type: ignore[arg-type]
    content[-1] ^= 1
    log_file(url, run.run_id, "model/input_example.npy", bytes(content))
    found = checks.verify_artifacts(version)

    assert (found.passed, found.details["changed"]) == (False, ["input_example.npy"])
    assert not CheckResult.objects.exists()


def test_artifacts_that_are_gone_are_all_missing(
    url: str, files: dict[str, str | bytes], engineer: User
) -> None:
    run, version = registered(url, files, engineer)
    for path in files:
        delete(url, run, path)
    found = checks.verify_artifacts(version)

    assert not found.passed
    assert found.details["missing"] == ["MLmodel", "data/model.pt2", "input_example.npy"]


def test_files_that_fit_a_manifest_with_another_digest_do_not_pass(
    url: str, files: dict[str, str | bytes], engineer: User
) -> None:
    _run, version = registered(url, files, engineer)
    version.manifest_digest = "e" * 64
    found = checks.verify_artifacts(version)

    assert not found.passed
    assert "the stored manifest does not fit its digest" in found.summary


def test_a_pickle_fails_the_smoke_test_and_is_not_executed(url: str, engineer: User, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    bomb = pickle.dumps(Bomb(canary))
    _run, version = registered(
        url, {"model/MLmodel": MLMODEL, "model/data/model.pth": bomb, "model/data/model.pt2": bomb}, engineer
    )
    job = check(version, engineer)

    assert job.result == {"artifacts": True, "smoke_test": False}
    summary = results(version)["smoke_test"].summary
    assert "could run code" in summary
    assert "saved as pickle" in summary
    assert not canary.exists()
    pickle.loads(bomb)  # noqa: S301  it is a bomb indeed
    assert canary.exists()


def test_without_mlflow_the_job_waits_and_then_succeeds(
    url: str, files: dict[str, str | bytes], engineer: User, settings: Settings
) -> None:
    _run, version = registered(url, files, engineer)
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    job = check(version, engineer)
    assert job.state == "queued"
    assert results(version) == {}
    settings.MLFLOW_TRACKING_URI = url

    assert work(job).state == "succeeded"
    assert results(version)["smoke_test"].passed


def test_a_job_that_is_cut_off_after_the_first_result_stores_it_once(
    url: str, files: dict[str, str | bytes], engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run, version = registered(url, files, engineer)
    with transaction.atomic():
        job = checks.ensure(version, user=engineer)
    assert job is not None
    with monkeypatch.context() as patch:
        patch.setattr(checks_job, "_smoke", killed)
        job = work_until_killed(job)
    job = work(job)

    assert job.state == "succeeded", job.error
    kinds = CheckResult.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["artifacts", "smoke_test"]
    assert AuditEntry.objects.filter(event="check.recorded").count() == 2


def test_a_running_job_is_cancelled(
    url: str, files: dict[str, str | bytes], engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run, version = registered(url, files, engineer)
    with transaction.atomic():
        job = checks.ensure(version, user=engineer)
    assert job is not None
    real = checks_job.artifact_check.compare

    def cancelled_meanwhile(*args: Any, between: Any, **options: Any) -> Any:
        jobs.cancel(job, user=engineer)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            between()
            time.sleep(0.1)
        return real(*args, between=between, **options)

    monkeypatch.setattr(checks_job.artifact_check, "compare", cancelled_meanwhile)
    assert work(job).state == "cancelled"
    assert results(version) == {}


def killed(*args: Any) -> Any:
    raise Killed


def delete(url: str, run: Run, path: str) -> None:
    """Delete one artifact behind our back, by the server's own interface."""
    place = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    address = f"{url}/api/2.0/mlflow-artifacts/artifacts/{place}/{path}"
    requests.delete(address, timeout=30).raise_for_status()
