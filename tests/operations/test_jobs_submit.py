"""Submitting, cancelling and retrying jobs, by people."""

import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import job_leases, jobs
from experiments.models import Job, Outbox, Repository
from experiments.runners import UnknownKindError
from experiments.signals import job_finished
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


def submit(user: User, **changes: Any) -> Job:
    return jobs.submit("probe", {"lr": 0.1}, user=user, **changes)


def events() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("sequence").values_list("event", "actor_name"))


def test_a_submitted_job_waits_with_its_announcement_and_its_audit_entry(engineer: User) -> None:
    repository = Repository.objects.create(name="receipts", url="file:///x", experiment_name="receipts")
    job = submit(engineer, repository=repository)
    assert (job.state, job.queue, job.attempt, job.max_attempts) == ("queued", "jobs", 0, 2)
    assert (job.submitted_by, job.submitted_by_name) == (engineer, "engineer")
    assert [step["name"] for step in job.steps] == ["only", "never"]
    announcement = Outbox.objects.get()
    assert (announcement.job, announcement.published_at) == (job, None)
    assert announcement.due_at == job.not_before
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.actor_name, entry.target_id) == ("job.submitted", "engineer", str(job.pk))
    assert entry.data["payload"] == '{"lr":0.1}'
    assert entry.data["repository"] == "receipts"


def test_who_may_not_submit_leaves_a_refusal_and_no_job() -> None:
    viewer = make_user(Role.VIEWER, username="viewer")
    with pytest.raises(PermissionDenied):
        submit(viewer)
    assert not Job.objects.exists()
    assert events() == [("permission.denied", "viewer")]


def test_an_unknown_kind_is_an_error(engineer: User) -> None:
    with pytest.raises(UnknownKindError, match="nonesuch"):
        jobs.submit("nonesuch", {}, user=engineer)


@pytest.mark.parametrize("value", [float("nan"), "a\x00b", "\ud800", 2**60 + 1])
def test_a_payload_that_some_database_cannot_hold_is_refused_before_anything_is_written(
    engineer: User, value: object
) -> None:
    with pytest.raises(ValueError):
        jobs.submit("probe", {"value": value}, user=engineer)
    assert not Job.objects.exists()
    assert not Outbox.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_payload_comes_back_with_its_types(engineer: User) -> None:
    job = jobs.submit("probe", {"rate": 1.0, "epochs": 1, "on": True}, user=engineer)
    types = {name: type(value) for name, value in Job.objects.get(pk=job.pk).payload.items()}
    assert types == {"rate": float, "epochs": int, "on": bool}


def test_the_same_key_twice_is_one_job(engineer: User) -> None:
    first = submit(engineer, key="form-1")
    assert submit(engineer, key="form-1") == first
    assert (Job.objects.count(), Outbox.objects.count(), AuditEntry.objects.count()) == (1, 1, 1)


def test_the_same_key_from_many_threads_at_once_is_one_job(engineer: User) -> None:
    found: list[int] = []
    start = threading.Barrier(6)

    def one() -> None:
        start.wait()
        found.append(submit(engineer, key="form-1").pk)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert (Job.objects.count(), Outbox.objects.count(), AuditEntry.objects.count()) == (1, 1, 1)


def test_a_waiting_job_is_cancelled_at_once_and_the_other_apps_hear_of_it(engineer: User) -> None:
    heard: list[str] = []

    def listener(job: Job, **_: Any) -> None:
        heard.append(f"{job.pk} {job.state}")

    job = submit(engineer)
    job_finished.connect(listener)
    try:
        jobs.cancel(job, user=engineer)
    finally:
        job_finished.disconnect(listener)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert job.finished_at is not None
    assert heard == [f"{job.pk} cancelled"]
    assert events()[-1] == ("job.cancelled", "engineer")
    assert job_leases.claim(job.pk, "w") is None


def test_a_running_job_is_told_once_that_it_should_end(engineer: User) -> None:
    job = submit(engineer)
    claimed = job_leases.claim(job.pk, "w")
    assert claimed is not None
    assert job_leases.cancel_requested(claimed.fence) is False
    jobs.cancel(job, user=engineer)
    jobs.cancel(job, user=engineer)
    job.refresh_from_db()
    assert (job.state, job.cancel_requested_by) == ("running", "engineer")
    assert job_leases.cancel_requested(claimed.fence) is True
    assert [event for event, _ in events()].count("job.cancel_requested") == 1


def test_a_finished_job_cannot_be_cancelled(engineer: User) -> None:
    job = submit(engineer)
    jobs.cancel(job, user=engineer)
    with pytest.raises(jobs.WrongStateError, match="finished"):
        jobs.cancel(job, user=engineer)


def test_only_an_administrator_cancels_the_jobs_of_others(engineer: User) -> None:
    job = submit(engineer)
    with pytest.raises(PermissionDenied):
        jobs.cancel(job, user=make_user(Role.ENGINEER))
    jobs.cancel(job, user=make_user(Role.ADMINISTRATOR, username="admin"))
    assert events()[-1] == ("job.cancelled", "admin")


def test_a_failed_job_that_a_person_retries_has_all_its_attempts_again(engineer: User) -> None:
    job = submit(engineer)
    for number in (1, 2):
        claimed = job_leases.claim(job.pk, "w")
        assert claimed is not None
        job_leases.finish_fail(claimed.fence, "no", [])
        row = jobs.retry(job, user=engineer)
        assert (row.state, row.attempt, row.max_attempts) == ("queued", number, number + 2)
        assert row.finished_at is None
    assert events()[-1] == ("job.retried", "engineer")
    assert Outbox.objects.filter(job=job, published_at=None).count() == 3


def test_a_cancelled_job_that_is_retried_is_not_cancelled_again(engineer: User) -> None:
    job = submit(engineer)
    claimed = job_leases.claim(job.pk, "w")
    assert claimed is not None
    jobs.cancel(job, user=engineer)
    job_leases.finish_cancelled(claimed.fence, [])
    jobs.retry(job, user=engineer)
    again = job_leases.claim(job.pk, "w")
    assert again is not None
    assert job_leases.cancel_requested(again.fence) is False


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_what_waits_runs_or_succeeded_cannot_be_retried(engineer: User, state: str) -> None:
    job = submit(engineer)
    Job.objects.filter(pk=job.pk).update(state=state)
    with pytest.raises(jobs.WrongStateError):
        jobs.retry(job, user=engineer)
    assert Outbox.objects.count() == 1


def test_who_may_not_submit_may_not_retry(engineer: User) -> None:
    job = submit(engineer)
    jobs.cancel(job, user=engineer)
    with pytest.raises(PermissionDenied):
        jobs.retry(job, user=make_user(Role.VIEWER))
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_only_an_administrator_retries_the_jobs_of_others(engineer: User) -> None:
    job = submit(engineer)
    jobs.cancel(job, user=engineer)
    with pytest.raises(PermissionDenied):
        jobs.retry(job, user=make_user(Role.ENGINEER))
    jobs.retry(job, user=make_user(Role.ADMINISTRATOR, username="admin"))
    assert events()[-1] == ("job.retried", "admin")
