"""Registration that is cut off, repeated, or raced: one number, one row, one version in MLflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now
from mlflow import MlflowClient
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments import jobs
from experiments.models import Job, Run
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry import mirror_lease, promotion, registration, version_rows
from registry.models import MirrorLease, ModelVersion, Promotion, RegisteredModel
from tests.faults import lossy_proxy
from tests.mlflow_registry import (
    Killed,
    log_of,
    log_run,
    submitted,
    there,
    unique,
    work,
    work_at_once,
    work_until_killed,
)
from tests.people import make_user
from tests.promotions import set_rules
from tests.servers import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def job(url: str, name: str, engineer: User) -> Job:
    return registration.register(log_run(url), name, user=engineer)


def events(name: str) -> list[str]:
    return list(AuditEntry.objects.filter(model_name=name).values_list("event", flat=True))


def assert_registered_once(url: str, job: Job) -> None:
    job.refresh_from_db()
    assert (job.state, job.error) == ("succeeded", "")
    version = ModelVersion.objects.get()
    assert (version.version, version.mlflow_version, version.mlflow_problem) == ("1.0.0", 1, "")
    assert there(url, job.payload["model"]) == {1: ("None", (), "Development")}
    assert events(job.payload["model"]) == EVENTS
    assert not MirrorLease.objects.exists()
    assert trail.verify() is None


EVENTS = ["model.registered", "version.registered", "card.revised", "version.mirrored"]

#: The calls that make a registration, in order.
POINTS = [
    (version_rows, "create"),
    (mirror_lease, "held"),
    (MLflowServer, "find_or_create_model_version"),
    (version_rows, "set_number"),
    (MLflowServer, "set_version_tags"),
]


def failing(call: Callable[..., Any], error: BaseException, *, afterwards: bool) -> Callable[..., Any]:
    def fail(*arguments: Any, **options: Any) -> Any:
        if afterwards:
            call(*arguments, **options)
        raise error

    return fail


@pytest.mark.parametrize("afterwards", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[1])
def test_a_job_killed_at_any_point_is_completed_by_the_next_attempt(
    url: str, job: Job, monkeypatch: pytest.MonkeyPatch, point: tuple[Any, str], afterwards: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*point, failing(getattr(*point), Killed(), afterwards=afterwards))
        assert work_until_killed(job).state == "queued"
    work(job)
    assert_registered_once(url, job)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[1])
def test_a_fault_that_passes_is_met_by_another_attempt(
    url: str, job: Job, monkeypatch: pytest.MonkeyPatch, point: tuple[Any, str]
) -> None:
    error = IntegrationError("MLflow is busy.", permanent=False)
    with monkeypatch.context() as patch:
        patch.setattr(*point, failing(getattr(*point), error, afterwards=True))
        job = work(job)
    assert (job.state, job.error) == ("queued", "MLflow is busy.")
    work(job)
    assert_registered_once(url, job)


def test_lost_answers_of_mlflow_make_no_second_version(url: str, job: Job, settings: Settings) -> None:
    with lossy_proxy(url) as proxy:
        settings.MLFLOW_TRACKING_URI = proxy.url
        for mark in ("registered-models/create", "model-versions/create", "model-versions/set-tag"):
            proxy.lose(mark)
        work(job)
        assert proxy.lost == 3
    assert_registered_once(url, job)


def test_a_creation_whose_answer_is_lost_for_good_is_found_by_the_next_attempt(
    url: str, job: Job, settings: Settings
) -> None:
    with lossy_proxy(url) as proxy:
        settings.MLFLOW_TRACKING_URI = proxy.url
        proxy.lose("model-versions/create")
        # and every answer to the search for what it made; the one before it is let through
        proxy.pass_by("model-versions/search")
        proxy.lose("model-versions/search", times=100)
        assert work(job).state == "queued"
    settings.MLFLOW_TRACKING_URI = url
    assert [*there(url, job.payload["model"])] == [1]
    assert ModelVersion.objects.get().mlflow_version is None
    work(job)
    assert_registered_once(url, job)


def test_mlflow_down_leaves_nothing_and_the_job_is_done_when_it_is_back(
    url: str, job: Job, settings: Settings
) -> None:
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    job = work(job)
    assert job.state == "queued"
    assert "cannot be reached" in job.error
    assert not ModelVersion.objects.exists()
    settings.MLFLOW_TRACKING_URI = url
    work(job)
    assert_registered_once(url, job)


def test_a_lasting_refusal_of_mlflow_stands_with_the_version_until_a_person_retries(
    url: str, job: Job, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = IntegrationError("MLflow wants credentials.", permanent=True)
    with monkeypatch.context() as patch:
        call = MLflowServer.find_or_create_model_version
        patch.setattr(MLflowServer, call.__name__, failing(call, error, afterwards=False))
        assert work(job).state == "failed"
    assert ModelVersion.objects.get().mlflow_problem == "MLflow wants credentials."
    jobs.retry(job, user=engineer)
    job = work(job)
    assert "is recorded already" in log_of(job)
    assert [step["state"] for step in job.steps] == [*["skipped"] * 4, "done"]
    assert_registered_once(url, job)


def test_an_attempt_that_lost_its_job_writes_nothing(
    url: str, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*arguments: Any) -> ModelVersion:
        Job.objects.filter(pk=job.pk).update(attempt=2)
        return create(*arguments)

    create = version_rows.create
    monkeypatch.setattr(version_rows, "create", lose)
    work(job)
    assert not ModelVersion.objects.exists()
    assert there(url, job.payload["model"]) == {}


def wanting_the_same(runs: list[Run], name: str, people: list[User]) -> list[Job]:
    """Queue a registration for each run, none of which saw the others when its number was chosen."""
    payloads = [registration.prepare(run, name) for run in runs]
    return [submitted(user, "register", asked) for user, asked in zip(people, payloads, strict=True)]


def test_of_two_runs_that_want_the_same_number_the_second_is_told_and_mlflow_has_one_version(
    url: str, name: str, engineer: User
) -> None:
    runs = [log_run(url), log_run(url)]
    first, second = wanting_the_same(runs, name, [engineer, engineer])
    assert first.payload["version"] == second.payload["version"] == "1.0.0"
    assert work(first).state == "succeeded"
    second = work(second)
    assert (second.state, second.attempt) == ("failed", 1)
    assert second.error == (
        f"{name}@1.0.0 was registered meanwhile, from the run {runs[0].name}. Register this run again to get "
        "the next version."
    )
    assert "Traceback" not in log_of(second)
    assert [*there(url, name)] == [1]
    assert registration.register(runs[1], name, user=engineer).payload["version"] == "1.0.1"


def test_of_two_people_who_want_the_same_number_at_once_one_gets_it(url: str, name: str) -> None:
    people = [make_user(Role.ENGINEER) for _ in range(4)]
    asked = wanting_the_same([log_run(url) for _ in people], name, people)
    done = work_at_once(*asked)
    assert sorted(job.state for job in done) == ["failed", "failed", "failed", "succeeded"]
    assert all("was registered meanwhile" in job.error for job in done if job.state == "failed")
    assert ModelVersion.objects.count() == RegisteredModel.objects.count() == 1
    assert there(url, name) == {1: ("None", (), "Development")}
    assert events(name) == EVENTS


def test_two_people_register_different_versions_of_a_new_model_at_once(url: str, name: str) -> None:
    asked = [
        registration.register(log_run(url), name, user=make_user(Role.ENGINEER), version=number)
        for number in ("1.0.0", "2.0.0", "3.0.0")
    ]
    done = work_at_once(*asked)
    assert [(job.state, job.error) for job in done] == [("succeeded", "")] * 3
    rows = {row.mlflow_version: row for row in ModelVersion.objects.all()}
    assert sorted(rows) == [1, 2, 3]
    for record in MLflowServer(url).model_versions(name):
        assert record.tags["model_version"] == rows[record.version].version
        assert record.run_id == rows[record.version].run_id
    assert sorted(events(name)).count("model.registered") == 1
    assert trail.verify() is None


def test_two_jobs_for_the_same_run_and_number_make_one_version(url: str, job: Job, engineer: User) -> None:
    twin = submitted(engineer, "register", job.payload)
    assert [one.state for one in work_at_once(job, twin)] == ["succeeded", "succeeded"]
    assert_registered_once(url, job)


def test_a_version_that_is_promoted_before_mlflow_has_it_is_applied_once_it_does(
    url: str, job: Job, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        error = IntegrationError("MLflow is busy.", permanent=False)
        patch.setattr(MLflowServer, "find_or_create_model_version", failing(len, error, afterwards=False))
        work(job)
    set_rules()
    asked = promotion.open_for(ModelVersion.objects.get(), "Staging", user=engineer)
    reviewer = make_user(Role.REVIEWER)
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest)

    early = work(Job.objects.get(kind="apply"))
    assert early.state == "succeeded", early.error
    assert "is not in MLflow yet and is left out" in log_of(early)
    asked.refresh_from_db()
    assert asked.state == Promotion.State.APPROVED

    assert work(job).state == "succeeded"
    assert work(Job.objects.get(kind="apply", parent=job)).state == "succeeded"
    asked.refresh_from_db()
    assert asked.state == Promotion.State.APPLIED
    assert there(url, job.payload["model"]) == {1: ("Staging", ("challenger",), "Staging")}


def hold_lease(model: RegisteredModel) -> Job:
    """Have a job that runs elsewhere write `model` to MLflow now."""
    other = submitted(make_user(Role.ENGINEER), "apply", {"model": model.name, "promotion": None})
    Job.objects.filter(pk=other.pk).update(state="running", attempt=1, lease_until=Now())
    MirrorLease.objects.create(model=model, job=other.pk, attempt=1)
    return other


def test_a_job_waits_for_another_that_writes_the_same_model_and_is_then_tried_again(
    url: str, job: Job, name: str, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_lease, "WAIT_SECONDS", 0.5)
    model = RegisteredModel.objects.create(name=name, created_at=Now(), created_by="somebody")
    other = hold_lease(model)
    waiting = work(job)
    assert waiting.state == "queued"
    assert waiting.error == f"Another job is writing {name} to MLflow; this one follows."
    assert there(url, name) == {}

    Job.objects.filter(pk=other.pk).update(state="lost")  # its worker was killed and leaves the lease behind
    assert work(job).state == "succeeded"
    assert not MirrorLease.objects.exists()


def test_a_version_made_by_hand_is_taken_over_by_one_of_ours_only(
    url: str, job: Job, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = job.payload
    MlflowClient(url).create_registered_model(asked["model"])
    MlflowClient(url).create_model_version(asked["model"], f"runs:/{asked['run_id']}/model", asked["run_id"])
    with monkeypatch.context() as patch:
        patch.setattr(MLflowServer, "set_version_tags", failing(len, Killed(), afterwards=False))
        work_until_killed(job)
    assert ModelVersion.objects.get().mlflow_version == 1
    other = submitted(engineer, "register", {**asked, "version": "1.0.1"})
    assert work(other).result["mlflow_version"] == 2
    assert work(job).result["mlflow_version"] == 1
    tags = {
        one.version: one.tags["model_version"] for one in MLflowServer(url).model_versions(asked["model"])
    }
    assert tags == {1: "1.0.0", 2: "1.0.1"}
