"""Sweeps from start to end: counted before, no run twice, stopped, resumed, guided, honest about metrics."""

import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import job_leases, jobs, sweep_chore, sweep_guide, sweep_plan, sweep_progress, sweeps
from experiments.models import Job, Repository, Sweep, Trial
from experiments.runners import Outcome
from experiments.sweep_plan import Asked
from tests.jobs import make_commit, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

SIX = {"train.epochs": "1..3", "train.architecture": "CNN, CRNN"}


@pytest.fixture
def me() -> User:
    return make_user(Role.ENGINEER)


@pytest.fixture
def repository() -> Repository:
    repository = make_repository()
    make_commit(repository, branch="main")
    return repository


def pipelines() -> QuerySet[Job]:
    """The jobs of the trials; other apps ask for jobs of their own when one has ended."""
    return Job.objects.filter(kind="pipeline")


def asked(**changes: Any) -> Asked:
    values = {"space": SIX, "method": "grid", "objective": "val_cer", "direction": "min", "width": 2}
    return Asked(**{**values, **changes})


def guided(count: int, **changes: Any) -> Asked:
    space = {"train.learning_rate": "1e-4..1e-1 log", "train.epochs": "1..20"}
    return asked(**{"space": space, "method": "guided", "count": count, "seed": 3, **changes})


def work(metric: str = "val_cer", value: Any = None) -> list[Job]:
    """Do every job that waits; return them. The metric is best with few epochs."""
    done = []
    for job in pipelines().filter(state="queued").order_by("pk"):
        claimed = job_leases.claim(job.pk, "host:1")
        assert claimed is not None
        found = job.payload["overrides"].get("train.epochs", 8) / 100 if value is None else value
        job_leases.finish_success(claimed.fence, Outcome({"metrics": {metric: found}}), [])
        done.append(job)
    return done


def fresh(sweep: Sweep) -> Sweep:
    return Sweep.objects.get(pk=sweep.pk)


