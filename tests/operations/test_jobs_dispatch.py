"""From the outbox to Redis: nothing is lost, little is sent twice, and a broker that hangs stops nothing."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from celery import Celery
from django.db import OperationalError
from django.db.models.functions import Now
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import chores, job_leases, job_reaper, jobs, outbox
from experiments.chores import Chore
from experiments.dispatcher import Dispatcher
from experiments.job_messages import BROKER_FAULTS, SYNC_QUEUE, Broker
from experiments.models import Job, Outbox
from tests.people import make_user
from tests.servers import Server, redis_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe_kinds")]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def redis_on_a_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A short path: the kernel takes 107 bytes.
    with TemporaryDirectory() as folder:
        log = tmp_path_factory.mktemp("redis")
        with redis_server(log, socket_path=str(Path(folder) / "redis.sock")) as server:
            yield server


@pytest.fixture
def broker(redis: Server) -> Iterator[Broker]:
    yield from connected(redis.url)


def connected(url: str) -> Iterator[Broker]:
    app = Celery("tests")
    app.config_from_object("config.celery_settings")
    app.conf.broker_url = url
    broker = Broker(app)
    empty(broker)
    yield broker
    empty(broker)
    broker.reset()


def empty(broker: Broker) -> None:
    broker._connect().default_channel.client.flushall()


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


def submit(engineer: User, count: int = 1) -> list[Job]:
    return [jobs.submit("probe", {}, user=engineer) for _ in range(count)]


def test_each_new_job_is_announced_once_on_the_queue_of_its_kind(broker: Broker, engineer: User) -> None:
    submit(engineer, 3)
    assert outbox.publish(broker) == 3
    assert outbox.publish(broker) == 0
    assert (broker.waiting("jobs"), broker.waiting("sync")) == (3, 0)
    assert not Outbox.objects.filter(published_at=None).exists()


def test_a_message_carries_the_number_of_the_job_and_nothing_else(broker: Broker, engineer: User) -> None:
    job = jobs.submit("probe", {"private": "payload"}, user=engineer)
    outbox.publish(broker)
    message = broker._connect().SimpleQueue("jobs").get()
    assert message.headers["task"] == "experiments.run_job"
    assert message.decode()[0] == [job.pk]
    assert b"private" not in message.body


def test_a_job_that_is_due_later_is_announced_later(broker: Broker, engineer: User) -> None:
    (job,) = submit(engineer)
    job_leases.claim(job.pk, "w")
    Outbox.objects.all().delete()
    job_leases.finish_later(job_leases.Fence(job.pk, 1), "MLflow does not answer.", [])
    assert outbox.publish(broker) == 0
    Outbox.objects.update(due_at=Now())
    assert outbox.publish(broker) == 1


def test_a_job_that_was_cancelled_meanwhile_is_not_announced(broker: Broker, engineer: User) -> None:
    (job,) = submit(engineer)
    jobs.cancel(job, user=engineer)
    assert outbox.publish(broker) == 0
    assert outbox.announce_again(broker, after=0) == 0


@pytest.mark.parametrize("kind", ["redis", "redis_on_a_socket"])
def test_a_frozen_redis_fails_in_seconds_and_the_announcement_stays(
    kind: str, engineer: User, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    for broker in connected(server.url):
        submit(engineer)
        for fresh_connection in (False, True):
            if fresh_connection:
                broker.reset()
            with server.frozen():
                began = time.monotonic()
                with pytest.raises(BROKER_FAULTS):
                    outbox.publish(broker)
                assert time.monotonic() - began < 11
            assert Outbox.objects.filter(published_at=None).count() == 1
        broker.reset()
        assert outbox.publish(broker) == 1


def test_a_message_that_redis_forgot_is_sent_again_after_a_while(broker: Broker, engineer: User) -> None:
    submit(engineer, 3)
    outbox.publish(broker)
    empty(broker)
    assert outbox.announce_again(broker, after=30) == 0
    Outbox.objects.update(published_at=Now() - timedelta(seconds=31))
    assert outbox.announce_again(broker, after=30) == 3
    assert broker.waiting("jobs") == 3
    assert outbox.announce_again(broker, after=30) == 0


def test_messages_that_only_wait_their_turn_are_not_sent_twice(broker: Broker, engineer: User) -> None:
    submit(engineer, 5)
    outbox.publish(broker)
    Outbox.objects.update(published_at=Now() - timedelta(hours=1))
    assert outbox.announce_again(broker, after=30) == 0
    assert broker.waiting("jobs") == 5


def test_as_many_are_sent_again_as_are_missing_and_the_longest_silent_first(
    broker: Broker, engineer: User
) -> None:
    first, second, third = submit(engineer, 3)
    outbox.publish(broker)
    broker._connect().SimpleQueue("jobs").get().ack()
    for job, minutes in ((first, 1), (second, 3), (third, 2)):
        Outbox.objects.filter(job=job).update(published_at=Now() - timedelta(minutes=minutes))
    assert outbox.announce_again(broker, after=30) == 1
    newest = Outbox.objects.order_by("-published_at")[0]
    assert newest.job == second


def test_a_job_whose_announcement_is_still_to_come_is_not_announced_again(
    broker: Broker, engineer: User
) -> None:
    (job,) = submit(engineer)
    outbox.publish(broker)
    empty(broker)
    Outbox.objects.update(published_at=Now() - timedelta(hours=1))
    claimed = job_leases.claim(job.pk, "w")
    assert claimed is not None
    job_leases.release(claimed.fence)
    assert outbox.announce_again(broker, after=0) == 0
    assert outbox.publish(broker) == 1


def test_an_announcement_of_a_killed_dispatcher_is_sent_by_the_next(broker: Broker, engineer: User) -> None:
    (job,) = submit(engineer)
    Outbox.objects.update(published_at=Now() - timedelta(seconds=31))  # marked, never sent
    assert outbox.announce_again(broker) == 1
    assert broker.waiting("jobs") == 1
    assert job_leases.claim(job.pk, "w") is not None


def test_old_announcements_go_and_those_of_waiting_jobs_stay(broker: Broker, engineer: User) -> None:
    done, waiting = submit(engineer, 2)
    outbox.publish(broker)
    jobs.cancel(done, user=engineer)
    assert outbox.prune() == 0
    Outbox.objects.update(published_at=Now() - timedelta(hours=2))
    assert outbox.prune() == 1
    assert Outbox.objects.get().job == waiting


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def no_chores(monkeypatch: pytest.MonkeyPatch) -> dict[str, Chore]:
    """Take the chores of the apps away for one test; return where its own are registered."""
    own: dict[str, Chore] = {}
    monkeypatch.setattr(chores, "_chores", own)
    return own


def test_chores_are_asked_for_at_their_intervals_and_do_not_pile_up(
    broker: Broker, settings: Settings, no_chores: dict[str, Chore]
) -> None:
    settings.SYNC_INTERVAL = 10_000
    for name, seconds in (("often", 5), ("rarely", 60)):
        chores.register(Chore(name, "tests.chore_probes:count", seconds))
    clock = Clock()
    dispatcher = Dispatcher(broker, clock=clock)
    dispatcher.tick()
    queue = broker._connect().SimpleQueue(SYNC_QUEUE)
    asked = [queue.get() for _ in range(broker.waiting(SYNC_QUEUE))]
    chosen = [one.payload[0] for one in asked if one.headers["task"] == "experiments.do_chore"]
    assert chosen == [["often"], ["rarely"]]
    for message in asked:
        message.ack()
    clock.now += 6
    dispatcher.tick()
    message = queue.get()
    assert (message.payload[0], message.headers["expires"] is not None) == (["often"], True)
    message.ack()
    for _ in range(200):
        clock.now += 6
        dispatcher.tick()
    assert broker.waiting(SYNC_QUEUE) <= 2 * len(no_chores) + 1


def test_the_mirror_is_asked_for_at_its_interval_and_not_while_a_request_waits(
    broker: Broker, settings: Settings, no_chores: dict[str, Chore]
) -> None:
    settings.SYNC_INTERVAL = 2
    clock = Clock()
    dispatcher = Dispatcher(broker, clock=clock)
    for _ in range(20):
        dispatcher.tick()
        clock.now += 1
    assert broker.waiting(SYNC_QUEUE) == 1
    message = broker._connect().SimpleQueue(SYNC_QUEUE).get()
    assert message.headers["task"] == "experiments.sync_mlflow"
    assert message.headers["expires"] is not None
    message.ack()
    dispatcher.tick()
    clock.now += 2
    dispatcher.tick()
    assert broker.waiting(SYNC_QUEUE) == 1


def test_a_dispatcher_goes_on_reaping_while_redis_is_frozen(
    broker: Broker, redis: Server, engineer: User
) -> None:
    lost, waiting = submit(engineer, 2)
    job_leases.claim(lost.pk, "w")
    Job.objects.filter(pk=lost.pk).update(lease_until=Now() - timedelta(seconds=1))
    clock = Clock()
    dispatcher = Dispatcher(broker, clock=clock)
    with redis.frozen():
        dispatcher.tick()
        lost.refresh_from_db()
        assert (lost.state, lost.lost) == ("queued", 1)
        began = time.monotonic()
        for _ in range(20):
            dispatcher.tick()
        assert time.monotonic() - began < 1, "it waits a while before it tries again"
    assert Outbox.objects.filter(published_at=None).count() == 3
    clock.now += 10
    dispatcher.tick()
    assert broker.waiting("jobs") >= 2
    assert not Outbox.objects.filter(published_at=None).exists()
    assert waiting.announcements.get().published_at is not None


def test_a_dispatcher_that_starts_after_a_restart_of_redis_does_not_wait(
    broker: Broker, engineer: User
) -> None:
    submit(engineer, 2)
    outbox.publish(broker)
    empty(broker)
    Dispatcher(broker).tick()
    assert broker.waiting("jobs") == 2


@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("one odd row")])
def test_a_chore_that_fails_stops_neither_the_dispatcher_nor_the_others(
    broker: Broker, engineer: User, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> int:
        raise error

    submit(engineer)
    monkeypatch.setattr(job_reaper, "reap", fails)
    Dispatcher(broker).tick()
    assert broker.waiting("jobs") == 1
