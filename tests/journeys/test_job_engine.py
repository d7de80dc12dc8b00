"""The job engine as it runs in production: Redis, dispatcher and Celery workers as processes of their own.

Nothing is replaced; the engine is started once and survives every test of this file.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.roles import Role
from audit import trail
from experiments import job_logs, jobs
from experiments.job_messages import Broker
from experiments.models import Job, Outbox
from tests.engine import Engine, fresh, processes_of, wait, wait_for_state
from tests.people import make_user
from tests.servers import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]

IGNORE_TERM = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Engine:
    return Engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def redis(engine: Engine) -> Iterator[Server]:
    with engine.whole() as server:
        yield server


@pytest.fixture
def engineer(redis: Server) -> User:
    return make_user(Role.ENGINEER)


def log(job: Job) -> list[str]:
    return job_logs.read(job, limit=100_000).lines


def test_a_submitted_job_runs_within_moments_and_leaves_nothing_behind(
    engineer: User, engine: Engine
) -> None:
    began = time.monotonic()
    job = jobs.submit("probe", {"rate": 0.1}, user=engineer)
    job = wait_for_state(job, "succeeded")
    assert time.monotonic() - began < 5
    assert job.result["seen"] == {"rate": 0.1}
    assert (job.attempt, log(job)) == (1, ["working", "done"])
    wait(lambda: engine.workspaces() == [])
    assert trail.verify() is None


def test_what_follows_runs_by_itself(engineer: User) -> None:
    job = jobs.submit("probe_follow", {}, user=engineer)
    wait(lambda: job.children.filter(state="succeeded").count() == 2)


def test_a_passing_fault_is_met_by_itself_after_a_while(engineer: User) -> None:
    job = jobs.submit("probe_fall", {"permanent": False, "until": 3}, user=engineer)
    job = wait_for_state(job, "succeeded")
    assert (job.attempt, job.result) == (3, {"attempt": 3})


def test_every_line_of_a_talkative_program_arrives_in_order(engineer: User) -> None:
    code = "for n in range(10_000): print('line', n)"
    job = wait_for_state(jobs.submit("probe_program", {"code": code}, user=engineer), "succeeded")
    assert log(job) == [f"line {number}" for number in range(10_000)]


def test_many_jobs_at_once_run_once_each(engineer: User) -> None:
    submitted = [jobs.submit("probe", {"number": number}, user=engineer) for number in range(30)]
    wait(lambda: Job.objects.filter(state="succeeded").count() == 30, 60)
    assert {job.attempt for job in Job.objects.all()} == {1}
    assert {fresh(job).result["seen"]["number"] for job in submitted} == set(range(30))
    assert trail.verify() is None


def test_a_message_that_comes_many_times_is_obeyed_once(
    engineer: User, engine: Engine, tmp_path: Path
) -> None:
    job = jobs.submit("probe_stay", {"sign": str(tmp_path / "sign")}, user=engineer)
    broker = Broker(Celery(broker=engine.env["REDIS_URL"]))
    for _ in range(5):
        broker.announce(job.pk, "jobs")
    wait((tmp_path / "sign").exists)
    for _ in range(5):
        broker.announce(job.pk, "jobs")
    wait(lambda: broker.waiting("jobs") == 0)
    broker.reset()
    jobs.cancel(job, user=engineer)
    assert wait_for_state(job, "cancelled").attempt == 1


def test_a_message_that_got_lost_is_sent_again(engineer: User) -> None:
    with transaction.atomic():  # as if it had been sent, and Redis had forgotten it
        job = jobs.submit("probe", {}, user=engineer)
        Outbox.objects.filter(job=job).update(published_at=Now())
    took = wait(lambda: fresh(job).state == "succeeded")
    assert took > 2, "not at once: the message could still be under way"
    assert fresh(job).attempt == 1


def test_a_cancelled_stage_that_ignores_the_request_is_gone_in_25_seconds(engineer: User) -> None:
    job = jobs.submit("probe_program", {"code": IGNORE_TERM}, user=engineer)
    wait(lambda: len(log(job)) == 2)
    assert len(processes_of(job, 1)) == 3
    jobs.cancel(job, user=engineer)
    took = wait(lambda: not processes_of(job, 1), 25)
    assert took > 15, "it had its grace"
    assert wait_for_state(job, "cancelled", 25 - took).error == ""


def test_while_redis_is_frozen_jobs_are_accepted_and_afterwards_they_run(
    engineer: User, redis: Server
) -> None:
    with redis.frozen():
        began = time.monotonic()
        job = jobs.submit("probe", {}, user=engineer)
        assert time.monotonic() - began < 2
        time.sleep(12)  # long enough for the dispatcher to run into its time limit, twice
        assert fresh(job).state == "queued"
    assert wait_for_state(job, "succeeded", 40).attempt == 1
    later = jobs.submit("probe", {}, user=engineer)
    assert wait_for_state(later, "succeeded").attempt == 1


def test_a_job_that_runs_while_redis_is_frozen_goes_on(engineer: User, redis: Server, tmp_path: Path) -> None:
    sign = tmp_path / "go"
    code = f"import os, time\nprint('on')\nwhile not os.path.exists({str(sign)!r}): time.sleep(0.1)"
    job = jobs.submit("probe_program", {"code": code}, user=engineer)
    wait(lambda: log(job) == ["on"])
    with redis.frozen():
        time.sleep(8)  # longer than a lease
        sign.touch()
        assert wait_for_state(job, "succeeded", 5).attempt == 1
