"""Launching a pipeline: everything is checked before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import launches
from experiments.models import Commit, Job, Outbox, Ref, Repository
from tests.people import make_user

pytestmark = pytest.mark.django_db

PARAMS = """\
data:
  version: "1.0.0"
train:
  architecture: CRNN   # CNN or CRNN
  learning_rate: 0.003
  epochs: 8
  channels: [16, 32]
  bidirectional: true
"""
PIPELINE = {"stages": [{"name": "train"}], "artifacts": {}}
SHA = "1234567890abcdef1234567890abcdef12345678"


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


@pytest.fixture
def repository() -> Repository:
    repository = Repository.objects.create(
        name="receipts",
        url="/srv/receipts",
        default_ref="main",
        experiment_name="receipts",
        created_by="somebody",
        fetched_at=timezone.now(),
    )
    add_commit(repository, SHA, branch="main")
    return repository


def add_commit(repository: Repository, sha: str, *, branch: str = "", tag: str = "", **values: Any) -> Commit:
    values = {"params_text": PARAMS, "pipeline": PIPELINE, "subject": "s", "author": "a", **values}
    commit = Commit.objects.create(repository=repository, sha=sha, committed_at=timezone.now(), **values)
    for kind, name in ((Ref.Kind.BRANCH, branch), (Ref.Kind.TAG, tag)):
        if name:
            Ref.objects.create(repository=repository, kind=kind, name=name, commit=commit)
    return commit


def errors_of(repository: Repository, user: User, **arguments: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        launches.launch(repository, **{"ref": "main", "overrides": {}, "user": user, **arguments})
    assert not Job.objects.exists()
    assert not Outbox.objects.exists()
    assert not AuditEntry.objects.filter(event="job.submitted").exists()
    return caught.value.message_dict


def test_a_launch_becomes_a_job_at_an_exact_commit_with_typed_values(
    repository: Repository, engineer: User
) -> None:
    job = launches.launch(
        repository,
        ref="main",
        overrides={"train.learning_rate": "1e-3", "train.epochs": 2, "train.channels": "[8, 16]"},
        user=engineer,
        note="  a  smaller step ",
    )
    assert (job.kind, job.state, job.repository, job.submitted_by) == (
        "pipeline",
        "queued",
        repository,
        engineer,
    )
    assert job.payload == {
        "repository": "receipts",
        "sha": SHA,
        "ref": "main",
        "ref_kind": "branch",
        "overrides": {"train.learning_rate": 0.001, "train.epochs": 2, "train.channels": [8, 16]},
        "note": "a smaller step",
    }
    assert isinstance(job.payload["overrides"]["train.epochs"], int)
    entry = AuditEntry.objects.get(event="job.submitted")
    assert (entry.actor_name, entry.target_id) == (engineer.username, str(job.pk))
    assert "0.001" in entry.data["payload"]


def test_values_that_the_commit_has_anyway_are_no_overrides(repository: Repository, engineer: User) -> None:
    form = {
        "data.version": "1.0.0",
        "train.architecture": "CRNN",
        "train.learning_rate": "0.003",
        "train.epochs": "9",
        "train.channels": "[16, 32]",
        "train.bidirectional": "true",
    }
    job = launches.launch(repository, ref="", overrides=form, user=engineer)
    assert job.payload["overrides"] == {"train.epochs": 9}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.unknown", 1),
        ("train.epochs", "many"),
        ("train.epochs", 2.5),
        ("train.epochs", True),
        ("train.bidirectional", "perhaps"),
        ("train.learning_rate", "nan"),
        ("train.channels", "16"),
        ("train.epochs", 2**60 + 1),
        ("/etc/settings.py:train.epochs", 1),
        ("train.epochs=1", 1),
        ("~train.epochs", 1),
        ("+train.epochs", 1),
        ("train.${epochs}", 1),
        ("train.epochs\nother", 1),
        ("train.epochs;id", 1),
        ("", 1),
        ("train.architecture", "${oc.env:SECRET}"),
        ("train.architecture", "CNN; touch /tmp/owned"),
        ("train.architecture", "$(id)"),
        ("train.architecture", "CNN\nCRNN"),
    ],
)
def test_a_parameter_that_is_unknown_ill_typed_or_dangerous_is_refused_by_name(
    repository: Repository, engineer: User, key: str, value: object
) -> None:
    errors = errors_of(repository, engineer, overrides={key: value})
    assert set(errors) == {f"params.{key}"}
    assert errors[f"params.{key}"][0]


def test_every_fault_is_told_at_once(repository: Repository, engineer: User) -> None:
    errors = errors_of(
        repository, engineer, overrides={"train.epochs": "x", "no.such": 1, "data.version": "2"}
    )
    assert set(errors) == {"params.train.epochs", "params.no.such"}


@pytest.mark.parametrize(
    "ref", ["nonesuch", "main~1", "HEAD", "--all", "f" * 40, "../main", "ma\x00in", "x" * 300, "123"]
)
def test_an_unknown_ref_is_refused(repository: Repository, engineer: User, ref: str) -> None:
    assert set(errors_of(repository, engineer, ref=ref)) == {"ref"}


def test_branches_come_before_tags_and_hashes_may_be_short(repository: Repository, engineer: User) -> None:
    tagged = add_commit(repository, "abcd" + "0" * 36, tag="v1")
    add_commit(repository, "abcd" + "1" * 36, tag="main")
    other = Repository.objects.create(name="other", url="/x", experiment_name="o", created_by="x")
    add_commit(other, "abcd0" + "2" * 35, branch="elsewhere")

    assert launches.resolve(repository, "main").commit.sha == SHA
    assert launches.resolve(repository, "v1")[1:] == ("v1", "tag")
    assert launches.resolve(repository, "ABCD0") == (tagged, tagged.sha, "commit")
    assert launches.resolve(repository, SHA[:7]).commit.sha == SHA
    assert set(errors_of(repository, engineer, ref="abcd")) == {"ref"}
    assert set(errors_of(repository, engineer, ref="elsewhere")) == {"ref"}


def test_a_repository_that_was_never_fetched_has_nothing_to_run(
    repository: Repository, engineer: User
) -> None:
    Repository.objects.update(fetched_at=None)
    repository.refresh_from_db()
    assert "not been fetched" in errors_of(repository, engineer)["ref"][0]


def test_a_commit_without_a_pipeline_or_with_a_broken_one_is_refused(
    repository: Repository, engineer: User
) -> None:
    add_commit(repository, "1" * 40, branch="bare", pipeline={})
    add_commit(repository, "2" * 40, branch="broken", pipeline={}, problem="dvc.yaml: no mapping")
    add_commit(repository, "3" * 40, branch="odd", params_text="a: [")
    assert "no pipeline" in errors_of(repository, engineer, ref="bare")["ref"][0]
    assert errors_of(repository, engineer, ref="broken") == {"ref": ["dvc.yaml: no mapping"]}
    assert "not valid YAML" in errors_of(repository, engineer, ref="odd")["ref"][0]


def test_only_who_may_start_jobs_may_launch(repository: Repository) -> None:
    with pytest.raises(PermissionDenied):
        launches.launch(repository, ref="main", overrides={}, user=make_user(Role.VIEWER))
    assert not Job.objects.exists()
    assert AuditEntry.objects.filter(event="permission.denied").exists()


def test_registering_the_result_is_asked_for_with_the_launch(repository: Repository, engineer: User) -> None:
    asked = {"model": "receipt-ocr", "version": "1.0.0"}
    job = launches.launch(repository, ref="main", overrides={}, user=engineer, register_as=asked)
    assert job.payload["register_as"] == asked


@pytest.mark.parametrize("asked", [{}, {"model": ""}, {"model": "m", "stage": "Production"}, {"model": 3}])
def test_an_unclear_registration_is_refused(
    repository: Repository, engineer: User, asked: dict[str, Any]
) -> None:
    assert set(errors_of(repository, engineer, register_as=asked)) == {"register_as"}


def test_a_note_is_one_short_line(repository: Repository, engineer: User) -> None:
    assert set(errors_of(repository, engineer, note="x" * 301)) == {"note"}
    assert set(errors_of(repository, engineer, note="a\x07b")) == {"note"}


def test_a_launch_with_a_key_happens_once(repository: Repository, engineer: User) -> None:
    first, again = (
        launches.launch(repository, ref="main", overrides={}, user=engineer, key="demo:baseline")
        for _ in range(2)
    )
    assert first == again
    assert Job.objects.count() == 1
