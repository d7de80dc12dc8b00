"""Applying decisions while artifacts change, workers die and MLflow is away, frozen or forgetful."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments import job_reaper
from experiments.models import Job
from registry import mirror, promotion, promotion_locks, promotion_moves
from registry.conflicts import ConflictError
from registry.models import MirrorLease, ModelVersion, Notice, Promotion
from registry.reconciler import reconcile
from tests.engine import database_url
from tests.faults import lossy_proxy
from tests.mlflow_registry import real_version, there, unique, work
from tests.people import make_user
from tests.promotions import approve, bring, set_rules
from tests.servers import Server, free_port, mlflow_server

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCTION = ("Production", ("champion",), "Production")
STAGING = ("Staging", ("challenger",), "Staging")
ARCHIVED = ("Archived", (), "Archived")
CHANGED = "The artifacts are not those that were registered: changed data/model.pt2."

Killer = Callable[[Job, str, int], int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with mlflow_server(folder) as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path, url: str) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.MLFLOW_TRACKING_URI = url
    set_rules()


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER)


@pytest.fixture
def killer(url: str, tmp_path: Path) -> Iterator[Killer]:
    """Run an attempt of a job in another process, which is killed at a point; return the signal."""
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "STAGEGATE_DATA_DIR": str(tmp_path / "data"),
        "STAGEGATE_SECRET_KEY": django_settings.SECRET_KEY,
        "MLFLOW_TRACKING_URI": url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.killed_applier"],
        cwd=django_settings.BASE_DIR,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def kill(job: Job, point: str, number: int) -> int:
        Job.objects.filter(pk=job.pk).update(not_before=Now())
        requests.write(json.dumps({"job": job.pk, "point": point, "number": number}) + "\n")
        requests.flush()
        return int(answers.readline())

    yield kill
    requests.close()
    process.wait(30)
    answers.close()


def queued() -> list[Job]:
    return list(Job.objects.filter(kind="apply", state="queued").order_by("pk"))


def apply_all() -> None:
    for job in queued():
        done = work(job)
        assert done.state == "succeeded", done.error


def weights(folder: Path, version: ModelVersion) -> Path:
    """The file of `version` as MLflow keeps it."""
    [found] = (folder / "artifacts").glob(f"*/{version.run_id}/artifacts/model/data/model.pt2")
    return found


def spoil(file: Path) -> bytes:
    """Change one byte; return what was there."""
    before = file.read_bytes()
    file.write_bytes(bytes([before[0] ^ 1]) + before[1:])
    return before


def events(event: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(event=event).order_by("sequence"))


def test_one_byte_changed_after_the_approval_and_nothing_is_applied(
    url: str, folder: Path, name: str, reviewer: User
) -> None:
    old, new = real_version(url, name, "1.0.0"), real_version(url, name, "1.1.0")
    bring(old, "Staging", "Production")
    bring(new, "Staging")
    apply_all()
    before = there(url, name)
    bring(new, "Production")
    original = spoil(weights(folder, new))
    [job] = queued()
    job = work(job)
    asked = Promotion.objects.get(version=new, to_stage="Production")
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error == f"Promotion {asked.pk} is not applied: {CHANGED}"
    assert there(url, name) == before, "what served goes on serving"
    assert (asked.state, asked.problem, asked.applied_at) == ("approved", CHANGED, None)
    [entry] = events("promotion.not_applied")
    assert entry.data == {"problem": CHANGED, "job": job.pk}
    told = Notice.objects.filter(promotion=asked, text=f"Not applied to MLflow: {CHANGED}")
    assert {reviewer, asked.requested_by} <= {notice.user for notice in told}

    again = mirror.retry(asked, user=reviewer)
    assert work(again).state == "failed"
    assert len(events("promotion.not_applied")) == 1, "said once"
    assert reconcile().opened == [], "it is no drift either"

    weights(folder, new).write_bytes(original)
    assert work(mirror.retry(asked, user=reviewer)).state == "succeeded"
    asked.refresh_from_db()
    assert (asked.state, asked.problem) == ("applied", "")
    assert there(url, name) == {1: ARCHIVED, 2: PRODUCTION}
    with pytest.raises(ConflictError):
        mirror.retry(asked, user=reviewer)
    assert trail.verify() is None


def test_artifacts_that_are_gone_are_not_applied_either(
    url: str, folder: Path, name: str, reviewer: User
) -> None:
    version = real_version(url, name, "1.0.0")
    bring(version, "Staging")
    weights(folder, version).unlink()
    assert work(queued()[0]).state == "failed"
    [asked] = Promotion.objects.all()
    assert "missing data/model.pt2" in asked.problem
    assert there(url, name) == {1: ("None", (), "Development")}
    with pytest.raises(PermissionDenied):
        mirror.retry(asked, user=make_user(Role.ENGINEER))


def test_a_spoiled_candidate_does_not_hold_up_others(url: str, folder: Path, name: str) -> None:
    bad, good = real_version(url, name, "1.0.0"), real_version(url, name, "1.1.0")
    bring(bad, "Staging")
    spoil(weights(folder, bad))
    assert work(queued()[0]).state == "failed"
    bring(good, "Staging", "Production")
    apply_all()
    found = there(url, name)
    assert (found[1][0], found[2]) == ("None", PRODUCTION)


def test_a_replacement_of_what_was_never_applied_archives_it_without_serving_it(
    url: str, folder: Path, name: str
) -> None:
    first, bad, good = (real_version(url, name, number) for number in ("1.0.0", "1.1.0", "1.2.0"))
    bring(first, "Staging", "Production")
    bring(bad, "Staging")
    bring(good, "Staging")
    apply_all()
    bring(bad, "Production")
    spoil(weights(folder, bad))
    assert work(queued()[0]).state == "failed"
    assert there(url, name)[1] == PRODUCTION
    bring(good, "Production")
    apply_all()
    assert there(url, name) == {1: ARCHIVED, 2: ARCHIVED, 3: PRODUCTION}
    never = Promotion.objects.get(version=bad, to_stage="Production")
    assert (never.state, never.problem) == ("approved", CHANGED), "it was never applied"


def swap(to: ModelVersion, user: User) -> Job:
    """Decide that `to` serves again, as a rollback does, and return the job that applies it."""
    with transaction.atomic():
        version = promotion_locks.lock_version(to)
        now = timezone.now()
        asked = Promotion.objects.create(
            version=version,
            from_stage=version.stage,
            to_stage="Production",
            kind="rollback",
            state="approved",
            requested_by=user,
            requested_by_name=user.username,
            opened_at=now,
            decided_at=now,
            evidence_digest="0" * 64,
        )
        promotion_moves.put_in_place(asked, "rollback", user=user, now=now, reason="test")
        mirror.request(version.model, promotion=asked, user=user)
    return Job.objects.get(key=f"apply:promotion:{asked.pk}")


@pytest.mark.parametrize("point", ["lease", "request", "audit", "recorded"])
def test_a_worker_killed_after_any_step_leaves_nothing_undone_and_nothing_twice(
    url: str, name: str, killer: Killer, reviewer: User, point: str
) -> None:
    pair = real_version(url, name, "1.0.0"), real_version(url, name, "1.1.0")
    for version in pair:
        bring(version, "Staging", "Production")
    apply_all()
    killed = 0
    for step in range(1, 100):
        archived = ModelVersion.objects.select_related("model").get(model__name=name, stage="Archived")
        job = swap(archived, reviewer)
        ended_by = killer(job, point, step)
        if ended_by == 0:
            break
        assert ended_by == signal.SIGKILL
        killed += 1
        job.refresh_from_db()
        if job.state == "running":
            Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
            assert job_reaper.reap() == 1
        if Job.objects.get(pk=job.pk).state == "queued":
            assert work(job).state == "succeeded"
        rows = ModelVersion.objects.filter(model__name=name).values_list("mlflow_version", "stage")
        expected = {number: {"Production": PRODUCTION}.get(stage, ARCHIVED) for number, stage in rows}
        assert there(url, name) == expected
    asked = Promotion.objects.filter(kind="rollback")
    assert {one.state for one in asked} == {"applied"}
    told = [entry.target_id for entry in events("promotion.applied")]
    assert len(told) == len(set(told)) == Promotion.objects.count()
    assert Notice.objects.filter(kind="applied", promotion__in=asked).count() == asked.count()
    assert not MirrorLease.objects.exists()
    assert trail.verify() is None
    assert killed >= {"lease": 1, "request": 12, "audit": 2, "recorded": 1}[point]


def test_mlflow_frozen_or_away_an_approval_answers_at_once_and_is_applied_later(
    server: Server, url: str, name: str, settings: Settings, reviewer: User
) -> None:
    version = real_version(url, name, "1.0.0")
    asked = promotion.open_for(version, "Staging", user=make_user(Role.ENGINEER))
    with server.frozen():
        began = time.monotonic()
        approve(asked, reviewer)
        took = time.monotonic() - began
        asked.refresh_from_db()
        assert took < 0.5
        assert (asked.state, asked.applied_at) == ("approved", None)
        [job] = queued()
        job = work(job)
        assert (job.state, job.error) == ("queued", f"MLflow at {url} did not answer in time.")
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    assert work(job).state == "queued"
    settings.MLFLOW_TRACKING_URI = url
    assert work(job).state == "succeeded"
    assert there(url, name) == {1: STAGING}
    asked.refresh_from_db()
    assert asked.state == "applied"


@pytest.mark.parametrize("fault", ["lose", "drop", "cut", "hold"])
def test_every_request_may_meet_a_fault_once(url: str, name: str, settings: Settings, fault: str) -> None:
    version = real_version(url, name, "1.0.0")
    bring(version, "Staging", "Production")
    with lossy_proxy(url) as proxy:
        settings.MLFLOW_TRACKING_URI = proxy.url
        arm: Any = getattr(proxy, fault)
        for mark in ("model-versions/search", "transition-stage", "registered-models/alias", "set-tag"):
            arm(mark, 2.0) if fault == "hold" else arm(mark)
        for job in queued():
            attempts = iter(range(5))
            while work(job).state != "succeeded":
                next(attempts)
    assert there(url, name) == {1: PRODUCTION}
    assert len(events("promotion.applied")) == 2