def test_a_grid_of_six_runs_two_at_a_time_each_once(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    assert (sweep.count, sweep.state) == (6, "running")
    assert pipelines().count() == 2
    for _ in range(3):
        assert len(work()) == 2
    assert fresh(sweep).state == "finished"
    tried = [tuple(job.payload["overrides"].values()) for job in pipelines().all()]
    assert len(set(tried)) == len(tried) == 6
    assert sorted(trial.value or 0 for trial in sweep.trials.all()) == [0.01, 0.01, 0.02, 0.02, 0.03, 0.03]
    events = AuditEntry.objects.filter(event__startswith="sweep.").values_list("event", flat=True)
    assert sorted(events) == ["sweep.finished", "sweep.started"]


def test_advancing_many_times_at_once_submits_nothing_twice(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(width=1), user=me)
    Sweep.objects.filter(pk=sweep.pk).update(width=4)
    start = threading.Barrier(6)

    def one() -> None:
        start.wait()
        sweep_progress.advance(sweep.pk)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipelines().count() == 4
    assert sweep.trials.exclude(job=None).count() == 4


def test_the_same_start_again_is_the_same_sweep(me: User, repository: Repository) -> None:
    first = sweeps.start(repository, asked(), user=me, key="form:1")
    assert sweeps.start(repository, asked(), user=me, key="form:1") == first
    assert (Sweep.objects.count(), pipelines().count()) == (1, 2)


def test_what_a_killed_process_left_is_found_by_the_chore(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    Job.objects.update(state="succeeded", result={"metrics": {"val_cer": 0.5}})  # without a signal
    sweep_chore.run()
    assert sweep.trials.filter(outcome="measured").count() == 2
    assert pipelines().filter(state="queued").count() == 2


def test_stopping_starts_nothing_more_and_resuming_goes_on(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    sweeps.stop(sweep, user=me)
    work()
    assert pipelines().filter(state="queued").count() == 0
    sweep_chore.run()
    assert (pipelines().count(), fresh(sweep).state) == (2, "stopped")
    sweeps.resume(sweep, user=me)
    assert pipelines().filter(state="queued").count() == 2
    with pytest.raises(jobs.WrongStateError):
        sweeps.resume(sweep, user=me)


def test_stopping_may_cancel_what_runs_and_resuming_begins_it_again(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    sweeps.stop(sweep, user=me, cancel=True)
    assert set(pipelines().values_list("state", flat=True)) == {"cancelled"}
    assert sweep.trials.filter(outcome="cancelled").count() == 2
    sweeps.resume(sweep, user=me)
    while work():
        pass
    assert fresh(sweep).state == "finished"
    assert sweep.trials.filter(outcome="measured").count() == 6
    assert pipelines().filter(state="succeeded").count() == 6


def test_only_an_administrator_stops_and_resumes_the_sweep_of_another(
    me: User, repository: Repository
) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    other, administrator = make_user(Role.ENGINEER), make_user(Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        sweeps.stop(sweep, user=other)
    assert sweeps.stop(sweep, user=administrator).state == "stopped"
    assert sweeps.stop(sweep, user=administrator).state == "stopped"
    with pytest.raises(PermissionDenied):
        sweeps.resume(sweep, user=other)
    assert sweeps.resume(sweep, user=administrator).state == "running"
    told = AuditEntry.objects.filter(event__startswith="sweep.").order_by("sequence")
    assert list(told.values_list("event", flat=True)) == ["sweep.started", "sweep.stopped", "sweep.resumed"]


def test_who_may_not_start_jobs_any_more_starts_none_by_a_sweep(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    User.objects.filter(pk=me.pk).update(is_active=False)
    work()
    assert pipelines().count() == 2
    assert (fresh(sweep).state, "may not start jobs" in fresh(sweep).problem) == ("stopped", True)


def test_a_metric_that_no_run_has_is_said_with_those_there_are(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    work(metric="val_loss")
    assert fresh(sweep).problem == ("No run has the metric val_cer as a number. Metrics there are: val_loss.")
    work()
    assert fresh(sweep).problem == ""


def test_nan_is_no_value(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, asked(), user=me)
    work(value="NaN")
    assert set(sweep.trials.exclude(outcome="").values_list("outcome", "value")) == {("unmeasured", None)}


def test_a_guided_search_learns_without_trying_anything_twice(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, guided(14, width=1), user=me)
    assert pipelines().count() == 0
    for _ in range(14):
        sweep_chore.run()
        assert len(work()) == 1
    assert fresh(sweep).state == "finished"
    trials = list(sweep.trials.all())
    assert len({repr(trial.params) for trial in trials}) == 14
    early = sum(trial.params["train.epochs"] for trial in trials[:5]) / 5
    late = sum(trial.params["train.epochs"] for trial in trials[-5:]) / 5
    assert late < early


def test_a_guided_search_is_the_same_again_with_its_seed(me: User, repository: Repository) -> None:
    found = []
    for _ in range(2):
        sweep = sweeps.start(repository, guided(5, width=2), user=me)
        while fresh(sweep).state == "running":
            sweep_chore.run()
            work()
        found.append([trial.params for trial in sweep.trials.all()])
    assert found[0] == found[1]


def test_a_guided_search_is_told_of_failures_and_goes_on(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, guided(4, width=1), user=me)
    for number in range(4):
        sweep_chore.run()
        [job] = pipelines().filter(state="queued")
        if number % 2:
            work()
        else:
            claimed = job_leases.claim(job.pk, "host:1")
            assert claimed is not None
            job_leases.finish_fail(claimed.fence, "Out of memory.", [])
    outcomes = list(sweep.trials.values_list("outcome", flat=True))
    assert (outcomes, fresh(sweep).state) == (["failed", "measured", "failed", "measured"], "finished")


def test_a_guided_search_without_its_metric_stops(me: User, repository: Repository) -> None:
    sweep = sweeps.start(repository, guided(10, width=1), user=me)
    for _ in range(5):
        sweep_chore.run()
        work(metric="other")
    assert (fresh(sweep).state, sweep.trials.count()) == ("stopped", 3)


def test_a_guided_search_ends_where_a_small_space_does(me: User, repository: Repository) -> None:
    space = {"train.architecture": "CNN, CRNN", "train.bidirectional": "true, false"}
    sweep = sweeps.start(repository, guided(4, space=space), user=me)
    Sweep.objects.filter(pk=sweep.pk).update(count=9)
    for _ in range(4):
        sweep_chore.run()
        work()
    sweep_guide.suggest(fresh(sweep))
    sweep_chore.run()
    assert (sweep.trials.count(), fresh(sweep).count, fresh(sweep).state) == (4, 4, "finished")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"space": {"train.epochs": "1..100", "train.learning_rate": "0.1, 0.2, 0.3"}}, "space"),
        ({"space": {"train.epochs": "3"}}, "space"),
        ({"space": {}}, "space"),
        ({"space": {"train.learning_rate": "0.1..0.2"}}, "params.train.learning_rate"),
        ({"space": {"train.architecture": "CNN, $(id)"}}, "params.train.architecture"),
        ({"space": {"a:b=c": "1, 2"}}, "params.a:b=c"),
        ({"space": {"${x}": "1, 2"}}, "params.${x}"),
        ({"space": {"a\nb": "1, 2"}}, "params.a\nb"),
        ({"method": "random", "count": 7}, "count"),
        ({"method": "random", "count": 201}, "count"),
        ({"method": "magic"}, "method"),
        ({"direction": "up"}, "direction"),
        ({"objective": " "}, "objective"),
        ({"width": 0}, "width"),
        ({"seed": -1}, "seed"),
        ({"ref": "gone"}, "ref"),
        ({"priority": "first"}, "priority"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_starts(
    me: User, repository: Repository, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        sweeps.start(repository, asked(**changes), user=me)
    assert field in caught.value.message_dict
    assert not Sweep.objects.exists()
    assert not pipelines().exists()
    assert not Trial.objects.exists()


def test_a_grid_that_is_too_large_says_how_large(repository: Repository) -> None:
    space = {"train.epochs": "1..100", "train.learning_rate": "0.1, 0.2, 0.3"}
    with pytest.raises(ValidationError, match="This grid has 300 runs; at most 200 are allowed"):
        sweep_plan.make(repository, asked(space=space))


def test_a_high_priority_is_for_those_who_may_give_it(me: User, repository: Repository) -> None:
    with pytest.raises(PermissionDenied):
        sweeps.start(repository, asked(priority="high"), user=me)
    assert not Sweep.objects.exists()
