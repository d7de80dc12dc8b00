"""Connecting a repository and asking for a fetch; Git itself is not touched here."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.roles import Role
from audit.models import AuditEntry
from experiments import repositories
from experiments.models import Job, Repository
from tests.people import make_user

pytestmark = pytest.mark.django_db


def test_connecting_writes_the_row_the_trail_and_a_fetch_job() -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    repository = repositories.connect(
        "receipts", "https://git.example.org/receipts.git", user=administrator, description="영수증"
    )
    assert Repository.objects.get() == repository
    assert (repository.experiment_name, repository.created_by) == ("receipts", administrator.username)
    assert repository.fetched_at is None
    job = Job.objects.get()
    assert (job.kind, job.queue, job.repository, job.payload) == (
        "fetch",
        "sync",
        repository,
        {"repository": "receipts"},
    )
    entry = AuditEntry.objects.get(event="repository.connected")
    assert (entry.target_kind, entry.target_name) == ("repository", "receipts")
    assert entry.data["url"] == "https://git.example.org/receipts.git"
    assert not (Path(settings.DATA_DIR) / "mirrors" / "receipts.git").exists()


def test_only_an_administrator_may_connect() -> None:
    for role in (Role.VIEWER, Role.ENGINEER, Role.REVIEWER, Role.AUDITOR):
        with pytest.raises(PermissionDenied):
            repositories.connect("receipts", "/srv/receipts", user=make_user(role))
    assert not Repository.objects.exists()


@pytest.mark.parametrize(
    "name", ["", "Receipts", "a b", "../x", "a/b", "-a", "a:b", "영수증", "x" * 101, "a\nb"]
)
def test_a_name_that_cannot_be_a_folder_or_an_address_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        repositories.connect(name, "/srv/receipts", user=make_user(Role.ADMINISTRATOR))
    assert "name" in caught.value.message_dict
    assert not Repository.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "receipts",
        "../receipts",
        "http://git.example.org/x",
        "ftp://git.example.org/x",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://somebody:secret@git.example.org/x",
        "https://token@git.example.org/x",
        "/srv/" + "x" * 1000,
        "/srv/a\x07b",
    ],
)
def test_an_address_that_is_not_safe_for_git_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        repositories.connect("receipts", url, user=make_user(Role.ADMINISTRATOR))
    assert set(caught.value.message_dict) == {"url"}
    assert "secret" not in str(caught.value)
    assert not AuditEntry.objects.filter(event="repository.connected").exists()


def test_who_writes_a_password_is_told_the_way_that_works() -> None:
    with pytest.raises(ValidationError, match="SSH key or agent of the workers' user"):
        repositories.connect("x", "https://token@git.example.org/x", user=make_user(Role.ADMINISTRATOR))


@pytest.mark.parametrize(
    "url",
    ["/srv/git/receipts", "ssh://git@example.org/x.git", "git@example.org:x.git", "git://example.org/x"],
)
def test_the_usual_addresses_are_accepted(url: str) -> None:
    assert repositories.connect("receipts", url, user=make_user(Role.ADMINISTRATOR)).url == url


def test_a_name_is_given_once() -> None:
    administrator = make_user(Role.ADMINISTRATOR)
    repositories.connect("receipts", "/srv/a", user=administrator)
    with pytest.raises(ValidationError) as caught:
        repositories.connect("receipts", "/srv/b", user=administrator)
    assert set(caught.value.message_dict) == {"name"}
    assert Job.objects.count() == 1


def test_an_engineer_may_ask_for_a_fetch_and_one_that_waits_is_enough() -> None:
    repository = repositories.connect("receipts", "/srv/a", user=make_user(Role.ADMINISTRATOR))
    engineer = make_user(Role.ENGINEER)
    waiting = repositories.request_fetch(repository, user=engineer)
    assert waiting == Job.objects.get()
    Job.objects.update(state="succeeded")
    assert repositories.request_fetch(repository, user=engineer) != waiting
    with pytest.raises(PermissionDenied):
        repositories.request_fetch(repository, user=make_user(Role.VIEWER))
