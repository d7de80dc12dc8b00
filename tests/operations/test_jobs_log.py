"""The log of a job: complete, in order, bounded, and written by the attempt that holds the job."""

import threading
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.roles import Role
from experiments import job_leases, job_logs, jobs
from experiments.job_fence import Fence
from experiments.job_logs import JobLogWriter
from experiments.models import Job, JobLog
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]


@pytest.fixture
def job() -> Job:
    return jobs.submit("probe", {}, user=make_user(Role.ENGINEER))


@pytest.fixture
def fence(job: Job) -> Fence:
    claimed = job_leases.claim(job.pk, "w")
    assert claimed is not None
    return claimed.fence


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def test_lines_are_stored_in_batches_and_read_in_order(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence)
    writer.write("\n".join(numbered(1, 450)))
    assert writer.flush()
    writer.write("line 451")
    assert writer.flush()
    assert list(job.log.values_list("first_line", "lines")) == [(1, 200), (201, 200), (401, 50), (451, 1)]
    assert job_logs.read(job).lines == numbered(1, 451)


@pytest.mark.parametrize("limit", [1, 7, 200, 333, 1000])
def test_a_reader_that_follows_sees_every_line_once(job: Job, fence: Fence, limit: int) -> None:
    writer = JobLogWriter(fence)
    for start in (1, 2, 3, 254, 255):
        writer.write("\n".join(numbered(start, {1: 1, 2: 2, 3: 253, 254: 254, 255: 700}[start])))
        writer.flush()
    seen: list[str] = []
    while True:
        page = job_logs.read(job, len(seen), limit)
        assert page.first == len(seen) + 1
        assert len(page.lines) <= limit
        seen += page.lines
        assert page.last == len(seen)
        if not page.more:
            break
    assert seen == numbered(1, 700)


def test_empty_lines_are_lines(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence)
    writer.write("")
    writer.write("a\n\nb")
    writer.flush()
    assert job_logs.read(job).lines == ["", "a", "", "b"]


def test_reading_takes_one_query_however_many_batches_there_are(
    job: Job, fence: Fence, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writer = JobLogWriter(fence)
    for number in range(20):
        writer.write(f"line {number}")
        writer.flush()
    with django_assert_num_queries(1):
        job_logs.read(job, 10)


def test_the_next_attempt_goes_on_counting(job: Job, fence: Fence, settings: Settings) -> None:
    writer = JobLogWriter(fence)
    writer.write("one\ntwo")
    writer.flush()
    job_leases.finish_later(fence, "later", [])
    Job.objects.filter(pk=job.pk).update(not_before=Now())
    again = job_leases.claim(job.pk, "w")
    assert again is not None
    second = JobLogWriter(again.fence, again.next_line)
    second.write("three")
    assert second.flush()
    assert job_logs.read(job).lines == ["one", "two", "three"]
    assert list(job.log.values_list("attempt", flat=True)) == [1, 2]


def test_an_attempt_that_lost_the_job_adds_nothing(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence)
    job_leases.release(fence)
    writer.write("too late")
    assert writer.flush() is False
    assert not JobLog.objects.exists()


def test_of_a_log_that_is_too_long_the_beginning_and_the_end_are_kept(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence, max_lines=1000)
    for start in range(1, 3001, 500):
        writer.write("\n".join(numbered(start, start + 499)))
        writer.flush()
    writer.close()
    writer.flush()
    lines = job_logs.read(job, limit=10_000).lines
    assert lines[:1000] == numbered(1, 1000)
    assert "1800 lines are not kept" in lines[1000]
    assert lines[1001:] == numbered(2801, 3000)


def test_a_log_that_just_fits_is_whole_and_carries_no_notice(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence, max_lines=1000)
    for start in range(1, 1101, 100):
        writer.write("\n".join(numbered(start, start + 99)))
    writer.close()
    writer.flush()
    assert job_logs.read(job, limit=10_000).lines == numbered(1, 1100)


def test_lines_survive_a_database_that_is_away_for_a_moment(
    job: Job, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JobLogWriter(fence)
    writer.write("kept")

    def away(_: Fence) -> None:
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(Fence, "lock", away)
        with pytest.raises(OperationalError):
            writer.flush()
    assert writer.flush()
    assert job_logs.read(job).lines == ["kept"]


def test_a_program_that_writes_faster_than_the_database_has_to_wait(job: Job, fence: Fence) -> None:
    writer = JobLogWriter(fence)
    thread = threading.Thread(target=lambda: writer.write("\n".join(numbered(1, 30_000))))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    while thread.is_alive():
        writer.flush()
    writer.close()
    writer.flush()
    assert job_logs.read(job, limit=50_000).lines == numbered(1, 30_000)


def test_what_no_database_can_hold_does_not_reach_it(job: Job, fence: Fence, tmp_path: Path) -> None:
    writer = JobLogWriter(fence)
    writer.write("a\x00b\ud800 \x1b[1mc")
    writer.flush()
    assert job_logs.read(job).lines == ["ab\ufffd c"]
