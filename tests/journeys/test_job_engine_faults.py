"""What becomes of jobs when parts of the engine are killed, stopped or missing. Each test has its own."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from accounts.models import User
from accounts.roles import Role
from audit import trail
from experiments import job_logs, jobs
from experiments.models import Job
from tests.engine import Engine, fresh, processes_of, wait, wait_for_state
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]

SHUTDOWN_SECONDS = 5.0  # after which the process manager of the embedded stack kills
FAMILY = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    os.fork()
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


def start_family(engineer: User) -> Job:
    """Submit a job that runs three processes, one of them in another session, and wait for them."""
    job = jobs.submit("probe_program", {"code": FAMILY, "until": 2}, user=engineer)
    wait(lambda: len(job_logs.read(job).lines) == 3)
    assert len(processes_of(job, 1)) == 4, "three and their launcher"
    return fresh(job)


def wait_for_end(group: int) -> float:
    """Wait until no process of the group is left; return the seconds it took."""
    return wait(lambda: not [p for p in psutil.process_iter() if _is_in(p, group)], 20)


def _is_in(process: psutil.Process, group: int) -> bool:
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_job_submitted_while_redis_is_down_runs_when_it_is_back(engine: Engine, engineer: User) -> None:
    with contextlib.ExitStack() as redis, contextlib.ExitStack() as others:
        redis.enter_context(engine.redis())
        others.enter_context(engine.worker())
        others.enter_context(engine.dispatcher())
        redis.close()
        began = time.monotonic()
        job = jobs.submit("probe", {}, user=engineer)
        assert time.monotonic() - began < 2
        time.sleep(3)
        assert fresh(job).state == "queued"
        with engine.redis():
            assert wait_for_state(job, "succeeded", 40).attempt == 1


def test_a_redis_that_lost_its_memory_costs_time_but_no_job(engine: Engine, engineer: User) -> None:
    with engine.dispatcher():
        with engine.redis():
            job = jobs.submit("probe", {}, user=engineer)
            wait(lambda: job.announcements.filter(published_at__isnull=False).exists())
        with engine.redis(), engine.worker():
            assert wait_for_state(job, "succeeded", 40).attempt == 1


@pytest.mark.parametrize("victims", ["all", "main", "child"])
def test_a_killed_worker_leaves_no_process_and_its_job_runs_once_more(
    engine: Engine, engineer: User, victims: str
) -> None:
    with engine.redis(), engine.dispatcher(), engine.worker() as group:
        job = start_family(engineer)
        if victims == "all":
            os.killpg(group, signal.SIGKILL)
        elif victims == "main":
            os.kill(group, signal.SIGKILL)
        else:
            os.kill(int(job.worker.rpartition(":")[2]), signal.SIGKILL)
        assert wait(lambda: not processes_of(job, 1), 10) < 3
        with engine.worker():
            job = wait_for_state(job, "succeeded", 40)
    assert (job.attempt, job.lost, job.result) == (2, 1, {"attempt": 2})
    assert engine.workspaces() == []
    assert trail.verify() is None


@pytest.mark.parametrize("told", ["everybody", "main"])
def test_a_worker_that_is_told_to_end_gives_its_job_back_in_time(
    engine: Engine, engineer: User, told: str
) -> None:
    with engine.redis(), engine.dispatcher():
        with engine.worker() as group:
            job = start_family(engineer)
            (os.killpg if told == "everybody" else os.kill)(group, signal.SIGTERM)
            took = wait_for_end(group)
            assert took < SHUTDOWN_SECONDS
            job = fresh(job)
            assert (job.state, job.lost, job.error) == ("queued", 0, "The worker was shut down.")
            assert processes_of(job, 1) == []
            assert engine.workspaces() == []
        with engine.worker():
            job = wait_for_state(job, "succeeded")
    assert (job.attempt, job.max_attempts) == (2, 3)


def test_a_runner_that_does_not_listen_is_interrupted_when_its_worker_ends(
    engine: Engine, engineer: User, tmp_path: Path
) -> None:
    with engine.redis(), engine.dispatcher(), engine.worker() as group:
        job = jobs.submit("probe_deaf", {"sign": str(tmp_path / "sign")}, user=engineer)
        wait((tmp_path / "sign").exists)
        os.killpg(group, signal.SIGTERM)
        assert wait_for_end(group) < SHUTDOWN_SECONDS
        assert (fresh(job).state, fresh(job).error) == ("queued", "The worker was shut down.")


def test_a_pool_process_that_is_told_to_end_gives_its_job_back_and_is_replaced(
    engine: Engine, engineer: User
) -> None:
    with engine.redis(), engine.dispatcher(), engine.worker(concurrency=1) as group:
        job = start_family(engineer)
        child = int(job.worker.rpartition(":")[2])
        os.kill(child, signal.SIGTERM)
        job = wait_for_state(job, "succeeded")
        assert (job.attempt, job.lost) == (2, 0)
        wait(lambda: not psutil.pid_exists(child))
        later = jobs.submit("probe", {}, user=engineer)
        assert wait_for_state(later, "succeeded").worker != job.worker
        assert psutil.pid_exists(group)


def test_an_idle_worker_ends_at_once(engine: Engine, engineer: User) -> None:
    with engine.redis(), engine.worker() as group:
        os.killpg(group, signal.SIGTERM)
        assert wait_for_end(group) < SHUTDOWN_SECONDS


def test_everything_killed_at_once_goes_on_after_the_next_start(engine: Engine, engineer: User) -> None:
    with engine.redis(), engine.dispatcher() as dispatcher, engine.worker() as worker:
        job = start_family(engineer)
        waiting = jobs.submit("probe", {}, user=engineer)
        for group in (dispatcher, worker):
            os.killpg(group, signal.SIGKILL)
        wait(lambda: not processes_of(job, 1), 5)
    with engine.whole():
        assert wait_for_state(job, "succeeded", 40).attempt == 2
        assert wait_for_state(waiting, "succeeded").state == "succeeded"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_dispatcher_ends_quietly_when_asked(engine: Engine, engineer: User, number: int) -> None:
    with engine.redis(), _dispatcher(engine) as (group, log):
        jobs.submit("probe", {}, user=engineer)
        os.killpg(group, number)
        assert wait_for_end(group) < 2
    assert "Traceback" not in log.read_text()


def test_the_dispatcher_ends_also_while_redis_does_not_answer(engine: Engine, engineer: User) -> None:
    with engine.redis() as redis, _dispatcher(engine) as (group, log), redis.frozen():
        job = jobs.submit("probe", {}, user=engineer)
        time.sleep(1)
        os.killpg(group, signal.SIGTERM)
        assert wait_for_end(group) < SHUTDOWN_SECONDS
        assert job.announcements.get().published_at is None
    assert "Traceback" not in log.read_text()


@contextlib.contextmanager
def _dispatcher(engine: Engine) -> Iterator[tuple[int, Path]]:
    with engine.dispatcher() as group:
        yield group, engine.folder / f"dispatcher-{engine.started}" / "server.log"
