"""When the history of a repository is indexed, and the jobs that do it."""

import shutil
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role
from experiments import execution, repositories
from experiments.models import Job, Repository
from lineage import index_requests, listings
from lineage.models import DataVersion, FileListing, HistoryState
from tests.dvc_objects import over_http, put_folder
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import make_job, run_all
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

TRACKED = "outs:\n- md5: {}.dir\n  size: 10\n  nfiles: 2\n  hash: md5\n  path: raw\n"


@pytest.fixture
def source(settings: Settings, tmp_path: Path) -> Path:
    """A project whose data are nowhere to be had, as public ones often are."""
    settings.DATA_DIR = tmp_path / "var"
    remote = tmp_path / "remote"
    return make_git(
        tmp_path / "git",
        {
            "raw.dvc": TRACKED.format("a" * 32),
            ".dvc/config": f"[core]\n    remote = here\n['remote \"here\"']\n    url = {remote}\n",
        },
    )


def test_a_fetch_that_brings_news_is_followed_by_an_index(source: Path) -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    repository = repositories.connect("foreign", str(source), user=administrator)
    assert run_all() == ["fetch", "index"]
    assert DataVersion.objects.get().path == "raw"
    repositories.request_fetch(repository, user=administrator)
    assert run_all() == ["fetch"]
    commit(source, {"raw.dvc": TRACKED.format("b" * 32)}, "more")
    repositories.request_fetch(repository, user=administrator)
    assert run_all() == ["fetch", "index"]
    assert DataVersion.objects.count() == 2


def test_news_that_got_lost_are_caught_up_with(source: Path) -> None:
    repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    run_all()
    HistoryState.objects.all().delete()
    index_requests.catch_up()
    index_requests.catch_up()
    assert Job.objects.filter(kind="index", state="queued").count() == 1
    run_all()
    index_requests.catch_up()
    assert not Job.objects.filter(state="queued").exists()


def test_a_list_of_files_that_is_nowhere_is_said_to_be_nowhere(source: Path) -> None:
    repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    run_all()
    [version] = DataVersion.objects.select_related("repository")
    listings.request([version], user=make_user(Role.ENGINEER))
    assert run_all() == ["list_files"]
    known = FileListing.objects.get()
    assert (known.state, known.reason) == (
        "unreachable",
        "The list of files is in none of these places: cache, remote.",
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("{data}", "The DVC remote is a folder of this installation."),
        ("{data}/mirrors", "The DVC remote is a folder of this installation."),
        ("{data}/../link", "The DVC remote is a folder of this installation."),
        ("file:///", "The DVC remote is a folder of this installation."),
        (
            "http://{server}/",
            "The remote is a host of this network, which is asked only where the operator allows it.",
        ),
    ],
)
def test_a_remote_that_would_read_what_is_ours_is_not_read(
    settings: Settings, tmp_path: Path, address: str, reason: str
) -> None:
    settings.DATA_DIR = tmp_path / "var"
    (tmp_path / "link").symlink_to(settings.DATA_DIR / "mirrors")
    value = put_folder(settings.DATA_DIR / "mirrors", {"a": b"secret"})
    with over_http(settings.DATA_DIR) as served:
        url = address.format(data=settings.DATA_DIR, server=served.removeprefix("http://"))
        config = f"[core]\n    remote = here\n['remote \"here\"']\n    url = {url}\n"
        raw = TRACKED.format(value.removesuffix(".dir"))
        source = make_git(tmp_path / "git", {"raw.dvc": raw, ".dvc/config": config})
        repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
        run_all()
        [version] = DataVersion.objects.select_related("repository")
        listings.request([version], user=make_user(Role.ENGINEER))
        assert run_all() == ["list_files"]
    known = FileListing.objects.get()
    assert (known.state, known.reason) == ("unreachable", reason)


def fail(repository: Repository) -> Job:
    """Run the waiting pass to its end, which is a failure."""
    while job := repository.jobs.filter(kind="index", state="queued").order_by("pk").first():
        Job.objects.filter(pk=job.pk).update(not_before=Now())
        assert execution.run(job.pk)
    return repository.jobs.filter(kind="index").latest("pk")


def test_a_pass_that_fails_for_good_is_tried_again_after_longer_and_longer_pauses(source: Path) -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    repository = repositories.connect("foreign", str(source), user=administrator)
    execution.run(repository.jobs.get(kind="fetch").pk)
    shutil.rmtree(repositories.mirror_path(repository))
    for number, pause in enumerate((*index_requests.PAUSES, index_requests.PAUSES[-1]), start=1):
        job = fail(repository)
        assert job.state == "failed"
        assert HistoryState.objects.get(repository=repository).error == job.error
        index_requests.catch_up()
        assert repository.jobs.filter(kind="index").count() == number
        Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - pause + timedelta(minutes=1))
        index_requests.catch_up()
        assert repository.jobs.filter(kind="index").count() == number
        Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - pause)
        index_requests.catch_up()
        assert repository.jobs.filter(kind="index", state="queued").count() == 1
    fail(repository)
    repositories.request_fetch(repository, user=administrator)  # a person need not wait
    assert run_all() == ["fetch", "index"]
    state = HistoryState.objects.get(repository=repository)
    assert (state.error, state.commits) == ("", 1)
    assert not index_requests.is_pausing(repository)


def test_a_repository_is_read_by_one_pass_at_a_time(source: Path) -> None:
    repository = repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    execution.run(repository.jobs.get(kind="fetch").pk)
    claimed = repository.jobs.get(kind="index")
    Job.objects.filter(pk=claimed.pk).update(state="running", started_at=timezone.now())
    index_requests.catch_up()
    assert index_requests.request(repository).pk == claimed.pk
    Job.objects.filter(pk=claimed.pk).update(state="succeeded", finished_at=timezone.now())
    threads = [Thread(target=asked_apart, args=(repository,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repository.jobs.filter(kind="index", state="queued").count() == 1


def asked_apart(repository: Repository) -> None:
    index_requests.request(repository)
    connection.close()


def test_what_came_while_a_pass_ran_is_read_by_the_next_one(source: Path) -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    repository = repositories.connect("foreign", str(source), user=administrator)
    run_all()
    job = index_requests.request(repository)
    assert execution.run(job.pk)
    assert not repository.jobs.filter(state="queued").exists()
    again = index_requests.request(repository)
    made = make_job("succeeded", kind="pipeline", repository=repository, finished_at=timezone.now())
    Job.objects.filter(pk=made.pk).update(finished_at=timezone.now() + timedelta(minutes=1))
    assert execution.run(again.pk)
    assert repository.jobs.filter(kind="index", state="queued").count() == 1


def test_a_repository_that_is_gone_ends_its_job_for_good() -> None:
    repository = Repository.objects.create(name="gone", url="/x", experiment_name="x", created_by="x")
    job = index_requests.request(repository)
    repository.delete()
    assert execution.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", 1)
