"""Which job a worker takes: by priority, within the limits of repositories, whoever races with whom."""

import threading
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role
from audit.models import AuditEntry
from experiments import job_leases, job_priority, job_queue, job_reaper, outbox, repository_settings
from experiments.jobs import WrongStateError
from experiments.models import Job, Outbox, Priority, Repository
from experiments.runners import Outcome
from tests.jobs import make_job, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository() -> Repository:
    return make_repository(job_limit=1)


def finish(claimed: job_leases.ClaimedJob | None) -> None:
    assert claimed is not None
    assert job_leases.finish_success(claimed.fence, Outcome(), [])


def told() -> list[int]:
    waiting = Outbox.objects.filter(published_at=None, job__kind="pipeline")
    return list(waiting.order_by("pk").values_list("job_id", flat=True))


def at_once(claims: Iterable[int], workers: int) -> None:
    """Let every worker try to claim all of the jobs, all at the same time."""
    start = threading.Barrier(workers)

    def one(name: str) -> None:
        start.wait()
        for pk in claims:
            job_leases.claim(pk, name)
        connection.close()

    threads = [threading.Thread(target=one, args=(f"host:{number}",)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("limit", [1, 3])
def test_workers_that_race_never_run_more_than_the_limit(limit: int) -> None:
    repository = make_repository(job_limit=limit)
    jobs = [make_job(repository=repository).pk for _ in range(6)]
    at_once(jobs, workers=6)
    assert Job.objects.filter(state="running").count() == limit
    assert AuditEntry.objects.filter(event="job.started").count() == limit


def test_a_lost_job_keeps_its_place_until_it_is_settled(repository: Repository) -> None:
    make_job("lost", repository=repository)
    waiting = make_job(repository=repository)
    assert job_leases.claim(waiting.pk, "host:1") is None
    job_reaper.reap()
    assert job_leases.claim(waiting.pk, "host:1") is not None


def test_a_full_repository_keeps_nobody_else_waiting(repository: Repository) -> None:
    make_job("running", repository=repository)
    blocked = make_job(repository=repository, priority=Priority.HIGH)
    other = make_job(repository=make_repository("other"))
    fetch = make_job(kind="fetch", repository=repository)
    assert job_queue.candidates(blocked.pk) == [other.pk, fetch.pk]
    assert job_leases.claim(fetch.pk, "host:1") is not None


def test_the_end_of_a_job_tells_of_the_one_that_has_its_place_now(repository: Repository) -> None:
    running, low, next_one = (make_job(repository=repository) for _ in range(3))
    Job.objects.filter(pk=low.pk).update(priority=Priority.LOW)
    claimed = job_leases.claim(running.pk, "host:1")
    assert told() == []
    finish(claimed)
    assert told() == [next_one.pk]
    assert job_queue.candidates(low.pk)[0] == next_one.pk


def test_jobs_without_a_place_are_not_announced_again(repository: Repository) -> None:
    make_job("running", repository=repository)
    make_job(repository=repository)
    free = make_job(repository=make_repository("other"))
    assert list(outbox._announced()) == [free]


def test_the_best_of_the_queue_goes_first_whatever_message_comes() -> None:
    low, normal, high = (make_job(priority=one) for one in Priority)
    later = make_job(priority=Priority.HIGH)
    assert job_queue.candidates(low.pk) == [high.pk, later.pk, normal.pk, low.pk]


def test_who_has_waited_long_enough_is_not_passed_any_more(settings: Settings) -> None:
    settings.JOB_PATIENCE = 600
    long_ago = timezone.now() - timedelta(seconds=700)
    patient = make_job(priority=Priority.LOW, not_before=long_ago)
    high = make_job(priority=Priority.HIGH)
    assert job_queue.candidates(high.pk) == [patient.pk, high.pk]


def test_a_job_says_its_place_and_why_it_waits(repository: Repository) -> None:
    make_job("running", repository=repository)
    free, blocked = make_job(), make_job(repository=repository)
    later = make_job(not_before=timezone.now() + timedelta(minutes=5))
    found = job_queue.places([free, blocked, later])
    assert found == {free.pk: job_queue.Place(1, None), blocked.pk: job_queue.Place(2, 1)}


def test_a_raised_limit_tells_of_the_jobs_that_have_a_place_now(repository: Repository) -> None:
    make_job("running", repository=repository)
    first, second, _third = (make_job(repository=repository) for _ in range(3))
    administrator = make_user(Role.ADMINISTRATOR)
    repository_settings.change(repository, user=administrator, job_limit=2, push_allowed=False)
    assert told() == [first.pk, second.pk]
    entry = AuditEntry.objects.get(event="repository.changed")
    assert entry.data == {"before": {"job_limit": 1}, "after": {"job_limit": 2}}
    repository_settings.change(repository, user=administrator, job_limit=2, push_allowed=False)
    assert AuditEntry.objects.filter(event="repository.changed").count() == 1


def test_ones_own_job_may_go_behind_others_but_not_before_all() -> None:
    me, other = make_user(Role.ENGINEER), make_user(Role.ENGINEER)
    mine = make_job(user=me)
    job_priority.change(mine, Priority.LOW, user=me)
    assert Job.objects.get(pk=mine.pk).priority == Priority.LOW
    assert AuditEntry.objects.get(event="job.priority_changed").data == {"before": "normal", "after": "low"}
    with pytest.raises(PermissionDenied):
        job_priority.change(mine, Priority.HIGH, user=me)
    with pytest.raises(PermissionDenied):
        job_priority.change(mine, Priority.NORMAL, user=other)
    assert Job.objects.get(pk=mine.pk).priority == Priority.LOW


def test_a_job_that_runs_has_no_priority_to_change() -> None:
    with pytest.raises(WrongStateError):
        job_priority.change(make_job("running"), Priority.HIGH, user=make_user(Role.ADMINISTRATOR))
