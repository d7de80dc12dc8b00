"""Experiments that people made with DVC: read behind a fetch, shown, and run again here. Real Git and DVC."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import execution, repositories
from experiments.models import DvcExperiment, Repository
from integrations.dvc_pipeline import DVCPipelineManager
from tests.integrations.git_workshop import commit, git
from tests.people import make_user
from tests.pipeline_project import connect, make_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one experiment that went well and one that nobody can read."""
    path = tmp_path_factory.mktemp("upstream") / "letters"
    metrics = {f"metrics/{name}.json": "{}" for name in ("data", "train", "eval")}
    make_project(path, None, **metrics)
    base = DVCPipelineManager(path).run_experiment({"train.learning_rate": 0.25}).baseline
    git(path, "checkout", "--quiet", "--detach")
    broken = commit(path, {"params.yaml": "train: [\n"}, "Break the parameters")
    git(path, "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/broken", broken)
    git(path, "checkout", "--quiet", "main")
    return path


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def engineer(client: Client) -> User:
    user = make_user(Role.ENGINEER)
    client.force_login(user)
    return user


def fetch(repository: Repository, user: User) -> None:
    job = repositories.request_fetch(repository, user=user)
    assert execution.run(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    repository.refresh_from_db()


def test_they_are_read_shown_and_run_here(upstream: Path, engineer: User, client: Client) -> None:
    repository = connect(upstream)
    fetch(repository, engineer)
    broken, good = DvcExperiment.objects.order_by("problem").reverse()
    base = git(upstream, "rev-parse", "main")
    assert (good.base_sha, good.branch, good.params["train.learning_rate"]) == (base, "main", 0.25)
    assert good.metrics["scores.val_cer"] == 0.025
    assert (broken.name, "params.yaml" in broken.problem) == ("broken", True)

    page = client.get(repository.get_absolute_url()).content.decode()
    assert "train.learning_rate=0.25" in page
    assert f"?from_experiment={good.pk}" in page
    form = client.get(f"{repository.get_absolute_url()}run/", {"from_experiment": good.pk})
    assert [(one.parameter.key, one.value) for one in form.context["changed"]] == [
        ("train.learning_rate", "0.25")
    ]
    assert [one.kind for one in form.context["starts"]] == ["commit", "tip"]
    assert client.get(f"{repository.get_absolute_url()}run/", {"from_experiment": "x"}).status_code == 404
    told = client.get(f"/api/v1/repositories/{repository.name}/experiments/").json()
    assert {one["name"]: bool(one["problem"]) for one in told["results"]} == {
        good.name: False,
        "broken": True,
    }

    fetch(repository, engineer)  # nothing has changed, so nothing is read again
    assert {one.pk for one in DvcExperiment.objects.all()} == {good.pk, broken.pk}
    git(upstream, "update-ref", "-d", f"refs/exps/{base[:2]}/{base[2:]}/broken")
    fetch(repository, engineer)
    assert [one.name for one in DvcExperiment.objects.all()] == [good.name]


def test_what_dvc_cannot_read_at_all_stops_no_fetch(tmp_path: Path, engineer: User, client: Client) -> None:
    path = tmp_path / "plain"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    sha = commit(path, {"README": "no DVC here\n"}, "first")
    git(path, "update-ref", f"refs/exps/{sha[:2]}/{sha[2:]}/odd", sha)
    repository = connect(path, "plain")
    fetch(repository, engineer)
    assert repository.experiments_error
    assert "They could not be read" in client.get(repository.get_absolute_url()).content.decode()
