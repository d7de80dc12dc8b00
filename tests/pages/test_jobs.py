"""The list of jobs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from tests.jobs import make_job, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


def listed(client: Client, query: str = "") -> list[int]:
    return [one.job.pk for one in client.get(f"/jobs/{query}").context["page"].object_list]


def test_jobs_are_listed_newest_first_with_what_they_are(client: Client, someone: User) -> None:
    repository = make_repository()
    payload = {"ref": "main", "ref_kind": "branch", "overrides": {"train.rate": 0.001}, "note": "slower"}
    old = make_job("succeeded", user=someone, repository=repository, payload=payload)
    new = make_job(
        "queued", user=someone, kind="register", payload={"model": "receipt-ocr", "version": "1.0.0"}
    )
    assert listed(client) == [new.pk, old.pk]
    html = client.get("/jobs/").content.decode()
    for text in ("receipt-ocr @ main", "train.rate=0.001", "slower", "receipt-ocr 1.0.0", "Registration"):
        assert text in html


def test_they_can_be_filtered_by_state_kind_and_person(client: Client, someone: User) -> None:
    mine = make_job("failed", user=someone)
    running = make_job("running", kind="sync")
    waiting = make_job("queued")
    lost = make_job("lost")
    assert listed(client, "?state=failed") == [mine.pk]
    assert listed(client, "?state=active") == [lost.pk, waiting.pk, running.pk]
    assert listed(client, "?kind=sync") == [running.pk]
    assert listed(client, "?mine=1") == [mine.pk]
    assert listed(client, "?mine=1&kind=sync") == []


@pytest.mark.parametrize("query", ["?state=bogus", "?kind=bogus", "?page=bogus", "?page=99999", "?page=-1"])
def test_what_an_address_asks_for_and_does_not_exist_is_ignored(
    client: Client, someone: User, query: str
) -> None:
    job = make_job()
    assert listed(client, query) == [job.pk]


def test_no_jobs_and_no_matches_read_differently(client: Client, someone: User) -> None:
    assert "No jobs yet" in client.get("/jobs/").content.decode()
    make_job()
    page = client.get("/jobs/?state=failed").content.decode()
    assert "No job matches this filter" in page
    assert "No jobs yet" not in page


def test_a_job_that_waits_for_another_attempt_says_so(client: Client, someone: User) -> None:
    later = timezone.now() + timedelta(minutes=5)
    make_job("queued", attempt=1, error="MLflow does not answer.", not_before=later)
    assert "attempt 2 of 2 waits" in client.get("/jobs/").content.decode()


def test_pages_have_fifty_jobs_and_keep_the_filter(client: Client, someone: User) -> None:
    for _ in range(51):
        make_job("failed")
    assert len(listed(client, "?state=failed")) == 50
    assert len(listed(client, "?state=failed&page=2")) == 1
    assert "?state=failed&amp;page=2" in client.get("/jobs/?state=failed").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_jobs(client: Client, someone: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get("/jobs/")
        return len(captured)

    repository = make_repository()
    make_job(repository=repository)
    make_job("running", repository=repository)
    few = queries()
    for state in ("queued", "running", "failed", "succeeded") * 5:
        make_job(state, repository=repository)
    assert queries() == few


def test_a_poll_of_an_unchanged_list_is_empty_and_goes_on(client: Client, someone: User) -> None:
    make_job("succeeded", finished_at=timezone.now())
    live = client.get("/jobs/?state=succeeded").context["live"]
    address = live.poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    answer = client.get(address, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Trigger"]) == (204, "poll")
    make_job("succeeded")
    changed = client.get(address, headers={"HX-Request": "true"})
    html = changed.content.decode()
    assert changed.status_code == 200
    assert 'id="jobs" hx-swap-oob="true"' in html
    assert "<html" not in html
    assert address not in html.replace("&amp;", "&")
    assert "no-store" in changed["Cache-Control"]


def test_what_people_typed_is_text(client: Client, someone: User) -> None:
    payload = {"ref": NASTY, "overrides": {"a": NASTY, NASTY: 1}, "note": NASTY, "repository": NASTY}
    steps = [{"name": NASTY, "state": "running", "seconds": None}]
    make_job("running", payload=payload, steps=steps, message=NASTY, submitted_by_name=NASTY)
    make_job(kind=NASTY, payload={"model": NASTY})
    assert NASTY not in client.get("/jobs/").content.decode()


@pytest.mark.parametrize("payload", [[], "text", None, {"overrides": [1]}, {"overrides": None}])
def test_a_payload_of_an_odd_shape_breaks_no_page(client: Client, someone: User, payload: object) -> None:
    Job.objects.filter(pk=make_job().pk).update(payload=payload if payload is not None else {})
    assert client.get("/jobs/").status_code == 200


def test_without_a_role_nothing_is_shown(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/jobs/").status_code == 403


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    assert client.get("/jobs/").status_code == 302
