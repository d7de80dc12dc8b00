"""A result put onto a branch: on its tip, nothing lost, pushed where that is allowed. Real Git and DVC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import applying, commit_index, execution, repositories, sweeps
from experiments.jobs import WrongStateError
from experiments.models import Job, Repository
from experiments.sweep_plan import Asked
from integrations import git_applying
from integrations.git_applying import MovedError
from integrations.git_repository import GitMirror
from tests.integrations.git_workshop import commit, git
from tests.jobs import make_job
from tests.people import make_user
from tests.pipeline_project import connect, make_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where people work; they push to the bare repository beside it."""
    root = tmp_path_factory.mktemp("upstream")
    project = make_project(root / "letters", root / "remote")
    git(root, "clone", "--quiet", "--bare", str(project), str(root / "origin.git"))
    return project


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The result of the one pipeline job that all tests apply."""
    return {}


@pytest.fixture(autouse=True)
def places(settings: Settings, data_dir: Path) -> None:
    settings.DATA_DIR = data_dir


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def repository(workshop: Path) -> Repository:
    return connect(workshop.parent / "origin.git")


@pytest.fixture
def result(repository: Repository, engineer: User, made: dict[str, Any]) -> Job:
    if not made:
        # The first run of a sweep, which so is tried with the real pipeline, too.
        asked = Asked(
            space={"train.learning_rate": "0.25, 0.125", "prepare.rows": "3"},
            method="grid",
            objective="scores.val_cer",
            direction="",
            name="half the step",
            width=1,
        )
        sweep = sweeps.start(repository, asked, user=engineer)
        job = Job.objects.get(trial__sweep=sweep)
        execution.run(job.pk)
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        assert list(sweep.trials.values_list("outcome", "value")) == [("measured", 0.025), ("", None)]
        assert sweep.trials.exclude(job=None).count() == 2
        sweeps.stop(sweep, user=engineer, cancel=True)
        made.update(payload=job.payload, result=job.result)
    commit_index.add(mirror_of(repository), repository, made["result"]["sha"])
    return make_job("succeeded", repository=repository, user=engineer, **made)


def mirror_of(repository: Repository) -> GitMirror:
    return GitMirror(repositories.mirror_path(repository))


def move(workshop: Path, branch: str, files: dict[str, str]) -> str:
    """Push a branch that is one commit ahead of main; return that commit."""
    git(workshop, "checkout", "--quiet", "-B", branch, "main")
    sha = commit(workshop, files, f"Change {', '.join(files)}")
    git(workshop, "push", "--quiet", "--force", str(workshop.parent / "origin.git"), branch)
    git(workshop, "checkout", "--quiet", "main")
    return sha


def at_origin(workshop: Path, branch: str) -> str:
    return git(workshop.parent / "origin.git", "rev-parse", branch)


def apply(result: Job, user: User, branch: str) -> Job:
    job = applying.submit(result, user=user, branch=branch)
    execution.run(job.pk)
    return Job.objects.get(pk=job.pk)


def again(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(state="queued")
    execution.run(job.pk)
    return Job.objects.get(pk=job.pk)


def test_it_goes_on_top_of_a_branch_that_moved_elsewhere_and_stays_through_a_fetch(
    repository: Repository, result: Job, engineer: User, workshop: Path
) -> None:
    tip = move(workshop, "notes", {"NOTES.md": "new\n"})
    job = apply(result, engineer, "notes")
    assert job.state == "succeeded", job.error
    mirror, sha = mirror_of(repository), job.result["sha"]
    assert git_applying.parents(mirror, sha) == [tip]
    assert mirror.read_file(sha, "NOTES.md") == b"new\n"
    assert b"learning_rate: 0.25" in (mirror.read_file(sha, "params.yaml") or b"")
    lock = mirror.read_file(result.result["sha"], "dvc.lock")
    assert mirror.read_file(sha, "dvc.lock") == lock
    assert (job.result["to_origin"], at_origin(workshop, "notes")) == (False, tip)
    commit_index.index(repository)
    assert git_applying.branch_commit(mirror, job.result["branch"]) == sha
    assert job.result["branch"] in job.result["fetch_command"]
    assert again(job).result["sha"] == sha
    assert AuditEntry.objects.filter(event="result.applied").count() == 1


def test_it_is_pushed_where_an_administrator_allows_it_once_and_with_its_origin(
    repository: Repository, result: Job, engineer: User, workshop: Path
) -> None:
    tip = move(workshop, "release", {"NOTES.md": "new\n"})
    Repository.objects.update(push_allowed=True)
    job = apply(result, engineer, "release")
    assert job.state == "succeeded", job.error
    sha = job.result["sha"]
    assert at_origin(workshop, "release") == sha
    told = git(workshop.parent / "origin.git", "log", "-1", "--format=%an%n%B", "release")
    for line in ("engineer", "half the step", "train.learning_rate: 0.25", f"Stagegate-Job: {result.pk}"):
        assert line in told
    assert repository.refs.get(name="release").commit.sha == sha
    assert again(job).result["sha"] == sha
    log = git(workshop.parent / "origin.git", "log", "--format=%H", "release").split()
    assert log[:2] == [sha, tip]
    assert log.count(sha) == 1


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("train.py", "print('other')\n", "train.py (the result depends on it)"),
        ("params.yaml", "train: {learning_rate: 0.125}\n", "params.yaml (changed by both)"),
        ("data/raw.dvc", "outs: []\n", "data/raw.dvc (the result depends on it)"),
    ],
)
def test_a_branch_that_changed_what_it_depends_on_gets_nothing(
    repository: Repository, result: Job, engineer: User, workshop: Path, file: str, text: str, why: str
) -> None:
    tip = move(workshop, "moved", {file: text})
    Repository.objects.update(push_allowed=True)
    job = apply(result, engineer, "moved")
    assert (job.state, job.attempt) == ("failed", 1)
    assert why in job.error
    assert at_origin(workshop, "moved") == tip
    assert not AuditEntry.objects.filter(event="result.applied").exists()


def test_a_new_name_becomes_a_branch_at_the_commit_of_the_run(
    repository: Repository, result: Job, engineer: User, workshop: Path
) -> None:
    Repository.objects.update(push_allowed=True)
    job = apply(result, engineer, "feature/half-the-step")
    sha = at_origin(workshop, "feature/half-the-step")
    assert (job.state, job.result["sha"]) == ("succeeded", sha)
    assert git_applying.parents(mirror_of(repository), sha) == [result.result["base_sha"]]


def test_a_push_never_goes_over_what_somebody_pushed_meanwhile(
    repository: Repository, result: Job, workshop: Path
) -> None:
    mirror = mirror_of(repository)
    seen = move(workshop, "busy", {"NOTES.md": "one\n"})
    commit_index.index(repository)
    newer = move(workshop, "busy", {"NOTES.md": "two\n"})
    with pytest.raises(MovedError):
        git_applying.push(mirror, result.result["sha"], "busy", expected=seen)
    with pytest.raises(MovedError):
        git_applying.push(mirror, result.result["sha"], "busy", expected=None)
    assert at_origin(workshop, "busy") == newer


@pytest.mark.parametrize(
    "name", ["", "stagegate/job-1", "-d", "a..b", "a b", "HEAD", "x.lock", "$(id)", "a:b", "a\nb", "/a", "a/"]
)
def test_what_is_no_branch_of_others_is_refused(engineer: User, name: str) -> None:
    made = {"sha": "a" * 40, "base_sha": "b" * 40}
    repository = Repository.objects.create(name="other", url="/x", experiment_name="x", created_by="x")
    with pytest.raises(ValidationError):
        applying.submit(make_job("succeeded", repository=repository, result=made), user=engineer, branch=name)
    assert Job.objects.count() == 1


def test_a_job_without_a_result_has_nothing_to_apply(engineer: User) -> None:
    with pytest.raises(WrongStateError):
        applying.submit(make_job("failed"), user=engineer, branch="main")
