"""One job from claim to finish, in this process: what a runner gets, and what becomes of what it does."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from experiments import execution, job_keeper, job_leases, job_logs, job_reaper, jobs
from experiments.models import Job
from experiments.runners import get
from experiments.signals import job_finished
from integrations import process_group
from tests.engine import fresh, processes_of, wait
from tests.people import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]

IGNORE_TERM = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def short_times(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.JOB_LEASE = 3
    settings.JOB_CANCEL_GRACE = 1


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


def run(engineer: User, kind: str, **payload: Any) -> Job:
    job = jobs.submit(kind, payload, user=engineer)
    assert execution.run(job.pk, worker="here")
    return fresh(job)


def log(job: Job) -> list[str]:
    return job_logs.read(job, limit=100_000).lines


def in_background(job: Job) -> threading.Thread:
    def one() -> None:
        execution.run(job.pk, worker="there")
        connection.close()

    thread = threading.Thread(target=one)
    thread.start()
    return thread


def test_a_runner_gets_its_payload_and_an_empty_folder_that_is_gone_afterwards(
    engineer: User, settings: Settings
) -> None:
    job = run(engineer, "probe", rate=0.1)
    assert (job.state, job.attempt, job.worker, job.error) == ("succeeded", 1, "here", "")
    assert job.result["seen"] == {"rate": 0.1}
    assert job.result["workspace"] == f"{settings.DATA_DIR}/jobs/{job.pk}-1"
    assert not Path(job.result["workspace"]).exists()
    assert log(job) == ["working", "done"]
    assert [(step["name"], step["state"]) for step in job.steps] == [("only", "done")]


def test_the_other_apps_hear_of_the_end_after_it_is_committed(engineer: User) -> None:
    heard: list[tuple[str, bool]] = []

    def listener(job: Job, **_: Any) -> None:
        heard.append((job.state, connection.in_atomic_block))

    job_finished.connect(listener)
    try:
        run(engineer, "probe")
    finally:
        job_finished.disconnect(listener)
    assert heard == [("succeeded", False)]


def test_a_listener_that_fails_harms_nobody(engineer: User) -> None:
    def listener(**_: Any) -> None:
        raise RuntimeError("a listener's own trouble")

    job_finished.connect(listener)
    try:
        assert run(engineer, "probe").state == "succeeded"
    finally:
        job_finished.disconnect(listener)


def test_jobs_that_follow_are_queued_as_children_of_the_same_person(engineer: User) -> None:
    job = run(engineer, "probe_follow")
    children = job.children.order_by("pk")
    assert [child.key for child in children] == [f"{job.pk}:probe", f"{job.pk}:probe:b"]
    assert {child.submitted_by for child in children} == {engineer}
    assert children[0].payload == {"from": job.pk}


def test_a_job_that_was_done_before_is_not_done_again(engineer: User) -> None:
    job = run(engineer, "probe")
    assert execution.run(job.pk) is False
    assert fresh(job).attempt == 1


def test_an_unexpected_error_fails_the_job_with_its_name_and_the_trace_in_the_log(engineer: User) -> None:
    job = run(engineer, "probe_fall")
    assert (job.state, job.error) == ("failed", "ZeroDivisionError: by nothing")
    assert log(job)[0].startswith("Traceback")
    assert log(job)[-1] == "ZeroDivisionError: by nothing"
    assert [(step["name"], step["state"]) for step in job.steps] == [("doomed", "failed")]


def test_a_lasting_fault_fails_the_job_in_its_own_words(engineer: User) -> None:
    job = run(engineer, "probe_fall", permanent=True)
    assert (job.state, job.error, log(job)) == ("failed", "MLflow said no.", ["MLflow said no."])


def test_a_passing_fault_is_met_by_another_attempt(engineer: User) -> None:
    job = run(engineer, "probe_fall", permanent=False, until=3)
    assert (job.state, job.error) == ("queued", "MLflow said no.")
    assert execution.run(job.pk)
    assert execution.run(job.pk) is False, "the second wait has a length"
    Job.objects.filter(pk=job.pk).update(not_before=Now())
    assert execution.run(job.pk)
    job = fresh(job)
    assert (job.state, job.error, job.result) == ("succeeded", "", {"attempt": 3})
    assert trail.verify() is None


def test_after_its_last_attempt_a_person_can_still_retry_it(engineer: User) -> None:
    job = run(engineer, "probe_fall", permanent=False, until=4)
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(not_before=Now())
        execution.run(job.pk)
    assert fresh(job).state == "failed"
    jobs.retry(job, user=engineer)
    assert execution.run(job.pk)
    assert fresh(job).state == "succeeded"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("probe_unstorable", "The result could not be stored: TypeError"),
        ("probe_follow_nobody", "The result could not be stored: UnknownKindError"),
        ("probe_missing", "ModuleNotFoundError"),
    ],
)
def test_whatever_a_runner_does_wrong_the_job_ends(engineer: User, kind: str, words: str) -> None:
    job = run(engineer, kind)
    assert job.state == "failed"
    assert job.error.startswith(words)
    assert not job.children.exists()


def test_a_job_of_a_kind_that_no_longer_exists_fails(engineer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.submit("probe", {}, user=engineer)
    monkeypatch.delitem(execution.runners._kinds, "probe")
    assert execution.run(job.pk)
    assert (fresh(job).state, fresh(job).error) == ("failed", "There is no job kind 'probe'.")


def test_a_program_has_the_environment_it_was_given_and_nothing_of_the_worker(
    engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGEGATE_SECRET_KEY", "never tell")
    job = run(engineer, "probe_program", code="import os; print(sorted(os.environ)); print(os.getcwd())")
    names, folder = log(job)
    assert "SECRET" not in names
    assert folder.endswith(f"/jobs/{job.pk}-1")


def test_every_line_of_a_talkative_program_is_in_the_log_in_order(engineer: User) -> None:
    code = "import sys\nfor n in range(10_000): print('line', n, file=sys.stderr if n % 3 else sys.stdout)"
    job = run(engineer, "probe_program", code=code)
    assert job.state == "succeeded"
    assert log(job) == [f"line {number}" for number in range(10_000)]


def test_the_log_can_be_read_while_the_job_runs(engineer: User) -> None:
    code = "import time\nfor n in range(40): print(n, flush=True); time.sleep(0.1)"
    job = jobs.submit("probe_program", {"code": code}, user=engineer)
    thread = in_background(job)
    wait(lambda: len(log(job)) >= 3)
    assert fresh(job).state == "running"
    jobs.cancel(job, user=engineer)
    thread.join(10)
    assert fresh(job).state == "cancelled"


def test_a_cancelled_job_ends_and_says_why(engineer: User, tmp_path: Path) -> None:
    job = jobs.submit("probe_stay", {"sign": str(tmp_path / "sign")}, user=engineer)
    thread = in_background(job)
    wait((tmp_path / "sign").exists)
    jobs.cancel(job, user=engineer)
    thread.join(5)
    job = fresh(job)
    assert (job.state, job.error) == ("cancelled", "")
    assert log(job) == ["The job was cancelled."]


def test_the_error_of_a_runner_that_was_told_to_stop_does_not_hide_that_it_was(
    engineer: User, tmp_path: Path
) -> None:
    sign = tmp_path / "sign"
    job = jobs.submit("probe_stay", {"sign": str(sign), "moan": True}, user=engineer)
    thread = in_background(job)
    wait(sign.exists)
    jobs.cancel(job, user=engineer)
    thread.join(5)
    assert (fresh(job).state, fresh(job).error) == ("cancelled", "")


def test_programs_that_ignore_the_request_to_end_are_killed_after_the_grace(engineer: User) -> None:
    job = jobs.submit("probe_program", {"code": IGNORE_TERM}, user=engineer)
    thread = in_background(job)
    wait(lambda: len(log(job)) >= 2)
    job = fresh(job)
    assert len(processes_of(job, 1)) == 3
    jobs.cancel(job, user=engineer)
    thread.join(8)
    assert fresh(job).state == "cancelled"
    assert processes_of(job, 1) == []


def test_a_program_that_left_a_process_behind_has_left_none(engineer: User) -> None:
    code = (
        "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=-3, stderr=-3)"
    )
    job = run(engineer, "probe_program", code=code)
    assert job.state == "succeeded"
    assert processes_of(job, 1) == []


def test_an_attempt_that_takes_too_long_fails(engineer: User, tmp_path: Path) -> None:
    job = run(engineer, "probe_short", sign=str(tmp_path / "sign"))
    assert job.state == "failed"
    assert job.error == "The job took longer than its limit of 1 seconds."


def test_a_runner_that_overlooks_that_its_program_was_stopped_has_not_succeeded(engineer: User) -> None:
    job = jobs.submit("probe_program", {"code": IGNORE_TERM, "overlook": True}, user=engineer)
    thread = in_background(job)
    wait(lambda: len(log(job)) >= 2)
    jobs.cancel(job, user=engineer)
    thread.join(8)
    assert fresh(job).state == "cancelled"


def test_a_worker_that_lost_its_job_kills_its_programs_and_writes_nothing(
    engineer: User, settings: Settings
) -> None:
    settings.JOB_CANCEL_GRACE = 20
    job = jobs.submit("probe_program", {"code": IGNORE_TERM, "until": 2}, user=engineer)
    thread = in_background(job)
    wait(lambda: len(log(job)) >= 2)
    first = fresh(job)
    Job.objects.filter(pk=job.pk).update(attempt=2)
    thread.join(5)
    assert not thread.is_alive()
    assert processes_of(first, 1) == []
    job = fresh(job)
    assert (job.state, job.attempt, len(log(job))) == ("running", 2, 2)


def test_a_worker_that_cannot_renew_its_lease_stops_before_the_lease_ends(
    engineer: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> bool:
        raise OperationalError("server closed the connection")

    job = jobs.submit("probe_stay", {"sign": str(tmp_path / "sign")}, user=engineer)
    thread = in_background(job)
    wait((tmp_path / "sign").exists)
    monkeypatch.setattr(job_leases, "heartbeat", away)
    thread.join(6)
    assert not thread.is_alive()
    assert fresh(job).state == "running", "the reaper's business"
    wait(lambda: job_reaper.reap() == 1)
    assert fresh(job).state == "queued"


def test_the_lease_is_renewed_for_as_long_as_the_job_runs(engineer: User, tmp_path: Path) -> None:
    job = jobs.submit("probe_stay", {"sign": str(tmp_path / "sign")}, user=engineer)
    thread = in_background(job)
    wait((tmp_path / "sign").exists)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert job_reaper.reap() == 0
        time.sleep(0.2)
    jobs.cancel(job, user=engineer)
    thread.join(5)
    assert (fresh(job).state, fresh(job).attempt) == ("cancelled", 1)


def test_an_end_that_the_database_does_not_take_at_once_is_written_later(
    engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, calls = job_leases.finish_success, []

    def sometimes(*arguments: Any) -> bool:
        calls.append(arguments)
        if len(calls) == 1:
            raise OperationalError("database is locked")
        return finish(*arguments)

    monkeypatch.setattr(job_leases, "finish_success", sometimes)
    assert run(engineer, "probe").state == "succeeded"
    assert len(calls) == 2


def test_a_database_fault_inside_a_runner_is_one_that_may_pass(
    engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("tests.job_probes.succeed", locked)
    job = run(engineer, "probe")
    assert (job.state, job.error) == ("queued", "OperationalError: database is locked")


def test_the_keeper_outlives_no_job(engineer: User) -> None:
    run(engineer, "probe")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keeper")]


def test_the_times_of_the_product_keep_their_promises() -> None:
    from config import settings as product

    assert product.JOB_LEASE == 30
    assert product.JOB_LEASE / job_keeper.HEARTBEATS_PER_LEASE == 5
    worst = job_keeper.LOOK_SECONDS + process_group.POLL_SECONDS + product.JOB_CANCEL_GRACE
    assert worst < 25
    assert get("pipeline").max_attempts == 2
    assert os.environ.get("STAGEGATE_JOB_LEASE") is None
