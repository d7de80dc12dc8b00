"""A pipeline job from launch to result, with real Git and DVC, in this process."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import execution, job_logs, jobs, launches, repositories
from experiments.models import Commit, Job, Repository
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from tests.integrations.git_workshop import commit, git
from tests.people import make_user
from tests.pipeline_project import connect, dvc, make_project

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = ["clone", "fetch data", "prepare", "train", "evaluate", "verify", "commit", "push data"]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("upstream")
    return make_project(root / "letters", root / "remote")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, and so one DVC cache, for most tests: as on a host where people work."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def short_times(settings: Settings, data_dir: Path) -> None:
    settings.DATA_DIR = data_dir
    settings.JOB_LEASE = 6
    settings.JOB_CANCEL_GRACE = 1


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def repository(upstream: Path) -> Repository:
    return connect(upstream)


def launch(repository: Repository, user: User, **arguments: Any) -> Job:
    return launches.launch(repository, **{"ref": "main", "overrides": {}, "user": user, **arguments})


def run(job: Job) -> Job:
    assert execution.run(job.pk)
    return Job.objects.get(pk=job.pk)


def succeeded(job: Job) -> Job:
    done = run(job)
    assert done.state == "succeeded", f"{done.error}\n{log(done)}"
    return done


def log(job: Job) -> str:
    return "\n".join(job_logs.read(job, limit=100_000).lines)


def mirror_of(repository: Repository) -> GitMirror:
    return GitMirror(repositories.mirror_path(repository))


def branches(repository: Repository) -> list[str]:
    names = [ref.name for ref in mirror_of(repository).refs()]
    return sorted(name for name in names if name.startswith("stagegate/"))


def states(job: Job) -> dict[str, str]:
    return {step["name"]: step["state"] for step in job.steps}


def test_a_launch_runs_the_stages_and_leaves_a_commit_from_which_everything_comes_back(
    repository: Repository, engineer: User, upstream: Path, tmp_path: Path
) -> None:
    job = succeeded(
        launch(
            repository, engineer, overrides={"train.learning_rate": "0.25"}, note="half the step", ref="main"
        )
    )
    result = job.result
    assert states(job) == dict.fromkeys(STEPS, "done")
    assert "training with 0.25" in log(job)
    assert result["base_sha"] == git(upstream, "rev-parse", "main")
    assert result["branch"] == f"stagegate/job-{job.pk}"
    assert result["overrides"] == {"train.learning_rate": 0.25}
    assert result["params"]["train.learning_rate"] == 0.25
    assert result["params"]["prepare.rows"] == 3
    assert result["metrics"] == {
        "train_samples": 8,
        "split_ratio": 0.75,
        "train_loss": 0.5,
        "val_loss": 0.25,
        "odd": "NaN",
        "scores.val_cer": 0.025,
    }
    assert [stage["name"] for stage in result["stages"]] == ["prepare", "train", "evaluate"]
    assert all(stage["state"] == "ran" for stage in result["stages"])
    assert 0 < result["training_seconds"] < 60
    assert result["training_measured_in"] == job.pk
    [data] = result["inputs"]
    assert (data["path"], data["nfiles"]) == ("data/raw", 4)
    assert result["dataset_hash"] == data["md5"]
    assert data["md5"].endswith(".dir")
    assert result["lock"]["train"]["outs"][0]["path"] == "metrics/train.json"
    assert result["pushed"] is True
    environment = result["environment"]
    assert environment["python"].startswith("3.11.")
    assert environment["torch"].startswith("2.13.0")
    assert (environment["gpus"], environment["gpu"], environment["cuda"]) == (0, "none", "none")
    assert environment["packages"]["dvc"] == "3.67.1"

    changed = git(mirror_of(repository).path, "show", "--stat=200", "--format=%an%n%B", result["sha"])
    assert changed.startswith("engineer\nhalf the step\n\ntrain.learning_rate: 0.25\n")
    assert {line.split("|")[0].strip() for line in changed.splitlines() if "|" in line} == {
        "params.yaml",
        "dvc.lock",
        "metrics/data.json",
        "metrics/train.json",
        "metrics/eval.json",
        "plots/history.csv",
        "plots/confusion.csv",
    }
    row = Commit.objects.get(repository=repository, sha=result["sha"])
    assert "learning_rate: 0.25  # step size" in row.params_text
    follow_up = Job.objects.get(parent=job)
    assert (follow_up.kind, follow_up.payload) == ("log_run", {"pipeline": job.pk})

    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "--quiet", str(mirror_of(repository).path), str(clone))
    git(clone, "checkout", "--quiet", result["sha"])
    dvc(clone, "pull", "--quiet")
    assert "Data and pipelines are up to date." in dvc(clone, "repro")
    assert (clone / "models" / "weights.txt").read_text() == "0.25"


def test_a_result_can_be_launched_again_and_is_found_in_the_cache_with_its_training_time(
    repository: Repository, engineer: User
) -> None:
    first = succeeded(launch(repository, engineer, overrides={"train.epochs": 3}))
    again = succeeded(launch(repository, engineer, ref=first.result["sha"]))
    assert states(again)["train"] == "skipped"
    assert again.result["training_seconds"] == first.result["training_seconds"]
    assert again.result["training_measured_in"] == first.pk
    assert again.result["metrics"] == first.result["metrics"]
    assert again.result["base_sha"] == first.result["sha"]


def test_two_jobs_at_once_each_have_their_own_parameters(repository: Repository, engineer: User) -> None:
    rates = (0.125, 0.0625, 0.03125)
    waiting = [launch(repository, engineer, overrides={"train.learning_rate": rate}) for rate in rates]

    def work(job: Job) -> None:
        execution.run(job.pk)
        connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rate, job in zip(rates, waiting, strict=True):
        done = Job.objects.get(pk=job.pk)
        assert done.state == "succeeded", log(done)
        assert done.result["params"]["train.learning_rate"] == rate
        assert done.result["metrics"]["val_loss"] == rate
        committed = mirror_of(repository).read_file(done.result["sha"], "metrics/eval.json")
        assert json.loads(committed or b"")["val_loss"] == rate


def test_a_stage_that_fails_ends_the_job_with_its_last_lines_and_leaves_nothing(
    repository: Repository, engineer: User
) -> None:
    before = branches(repository)
    job = run(launch(repository, engineer, overrides={"train.behaviour": "fail"}))
    assert job.state == "failed"
    assert job.attempt == 1
    assert job.error.startswith("Stage 'train' failed.")
    assert "the loss is not a number" in job.error
    assert states(job) == {
        **dict.fromkeys(STEPS, "waiting"),
        "clone": "done",
        "fetch data": "done",
        "prepare": states(job)["prepare"],
        "train": "failed",
    }
    assert not Job.objects.filter(parent=job).exists()
    assert branches(repository) == before
    assert job.result == {}


def test_a_stage_gets_nothing_of_ours(
    repository: Repository, engineer: User, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    secrets = {
        "STAGEGATE_SECRET_KEY": "s3cret",
        "DATABASE_URL": "postgres://u:s3cret@h/d",
        "REDIS_URL": "redis://:s3cret@h",
        "MLFLOW_TRACKING_TOKEN": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "GOOGLE_APPLICATION_CREDENTIALS": "/s3cret",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    job = succeeded(launch(repository, engineer, overrides={"train.learning_rate": 0.375}))
    clone = data_dir / "elsewhere"
    git(data_dir, "clone", "--quiet", str(mirror_of(repository).path), str(clone))
    git(clone, "checkout", "--quiet", job.result["sha"])
    dvc(clone, "pull", "--quiet")
    seen = json.loads((clone / "models" / "environment.json").read_text())
    shutil.rmtree(clone)
    assert not set(secrets) & set(seen)
    assert "s3cret" not in json.dumps(seen)
    assert seen["HOME"].startswith(str(data_dir / "jobs"))
    assert seen["TMPDIR"].startswith(str(data_dir / "jobs"))
    assert seen["OMP_NUM_THREADS"] == "1"
    assert not list((data_dir / "jobs").iterdir())


def test_cancelling_ends_a_stage_that_ignores_term(repository: Repository, engineer: User) -> None:
    job = launch(repository, engineer, overrides={"train.behaviour": "deaf"})
    thread = threading.Thread(target=lambda: (execution.run(job.pk), connection.close()))
    thread.start()
    deadline = time.monotonic() + 60
    while "training with" not in log(Job.objects.get(pk=job.pk)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    jobs.cancel(Job.objects.get(pk=job.pk), user=engineer)
    asked = time.monotonic()
    thread.join(30)
    assert time.monotonic() - asked < 15
    done = Job.objects.get(pk=job.pk)
    assert done.state == "cancelled"
    assert states(done)["train"] == "failed"
    assert not Job.objects.filter(parent=job).exists()


def test_an_attempt_that_breaks_off_after_the_commit_is_taken_up_with_the_same_commit(
    repository: Repository, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.pipeline_clone import PipelineClone

    def unreachable(self: PipelineClone) -> bool:
        raise IntegrationError("The remote is away.", permanent=False)

    job = launch(repository, engineer, overrides={"train.learning_rate": 0.75})
    with monkeypatch.context() as patch:
        patch.setattr(PipelineClone, "push", unreachable)
        run(job)
    waiting = Job.objects.get(pk=job.pk)
    assert (waiting.state, waiting.error) == ("queued", "The remote is away.")
    committed = mirror_of(repository).resolve(f"stagegate/job-{job.pk}")
    Job.objects.update(not_before=waiting.created_at)
    done = succeeded(job)
    assert done.attempt == 2
    assert done.result["sha"] == committed
    assert states(done)["train"] == "skipped"
    assert done.result["training_seconds"] > 0
    assert Job.objects.filter(parent=job).count() == 1


def test_an_attempt_with_other_numbers_gets_a_branch_of_its_own(
    repository: Repository, engineer: User
) -> None:
    job = launch(repository, engineer, overrides={"train.learning_rate": 0.875})
    mirror = mirror_of(repository)
    sha = mirror.resolve("main")
    git(mirror.path, "branch", f"stagegate/job-{job.pk}", sha)
    Job.objects.update(attempt=1)
    done = succeeded(job)
    assert done.result["branch"] == f"stagegate/job-{job.pk}-attempt-2"
    assert mirror.resolve(f"stagegate/job-{job.pk}") == sha


def test_an_output_that_a_later_stage_changed_is_found(repository: Repository, engineer: User) -> None:
    job = run(launch(repository, engineer, overrides={"train.behaviour": "spoil"}))
    assert job.state == "failed"
    assert "data/clean (changed)" in job.error
    assert states(job)["verify"] == "failed"


def test_a_tampered_cache_is_found(
    repository: Repository, engineer: User, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    Repository.objects.all().delete()
    repository = connect(Path(repository.url), "tampered")
    succeeded(launch(repository, engineer))
    letters = [
        file
        for file in (tmp_path / "dvc-cache").rglob("*")
        if file.is_file() and file.read_bytes() == b"a" * 10
    ]
    assert len(letters) == 1
    letters[0].chmod(0o644)
    letters[0].write_bytes(b"z" * 10)
    job = run(launch(repository, engineer, overrides={"train.learning_rate": 0.25}))
    assert job.state == "failed"
    assert "data/raw" in job.error


def test_data_that_are_nowhere_are_named_and_no_stage_runs(
    engineer: User, tmp_path: Path, settings: Settings
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    upstream = make_project(tmp_path / "lost", tmp_path / "remote")
    shutil.rmtree(tmp_path / "remote")
    repository = connect(upstream, "lost")
    job = run(launch(repository, engineer))
    assert job.state == "failed"
    assert "data/raw.dvc are neither in the cache nor in the DVC remote" in job.error
    assert not job.error.endswith(":")  # what DVC says goes on in its next line
    assert states(job)["fetch data"] == "failed"
    assert "Running stage" not in log(job)


def test_a_repository_without_a_remote_keeps_its_data_in_the_cache_and_says_so(
    engineer: User, tmp_path: Path, settings: Settings
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    upstream = make_project(tmp_path / "alone", None)
    shutil.copytree(upstream / ".dvc" / "cache", tmp_path / "data" / "dvc-cache")
    repository = connect(upstream, "alone")
    job = succeeded(launch(repository, engineer))
    assert job.result["pushed"] is False
    assert "no default DVC remote" in log(job)


def test_a_launch_from_a_tag_says_so(repository: Repository, engineer: User, upstream: Path) -> None:
    from experiments import commit_index

    git(upstream, "tag", "v1")
    commit_index.index(repository)
    job = succeeded(launch(repository, engineer, ref="v1"))
    assert (job.result["ref"], job.result["tag"]) == ("v1", "v1")
    commit(upstream, {"notes.txt": "later\n"}, "later")


def test_a_repository_that_is_gone_is_told_in_words(repository: Repository, engineer: User) -> None:
    job = launch(repository, engineer)
    Repository.objects.all().delete()
    assert run(job).error == "This repository is not connected any more."
