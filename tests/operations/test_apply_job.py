"""Stages that were decided here, mirrored into a real MLflow server."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow import MlflowClient
from pytest_django import Settings

from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from integrations.mlflow_server import MLflowServer
from registry import mirror, promotion
from registry.models import MirrorLease, ModelVersion, Promotion
from tests.faults import lossy_proxy
from tests.mlflow_registry import (
    Killed,
    log_of,
    real_version,
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
from tests.versions import make_version

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]

PRODUCTION = ("Production", ("champion",), "Production")
STAGING = ("Staging", ("challenger",), "Staging")
ARCHIVED = ("Archived", (), "Archived")
NOWHERE = ("None", (), "Development")


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def version(url: str, name: str) -> Any:
    """Make a version that is in MLflow, too."""
    return lambda number: real_version(url, name, number)


@pytest.fixture
def approve() -> Any:
    """Have a version promoted to stages, one after the other; return the last promotion."""
    engineer, reviewer = make_user(Role.ENGINEER), make_user(Role.REVIEWER)
    set_rules()

    def decide(candidate: ModelVersion, *stages: str) -> Promotion:
        for stage in stages:
            candidate.refresh_from_db()
            asked = promotion.open_for(candidate, stage, user=engineer)
            promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest)
        asked.refresh_from_db()
        return asked

    return decide


def queued() -> list[Job]:
    return list(Job.objects.filter(kind="apply", state="queued").order_by("pk"))


def apply_all() -> list[Job]:
    done = [work(job) for job in queued()]
    assert {job.state for job in done} == {"succeeded"}, [job.error for job in done]
    return done


def applied(asked: Promotion) -> list[dict[str, Any]]:
    """Return what the trail says about the application of a promotion."""
    entries = AuditEntry.objects.filter(event="promotion.applied", target_id=str(asked.pk))
    return [dict(entry.data) for entry in entries]


def test_after_a_promotion_stage_alias_and_tag_agree(url: str, name: str, version: Any, approve: Any) -> None:
    one, two = version("1.0.0"), version("1.1.0")
    to_staging = approve(one, "Staging")
    [job] = apply_all()
    assert there(url, name)[1] == STAGING
    assert job.result == {"model": name, "changed": ["1.0.0", "1.1.0"], "applied": [to_staging.pk]}
    assert [(step["name"], step["state"]) for step in job.steps] == [
        ("verify artifacts", "done"),
        ("write to MLflow", "done"),
        ("record", "done"),
    ]
    assert f"MLflow version 1 ({one}): stage Staging" in log_of(job)
    assert f"Promotion {to_staging.pk} is applied." in log_of(job)

    approve(one, "Production")
    apply_all()
    assert there(url, name) == {1: PRODUCTION, 2: NOWHERE}
    approve(two, "Staging")
    apply_all()
    assert there(url, name) == {1: PRODUCTION, 2: STAGING}


def test_the_incumbent_is_archived_and_loses_its_alias(
    url: str, name: str, version: Any, approve: Any
) -> None:
    old, new = version("1.0.0"), version("1.1.0")
    approve(old, "Staging", "Production")
    apply_all()
    approve(new, "Staging", "Production")
    apply_all()
    assert there(url, name) == {1: ARCHIVED, 2: PRODUCTION}


def test_several_queued_jobs_converge_and_each_promotion_is_applied_once(
    url: str, name: str, version: Any, approve: Any
) -> None:
    one, two = version("1.0.0"), version("1.1.0")
    approve(one, "Staging", "Production")
    approve(two, "Staging", "Production")
    assert len(queued()) == 4
    for job in reversed(queued()):
        assert work(job).state == "succeeded"
    assert there(url, name) == {1: ARCHIVED, 2: PRODUCTION}
    for asked in Promotion.objects.all():
        assert asked.state == Promotion.State.APPLIED
        assert asked.applied_at is not None
        assert len(applied(asked)) == 1
    assert trail.verify() is None


def test_jobs_of_one_model_at_once_take_turns(
    url: str, name: str, version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = version("1.0.0"), version("1.1.0")
    approve(one, "Staging", "Production")
    approve(two, "Staging", "Production")
    inside, together = [0], [0]
    make = mirror._Mirroring._make

    def watched(self: mirror._Mirroring, change: Any) -> None:
        inside[0] += 1
        together[0] = max(together[0], inside[0])
        make(self, change)
        inside[0] -= 1

    monkeypatch.setattr(mirror._Mirroring, "_make", watched)
    done = work_at_once(*queued())
    assert [(job.state, job.error) for job in done] == [("succeeded", "")] * 4
    assert together == [1]
    assert there(url, name) == {1: ARCHIVED, 2: PRODUCTION}
    assert all(len(applied(asked)) == 1 for asked in Promotion.objects.all())
    assert not MirrorLease.objects.exists()


def test_mlflow_down_at_the_approval_only_delays_what_is_seen_there(
    url: str, name: str, version: Any, approve: Any, settings: Settings
) -> None:
    one = version("1.0.0")
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    asked = approve(one, "Staging")
    one.refresh_from_db()
    assert (one.stage, asked.state, asked.applied_at) == ("Staging", Promotion.State.APPROVED, None)
    [job] = queued()
    job = work(job)
    assert job.state == "queued"
    assert "cannot be reached" in job.error
    assert applied(asked) == []

    settings.MLFLOW_TRACKING_URI = url
    assert work(job).state == "succeeded"
    asked.refresh_from_db()
    assert asked.state == Promotion.State.APPLIED
    assert asked.decided_at < asked.applied_at
    assert applied(asked) == [{"job": job.pk, "mlflow_version": 1}]
    assert there(url, name) == {1: STAGING}


def test_lost_answers_of_mlflow_change_nothing(
    url: str, name: str, version: Any, approve: Any, settings: Settings
) -> None:
    asked = approve(version("1.0.0"), "Staging", "Production")
    with lossy_proxy(url) as proxy:
        settings.MLFLOW_TRACKING_URI = proxy.url
        for mark in ("transition-stage", "registered-models/alias", "model-versions/set-tag"):
            proxy.lose(mark)
        apply_all()
        assert proxy.lost == 3
    assert there(url, name) == {1: PRODUCTION}
    assert len(applied(asked)) == 1


@pytest.mark.parametrize("call", ["set_stage", "set_alias", "set_version_tags"])
def test_a_job_killed_in_the_middle_is_completed_by_the_next_attempt(
    url: str, name: str, version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    old, new = version("1.0.0"), version("1.1.0")
    approve(old, "Staging", "Production")
    apply_all()
    asked = approve(new, "Staging", "Production")
    job = queued()[-1]

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(MLflowServer, call, killed)
        work_until_killed(job)
    assert work(job).state == "succeeded"
    assert there(url, name) == {1: ARCHIVED, 2: PRODUCTION}
    assert len(applied(asked)) == 1


def test_without_the_audit_entry_a_promotion_is_not_applied(
    name: str, version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = approve(version("1.0.0"), "Staging")
    record = trail.record

    def fail(event: str, **facts: Any) -> Any:
        if event == "promotion.applied":
            raise OSError("disk full")
        return record(event, **facts)

    [job] = queued()
    with monkeypatch.context() as patch:
        patch.setattr(trail, "record", fail)
        assert work(job).state == "failed"
    asked.refresh_from_db()
    assert (asked.state, asked.applied_at) == (Promotion.State.APPROVED, None)


def test_a_promotion_that_is_applied_already_is_left_as_it_is(version: Any, approve: Any) -> None:
    asked = approve(version("1.0.0"), "Staging")
    apply_all()
    asked.refresh_from_db()
    before = asked.applied_at
    again = submitted(make_user(Role.REVIEWER), "apply", {"model": asked.version.model.name})
    again = work(again)
    assert again.result["changed"] == again.result["applied"] == []
    assert "nothing was changed" in log_of(again)
    asked.refresh_from_db()
    assert asked.applied_at == before
    assert len(applied(asked)) == 1


def test_an_attempt_that_lost_its_job_applies_nothing(
    version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = approve(version("1.0.0"), "Staging")
    [job] = queued()
    converge = mirror._Mirroring._converge

    def lose(self: mirror._Mirroring) -> Any:
        found = converge(self)
        Job.objects.filter(pk=job.pk).update(attempt=2)
        return found

    monkeypatch.setattr(mirror._Mirroring, "_converge", lose)
    work(job)
    asked.refresh_from_db()
    assert asked.state == Promotion.State.APPROVED


def test_a_promotion_that_somebody_marked_meanwhile_is_not_marked_again(
    version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = approve(version("1.0.0"), "Staging")
    converge = mirror._Mirroring._converge

    def mark_first(self: mirror._Mirroring) -> Any:
        found = converge(self)
        Promotion.objects.filter(pk=asked.pk).update(state="applied", applied_at=asked.opened_at)
        return found

    monkeypatch.setattr(mirror._Mirroring, "_converge", mark_first)
    [job] = apply_all()
    asked.refresh_from_db()
    assert job.result["applied"] == []
    assert asked.applied_at == asked.opened_at
    assert applied(asked) == []


def test_a_version_deleted_in_mlflow_is_named_and_the_rest_is_mirrored(
    url: str, name: str, version: Any, approve: Any
) -> None:
    old, new = version("1.0.0"), version("1.1.0")
    approve(old, "Staging", "Production")
    apply_all()
    asked = approve(new, "Staging", "Production")
    MlflowClient(url).delete_model_version(name, "2")

    job = work(queued()[-1])
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error == (
        f"Deleted in MLflow: {new} (Production, MLflow version 2). MLflow cannot bring a version back."
    )
    assert there(url, name) == {1: ARCHIVED}
    asked.refresh_from_db()
    new.refresh_from_db()
    assert asked.state == Promotion.State.APPROVED
    assert new.mlflow_problem == "MLflow has no version 2 of this model any more."


def test_a_model_deleted_in_mlflow_is_an_error_in_words(
    url: str, name: str, version: Any, approve: Any
) -> None:
    approve(version("1.0.0"), "Staging")
    MlflowClient(url).delete_registered_model(name)
    job = work(queued()[0])
    assert job.state == "failed"
    assert job.error.startswith("Deleted in MLflow: ")


def test_an_old_version_deleted_in_mlflow_hinders_nobody(
    url: str, name: str, version: Any, approve: Any
) -> None:
    draft, one = version("0.9.0"), version("1.0.0")
    MlflowClient(url).delete_model_version(name, "1")
    approve(one, "Staging")
    [job] = apply_all()
    assert f"{draft}: MLflow has no version 1 of this model any more." in log_of(job)
    assert there(url, name) == {2: STAGING}


def test_what_somebody_moved_in_mlflow_is_put_right_by_the_next_job(
    url: str, name: str, version: Any, approve: Any
) -> None:
    one, two, three = version("1.0.0"), version("1.1.0"), version("1.2.0")
    approve(one, "Staging", "Production")
    approve(two, "Staging")
    apply_all()
    client = MlflowClient(url)
    client.set_registered_model_alias(name, "champion", "3")
    client.set_registered_model_alias(name, "challenger", "1")
    client.transition_model_version_stage(name, "3", "Production", archive_existing_versions=True)
    client.set_model_version_tag(name, "2", "stagegate.stage", "Production")

    approve(three, "Staging")
    apply_all()
    assert there(url, name) == {1: PRODUCTION, 2: ("Staging", (), "Staging"), 3: STAGING}


def test_somebody_who_keeps_moving_it_is_met_by_another_attempt(
    url: str, name: str, version: Any, approve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(version("1.0.0"), "Staging")
    make = mirror._Mirroring._make

    def undone(self: mirror._Mirroring, change: Any) -> None:
        make(self, change)
        MlflowClient(url).delete_registered_model_alias(name, "challenger")

    [job] = queued()
    with monkeypatch.context() as patch:
        patch.setattr(mirror._Mirroring, "_make", undone)
        job = work(job)
    assert (job.state, job.error) == ("queued", f"Somebody else keeps changing {name} in MLflow.")
    assert work(job).state == "succeeded"
    assert there(url, name) == {1: STAGING}


def test_a_version_without_a_number_is_skipped(url: str, name: str, version: Any, approve: Any) -> None:
    approve(version("1.0.0"), "Staging")
    waiting = make_version("1.1.0", model=name, mlflow_version=None)
    asked = approve(waiting, "Staging")
    _first, second = apply_all()
    assert f"{waiting} is not in MLflow yet" in log_of(second)
    assert there(url, name) == {1: STAGING}
    asked.refresh_from_db()
    assert asked.state == Promotion.State.APPROVED
