"""Who holds a row and waits for the trail never stops who holds the trail and refers to that row."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import users
from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.events import Event
from experiments import commit_index, job_changes, runners
from experiments.models import Commit, Job, Repository
from integrations.git_history import Tag
from lineage import gto_rows
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]


@pytest.fixture
def administrator() -> User:
    make_user(Role.ADMINISTRATOR, username="second")
    return make_user(Role.ADMINISTRATOR, username="first")


@pytest.fixture
def repository() -> Repository:
    return Repository.objects.create(name="receipts", url="file:///x", experiment_name="receipts")


def test_a_fetch_and_the_submission_of_what_follows_do_not_lock_each_other_out(
    administrator: User, repository: Repository
) -> None:
    new = Commit(repository=repository, sha="a" * 40, subject="x", author="x", committed_at=timezone.now())
    submit_during(lambda: commit_index._write(repository, [], [new], "main"), administrator, repository)
    assert Commit.objects.filter(repository=repository).exists()


def test_switching_an_account_off_and_submitting_for_it_do_not_lock_each_other_out(
    administrator: User, repository: Repository
) -> None:
    submit_during(lambda: users.set_active(administrator, False, by=None), administrator, repository)
    administrator.refresh_from_db()
    assert not administrator.is_active


def submit_during(act: Callable[[], object], submitter: User, repository: Repository) -> None:
    """Hold the trail, let `act` take its locks and wait for the trail, then submit a job as a worker does."""
    faults: list[Exception] = []

    def other() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - a thread cannot raise into the test
            faults.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    try:
        with transaction.atomic():
            trail.record(Event.JOB_SUCCEEDED, actor=trail.SYSTEM, target=trail.Target("job", "1", "first"))
            thread.start()
            _await_waiter()
            kind = runners.get("probe")
            job_changes.create(kind, {}, submitter=submitter, name="first", repository=repository)
    finally:
        thread.join()
    assert faults == []
    assert Job.objects.count() == 1


def _await_waiter() -> None:
    if connection.vendor != "postgresql":
        return  # one writer at a time: the other waits with its first statement
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            if cursor.fetchone():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the trail")


def test_passes_over_the_same_tags_wait_for_each_other(repository: Repository) -> None:
    tags = [
        Tag(f"model@v{number}.0.0", "a" * 40, "Tester", timezone.now(), "", annotated=True)
        for number in range(200)
    ]
    faults: list[Exception] = []
    together = threading.Barrier(4)

    def work() -> None:
        try:
            together.wait(30)
            gto_rows.replace(repository, tags)
        except Exception as error:  # noqa: BLE001 - a thread cannot raise into the test
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert repository.gto_events.count() == len(tags)
