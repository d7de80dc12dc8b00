"""Versions of data over time, along the default branch."""

import re

import pytest
from django.test import Client

from accounts.roles import Role
from experiments.models import Commit, Ref
from lineage.models import DataVersion, HistoryCommit
from tests.browser import OpenPage, accessibility_faults
from tests.history import make_data, make_history, make_snapshot, make_stage
from tests.jobs import make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db
A, B, SIDE = "a" * 32 + ".dir", "b" * 32 + ".dir", "c" * 32 + ".dir"


@pytest.fixture
def repository():
    return make_repository("receipts", default_ref="")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


def commits(
    repository, values: list[str | None], parents: list[str] | None = None, **changes
) -> list[HistoryCommit]:
    """Create a line of commits that have `data/raw` with these hashes; None: a file cannot be read."""
    found: list[HistoryCommit] = []
    for number, value in enumerate(values):
        outputs = {"data/raw": value} if value else {}
        stage = make_stage(repository, f"raw{number}.dvc", {}, outputs, kind="tracked", command="")
        problems = [] if value is not None else [{"path": "data/raw.dvc", "message": "no YAML"}]
        snapshot = make_snapshot(repository, [stage], problems=problems)
        above = [found[-1].sha] if found else parents or []
        found.append(make_history(repository, snapshot, parents=above, **changes))
        if value and not repository.data_versions.filter(hash=value).exists():
            make_data(repository, "data/raw", value, first_sha=found[-1].sha)
    return found


def rows(client: Client) -> list[str]:
    text = client.get("/repositories/receipts/data/versions/?path=data/raw").content.decode()
    body = text.split("<tbody>")[1].split("</tbody>")[0]
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in body.split("<tr>")[1:]]


def test_a_content_that_returned_is_shown_as_current_again(client, repository) -> None:
    first, _same, other, back = commits(repository, [A, A, B, A])
    told = rows(client)
    assert len(told) == 3
    assert A[:12] in told[0]
    assert f"{back.sha[:8]} " in told[0]
    assert "current" in told[0]
    assert B[:12] in told[1]
    assert f"{other.sha[:8]} " in told[1]
    assert f"{back.sha[:8]} " in told[1]
    assert f"{first.sha[:8]} " in told[2]
    assert f"{other.sha[:8]} " in told[2]
    assert [row.count("current") for row in told] == [1, 0, 0]


def test_a_commit_that_cannot_be_read_changes_nothing_and_what_was_removed_is_not_current(
    client, repository
) -> None:
    commits(repository, [A, None, A, ""])
    [row] = rows(client)
    assert "current" not in row


def test_what_only_other_branches_have_is_listed_as_that(client, repository) -> None:
    line = commits(repository, [A, B])
    commits(repository, [SIDE], [line[0].sha], committed_at=line[0].committed_at)
    told = rows(client)
    assert [SIDE[:12] in row for row in told] == [False, False, True]
    assert "on other branches only" in told[2]


def test_the_default_branch_decides_not_the_newest_commit(client, repository) -> None:
    line = commits(repository, [A, B])
    commits(repository, [SIDE], [line[1].sha])
    commit = Commit.objects.create(
        repository=repository, sha=line[1].sha, subject="x", author="x", committed_at=line[1].committed_at
    )
    Ref.objects.create(repository=repository, name="main", kind="branch", commit=commit)
    repository.default_ref = "main"
    repository.save(update_fields=["default_ref"])
    assert ["current" in row for row in rows(client)] == [True, False, False]


def test_the_one_before_is_what_the_branch_had_before(client, repository) -> None:
    commits(repository, [A, B, A])
    pks = {row.hash: row.pk for row in DataVersion.objects.all()}
    page = client.get(f"/repositories/receipts/data/{pks[A]}/").content.decode()
    assert f"?old={pks[B]}&amp;new={pks[A]}" in page
    page = client.get(f"/repositories/receipts/data/{pks[B]}/").content.decode()
    assert f"?old={pks[A]}&amp;new={pks[B]}" in page


def test_the_list_of_data_shows_what_the_branch_has_not_what_was_met_last(client, repository) -> None:
    commits(repository, [A, B, A])
    text = client.get("/repositories/receipts/data/").content.decode()
    body = text.split("<tbody>")[1]
    assert A[:12] in body
    assert "current" in body
    assert B[:12] not in body


@pytest.mark.django_db(transaction=True)
def test_versions_over_time_fit_narrow_pages(open_page: OpenPage, repository) -> None:
    commits(repository, [A, B, A])
    user = make_user(Role.VIEWER, username="reader")
    data = DataVersion.objects.get(hash=A)
    for path in ("versions/?path=data/raw", f"{data.pk}/", ""):
        page = open_page(f"/repositories/receipts/data/{path}", user, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert accessibility_faults(page) == []
