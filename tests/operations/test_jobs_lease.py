"""Claims, leases, fences: what holds when workers race, fall silent or come back too late."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments import job_leases, job_reaper, jobs, workspaces
from experiments.job_fence import Fence
from experiments.job_leases import ClaimedJob
from experiments.models import Job, Outbox
from experiments.runners import FollowUp, Outcome
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]

LATE: list[Callable[[Fence], object]] = [
    job_leases.heartbeat,
    lambda fence: job_leases.save_progress(fence, [], "late"),
    lambda fence: job_leases.finish_success(fence, Outcome({"late": True}), []),
    lambda fence: job_leases.finish_fail(fence, "late", []),
    lambda fence: job_leases.finish_later(fence, "late", []),
    lambda fence: job_leases.finish_cancelled(fence, []),
    job_leases.release,
]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def job(engineer: User, settings: Settings, tmp_path: Path) -> Job:
    settings.DATA_DIR = tmp_path
    return jobs.submit("probe_fall", {}, user=engineer)


def claim(job: Job) -> ClaimedJob:
    Job.objects.filter(pk=job.pk).update(not_before=Now())
    claimed = job_leases.claim(job.pk, "host:1")
    assert claimed is not None
    return claimed


def fall_silent(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def last_event() -> tuple[str, Any]:
    entry = AuditEntry.objects.order_by("-sequence")[0]
    return entry.event, entry.data


def test_a_claim_makes_the_job_this_workers_for_the_length_of_a_lease(job: Job, settings: Settings) -> None:
    settings.JOB_LEASE = 30
    claimed = claim(job)
    row = fresh(job)
    assert claimed.fence == Fence(job.pk, 1)
    assert (row.state, row.attempt, row.worker) == ("running", 1, "host:1")
    assert row.lease_until is not None
    assert 25 < (row.lease_until - timezone.now()).total_seconds() < 31
    assert last_event() == ("job.started", {"attempt": 1, "worker": "host:1"})


def test_a_duplicate_message_finds_nothing_to_claim(job: Job) -> None:
    claim(job)
    assert job_leases.claim(job.pk, "host:2") is None
    assert fresh(job).attempt == 1


def test_a_job_that_is_not_due_yet_cannot_be_claimed(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=Now() + timedelta(seconds=60))
    assert job_leases.claim(job.pk, "host:1") is None


def test_of_many_claimers_at_once_one_wins(job: Job) -> None:
    start = threading.Barrier(8)
    won: list[str] = []

    def one(name: str) -> None:
        start.wait()
        if job_leases.claim(job.pk, name) is not None:
            won.append(name)
        connection.close()

    threads = [threading.Thread(target=one, args=(f"host:{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (fresh(job).attempt, fresh(job).worker) == (1, won[0])
    assert AuditEntry.objects.filter(event="job.started").count() == 1


def test_a_heartbeat_renews_the_lease(job: Job) -> None:
    claimed = claim(job)
    fall_silent(job)
    assert job_leases.heartbeat(claimed.fence)
    assert job_reaper.reap() == 0
    assert fresh(job).state == "running"


@pytest.mark.parametrize("write", LATE)
def test_a_worker_that_lost_its_job_to_another_attempt_writes_nothing(
    job: Job, write: Callable[[Fence], object]
) -> None:
    late = claim(job).fence
    fall_silent(job)
    job_reaper.reap()
    claim(job)
    before, entries = Job.objects.filter(pk=job.pk).values().get(), AuditEntry.objects.count()
    assert write(late) is False
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert AuditEntry.objects.count() == entries
    assert Job.objects.count() == 1


@pytest.mark.parametrize("write", LATE)
def test_a_worker_whose_job_was_queued_again_writes_nothing(
    job: Job, write: Callable[[Fence], object]
) -> None:
    late = claim(job).fence
    fall_silent(job)
    job_reaper.reap()
    assert write(late) is False
    assert fresh(job).state == "queued"


def test_success_is_written_together_with_what_follows(job: Job, engineer: User) -> None:
    outcome = Outcome({"sha": "abc"}, (FollowUp("probe", {"sha": "abc"}),))
    steps = [{"name": "only", "state": "done", "seconds": 1.0}]
    assert job_leases.finish_success(claim(job).fence, outcome, steps)
    row, child = fresh(job), Job.objects.get(parent=job)
    assert (row.state, row.result, row.steps, row.lease_until) == ("succeeded", {"sha": "abc"}, steps, None)
    assert (child.kind, child.key, child.submitted_by) == ("probe", f"{job.pk}:probe", engineer)
    assert Outbox.objects.filter(job=child, published_at=None).exists()
    assert trail.verify() is None


def test_follow_ups_go_on_when_the_submitter_is_gone(job: Job, engineer: User) -> None:
    claimed = claim(job)
    engineer.delete()
    assert job_leases.finish_success(claimed.fence, Outcome({}, (FollowUp("probe", {}),)), [])
    child = Job.objects.get(parent=job)
    assert (child.submitted_by, child.submitted_by_name) == (None, "engineer")


def test_a_passing_fault_is_tried_again_later_and_later_and_then_given_up(
    job: Job, settings: Settings
) -> None:
    for attempt, delay in ((1, 0), (2, 1)):
        job_leases.finish_later(claim(job).fence, "MLflow does not answer.", [])
        row = fresh(job)
        assert (row.state, row.error) == ("queued", "MLflow does not answer.")
        assert last_event() == (
            "job.retried",
            {"attempt": attempt, "reason": "MLflow does not answer.", "delay_seconds": delay},
        )
        newest = Outbox.objects.order_by("-pk")[0]
        assert (newest.published_at, newest.due_at) == (None, row.not_before)
        assert -1 < (row.not_before - timezone.now()).total_seconds() - delay < 1
    job_leases.finish_later(claim(job).fence, "MLflow does not answer.", [])
    row = fresh(job)
    assert row.state == "failed"
    assert row.error == "MLflow does not answer. (Given up after 3 attempts.)"
    assert row.finished_at is not None


def test_a_passing_fault_after_a_cancel_ends_the_job(job: Job, engineer: User) -> None:
    claimed = claim(job)
    jobs.cancel(job, user=engineer)
    job_leases.finish_later(claimed.fence, "MLflow does not answer.", [])
    assert fresh(job).state == "cancelled"


def test_a_job_given_back_by_its_worker_has_used_no_attempt(job: Job) -> None:
    claimed = claim(job)
    assert job_leases.release(claimed.fence)
    row = fresh(job)
    assert (row.state, row.attempt, row.max_attempts) == ("queued", 1, 4)
    assert claim(job).fence.attempt == 2


def test_the_job_of_a_silent_worker_is_lost_and_queued_again(job: Job) -> None:
    claim(job)
    fall_silent(job)
    assert job_reaper.reap() == 1
    row = fresh(job)
    assert (row.state, row.lost, row.attempt) == ("queued", 1, 1)
    assert list(AuditEntry.objects.order_by("sequence").values_list("event", flat=True)[2:]) == [
        "job.lost",
        "job.retried",
    ]
    assert job_leases.claim(job.pk, "host:2") is not None


def test_a_job_that_is_lost_every_time_is_given_up_in_words(job: Job) -> None:
    for _ in range(3):
        claim(job)
        fall_silent(job)
        job_reaper.reap()
    row = fresh(job)
    assert (row.state, row.error) == ("failed", "Its worker fell silent (3 times).")


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(job: Job, engineer: User) -> None:
    claim(job)
    jobs.cancel(job, user=engineer)
    fall_silent(job)
    job_reaper.reap()
    assert fresh(job).state == "cancelled"


def test_a_job_that_is_cancelled_while_it_is_lost_is_tidied_up_first(job: Job, engineer: User) -> None:
    folder = workspaces.path(claim(job).fence)
    folder.mkdir(parents=True)
    Job.objects.filter(pk=job.pk).update(state="lost")
    jobs.cancel(job, user=engineer)
    assert (fresh(job).state, fresh(job).cancel_requested_by) == ("lost", "engineer")
    job_reaper.reap()
    assert fresh(job).state == "cancelled"
    assert not folder.exists()


def test_a_reaper_that_died_half_way_is_continued_by_the_next(job: Job) -> None:
    claim(job)
    Job.objects.filter(pk=job.pk).update(state="lost")
    assert job_reaper.reap() == 1
    assert fresh(job).state == "queued"


def test_many_reapers_at_once_queue_a_job_once(job: Job) -> None:
    claim(job)
    fall_silent(job)
    start = threading.Barrier(4)

    def one() -> None:
        start.wait()
        job_reaper.reap()
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (fresh(job).state, fresh(job).lost) == ("queued", 1)
    assert AuditEntry.objects.filter(event="job.lost").count() == 1
    assert Outbox.objects.filter(job=job).count() == 2


def test_the_reaper_removes_the_folder_of_the_lost_attempt(job: Job) -> None:
    fence = claim(job).fence
    folder = workspaces.path(fence)
    (folder / "sealed").mkdir(parents=True)
    (folder / "sealed" / "data").touch()
    (folder / "sealed").chmod(0o500)
    fall_silent(job)
    job_reaper.reap()
    assert not folder.exists()


@pytest.mark.parametrize("meanwhile", ["renewed", "finished", "claimed again"])
def test_a_job_that_got_on_while_the_reaper_looked_is_left_alone(
    job: Job, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    fence = claim(job).fence
    fall_silent(job)
    seen = list(Job.objects.all())
    if meanwhile == "renewed":
        job_leases.heartbeat(fence)
    elif meanwhile == "finished":
        job_leases.finish_success(fence, Outcome(), [])
    else:
        job_leases.release(fence)
        claim(job)
        fall_silent(job)
    before = Job.objects.filter(pk=job.pk).values().get()
    monkeypatch.setattr(job_reaper, "_overdue", lambda: seen)
    assert job_reaper.reap() == 0
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert not AuditEntry.objects.filter(event="job.lost").exists()


def test_one_odd_job_does_not_keep_the_reaper_from_the_others(
    job: Job, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = jobs.submit("probe", {}, user=engineer)
    remove = workspaces.remove

    def fails_for_the_first(fence: Fence) -> None:
        if fence.job_id == job.pk:
            raise OSError("a disk of its own")
        remove(fence)

    monkeypatch.setattr(workspaces, "remove", fails_for_the_first)
    for row in (job, other):
        claim(row)
        fall_silent(row)
    assert job_reaper.reap() == 1
    assert (fresh(job).state, fresh(other).state) == ("lost", "queued")


def test_the_clock_of_a_worker_does_not_matter(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = timezone.now() + timedelta(hours=3)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    claim(job)
    assert job_reaper.reap() == 0
    assert fresh(job).state == "running"


def test_marks_differ_between_jobs_attempts_and_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = {Fence(1, 1).marker, Fence(1, 2).marker, Fence(2, 1).marker}
    monkeypatch.setitem(connection.settings_dict, "NAME", "another")
    marks.add(Fence(1, 1).marker)
    assert len(marks) == 4
