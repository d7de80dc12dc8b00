"""When the history of a repository is indexed, and the jobs that do it."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.roles import Role
from experiments import execution, repositories
from experiments.models import Job, Repository
from lineage import index_requests, listings
from lineage.models import DataVersion, FileListing, HistoryState
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import run_all
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


def test_a_repository_that_is_gone_ends_its_job_for_good() -> None:
    repository = Repository.objects.create(name="gone", url="/x", experiment_name="x", created_by="x")
    job = index_requests.request(repository)
    repository.delete()
    assert execution.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", 1)
