"""The list of repositories, connecting one, and the page of one."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Experiment, Job, Repository
from tests.demo_repository import make_demo
from tests.jobs import make_commit, make_job, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user(Role.ADMINISTRATOR, username="root")
    client.force_login(user)
    return user


def shown(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def words(html: str) -> str:
    """Return the text of a page, spaces as a reader sees them."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


# The list


def test_the_list_says_what_is_connected_and_how_it_is(client: Client, someone: User) -> None:
    repository = make_repository()
    Experiment.objects.create(experiment_id="7", name="receipt-ocr")
    make_job("failed", repository=repository)
    broken = make_repository("broken", fetched_at=None, fetch_error="The host does not answer.")
    busy = make_repository("busy")
    make_job("running", kind="fetch", repository=busy)
    text = words(shown(client, "/repositories/"))
    for part in ("Reads handwritten receipt amounts", "/srv/git/receipt-ocr", "main", "Failed"):
        assert part in text
    assert "failed: The host does not answer." in text
    assert "is being fetched" in text
    assert 'href="/runs/?experiment=7"' in shown(client, "/repositories/")
    rows = {row.repository.name: row for row in client.get("/repositories/").context["page"].object_list}
    assert rows[broken.name].last is None
    assert rows[busy.name].last is None


def test_an_empty_list_says_so_and_offers_the_way_out(client: Client, admin: User) -> None:
    html = shown(client, "/repositories/")
    assert "No repositories yet" in html
    assert 'href="/repositories/connect/"' in html


def test_who_may_not_connect_is_told_why(client: Client, someone: User) -> None:
    for path in ("/repositories/", "/repositories/connect/"):
        html = shown(client, path)
        assert "Only these roles may connect repositories: administrator." in html
        assert "csrfmiddlewaretoken" not in html.split("<main")[1].split("</main>")[0]


def test_the_list_has_a_fixed_number_of_queries(client: Client, someone: User) -> None:
    def add(name: str) -> None:
        repository = make_repository(name)
        make_job("running", kind="fetch", repository=repository)
        make_job("succeeded", repository=repository)
        Experiment.objects.create(experiment_id=name, name=name)

    add("first")
    few = queries(client, "/repositories/")
    for number in range(10):
        add(f"more-{number}")
    assert queries(client, "/repositories/") == few


# Connecting


def test_an_administrator_connects_a_repository_and_it_is_fetched(client: Client, admin: User) -> None:
    sent = {"name": "receipts", "url": "https://example.org/receipts.git", "description": "Receipts"}
    response = client.post("/repositories/connect/", sent)
    assert response.status_code == 302
    assert response["Location"] == "/repositories/receipts/"
    row = Repository.objects.get()
    assert (row.experiment_name, row.created_by) == ("receipts", "root")
    assert row.jobs.get().kind == "fetch"


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client: Client, admin: User) -> None:
    make_repository("taken")
    sent = {"name": "Bad Name", "url": "https://me:secret@example.org/x", "default_ref": "-x"}
    response = client.post("/repositories/connect/", {**sent, "description": NASTY})
    html = response.content.decode()
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert set(errors) == {"name", "url", "default_ref"}
    assert 'value="Bad Name"' in html
    assert NASTY not in html
    taken = client.post("/repositories/connect/", {"name": "taken", "url": "/srv/x"})
    assert (taken.status_code, set(taken.context["form"].errors)) == (422, {"name"})
    assert set(client.post("/repositories/connect/", {}).context["form"].errors) == {"name", "url"}
    assert Repository.objects.count() == 1


def test_a_name_that_is_an_address_here_cannot_be_taken(client: Client, admin: User) -> None:
    response = client.post("/repositories/connect/", {"name": "connect", "url": "/srv/x"})
    assert (response.status_code, set(response.context["form"].errors)) == (422, {"name"})


@pytest.mark.parametrize("sent", [{"name": "receipts", "url": "/srv/x"}, {}])
def test_others_who_try_to_connect_are_refused_and_recorded(
    client: Client, someone: User, sent: dict[str, str]
) -> None:
    assert client.post("/repositories/connect/", sent).status_code == 403
    assert not Repository.objects.exists()
    assert AuditEntry.objects.filter(event="permission.denied").count() == 1


# The page of one


def test_the_page_shows_the_pipeline_in_running_order_with_everything_about_it(
    client: Client, someone: User
) -> None:
    make_demo()
    text = words(shown(client, "/repositories/receipt-ocr/"))
    places = [text.index(name) for name in ("Split the scans", "Train the network", "Measure the exported")]
    assert places == sorted(places)
    for part in (
        "python src/train.py --input data/processed",
        "data/processed from preprocess",
        "11 files of the repository",
        "train.learning_rate 0.01",
        "metrics/train.json",
        "plots/history.csv",
        "models/model.pt2 from train",
    ):
        assert part in text


def test_another_ref_shows_another_pipeline(client: Client, someone: User) -> None:
    repository, _commit = make_demo()
    stage = {
        "name": "only",
        "cmd": "make it",
        "deps": [],
        "outs": [],
        "params": [],
        "metrics": [],
        "plots": [],
    }
    other = make_commit(repository, branch="feature/x", pipeline={"stages": [stage]})
    for ref in ("feature/x", other.sha, other.sha[:38] + other.sha[38:]):
        html = shown(client, f"/repositories/receipt-ocr/?ref={ref}")
        assert "make it" in html
        assert "Train the network" not in html


@pytest.mark.parametrize("ref", ["nowhere", "f" * 40, "-x", NASTY, "x" * 3000])
def test_an_unknown_ref_is_said_and_the_rest_is_shown(client: Client, someone: User, ref: str) -> None:
    make_demo()
    html = shown(client, f"/repositories/receipt-ocr/?ref={ref}", 404)
    assert 'role="alert"' in html
    assert "Commits" in html
    assert NASTY not in html


def test_a_problem_of_a_commit_is_shown_and_it_cannot_be_run(client: Client, someone: User) -> None:
    repository = make_repository()
    make_commit(repository, branch="main", problem="dvc.yaml: not valid YAML", pipeline={})
    text = words(shown(client, "/repositories/receipt-ocr/"))
    assert "This commit cannot be run: dvc.yaml: not valid YAML" in text
    assert "cannot be run" in text.split("Commits")[1]


def test_results_of_jobs_and_refs_are_marked_among_the_commits(client: Client, someone: User) -> None:
    repository, commit = make_demo()
    result = make_commit(repository, subject="Run the pipeline of main")
    job = make_job("succeeded", repository=repository, result={"sha": result.sha})
    make_job("succeeded", repository=repository, result={})
    rows = {row.commit.pk: row for row in client.get("/repositories/receipt-ocr/").context["page"]}
    assert rows[result.pk].job == job
    assert rows[commit.pk].job is None
    assert {ref.name for ref in rows[commit.pk].refs} == {"main", "v1.0"}
    assert f"result of #{job.pk}" in words(shown(client, "/repositories/receipt-ocr/"))


def test_before_the_first_fetch_the_page_waits_for_it(client: Client, someone: User) -> None:
    repository = make_repository(fetched_at=None, default_ref="")
    make_job("queued", kind="fetch", repository=repository)
    text = words(shown(client, "/repositories/receipt-ocr/"))
    assert "Not fetched yet" in text
    assert "waits to be fetched" in text
    assert "Commits show after the first fetch." in text


def test_a_repository_without_branches_says_so(client: Client, someone: User) -> None:
    make_repository()
    text = words(shown(client, "/repositories/receipt-ocr/"))
    assert "There is no branch, tag or commit of this name here" in text
    assert "The repository has no commits." in text


def test_an_error_of_the_last_fetch_is_told(client: Client, someone: User) -> None:
    repository = make_repository(
        fetch_error="The host does not answer.", fetched_at=timezone.now() - timedelta(days=2)
    )
    make_commit(repository, branch="main")
    text = words(shown(client, "/repositories/receipt-ocr/"))
    assert "The last fetch failed. What is shown is older. The host does not answer." in text


def test_fetching_is_one_button_and_asks_once(client: Client, someone: User) -> None:
    make_repository()
    for _ in range(2):
        response = client.post("/repositories/receipt-ocr/fetch/")
        assert (response.status_code, response["Location"]) == (302, "/repositories/receipt-ocr/")
    assert Job.objects.get().kind == "fetch"
    assert client.get("/repositories/receipt-ocr/fetch/").status_code == 405


def test_a_viewer_sees_all_and_is_told_what_they_may_not_do(client: Client) -> None:
    client.force_login(make_user(Role.VIEWER))
    make_demo()
    text = words(shown(client, "/repositories/receipt-ocr/"))
    assert "Only these roles may start jobs" in text
    assert "Only these roles may fetch repositories" in text
    assert "/repositories/receipt-ocr/run/" not in shown(client, "/repositories/receipt-ocr/")
    assert client.post("/repositories/receipt-ocr/fetch/").status_code == 403
    assert not Job.objects.exists()


def test_the_page_has_a_fixed_number_of_queries(client: Client, someone: User) -> None:
    def add(number: int) -> None:
        commit = make_commit(repository, branch=f"branch-{number}", tag=f"tag-{number}")
        make_job("succeeded", repository=repository, result={"sha": commit.sha})

    repository, _commit = make_demo()
    add(0)
    few = queries(client, "/repositories/receipt-ocr/")
    for number in range(1, 12):
        add(number)
    assert queries(client, "/repositories/receipt-ocr/") == few


def test_a_finished_fetch_comes_into_the_open_page(client: Client, someone: User) -> None:
    repository, _commit = make_demo()
    job = make_job("running", kind="fetch", repository=repository)
    live = client.get("/repositories/receipt-ocr/").context["live"]
    address = live.poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=timezone.now())
    make_commit(repository, branch="new-branch", subject="Brought by the fetch")
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert 'id="repository-head" hx-swap-oob="true"' in html
    assert "Brought by the fetch" in html
    assert "new-branch" in html
    # What did not change is not sent again.
    assert 'id="repository-pipeline"' not in html


def test_what_a_repository_says_is_text(client: Client, someone: User) -> None:
    repository = make_repository(description=NASTY, url=NASTY, default_ref=NASTY, fetch_error=NASTY)
    stage = {key: [NASTY] for key in ("deps", "outs", "params", "metrics")}
    pipeline = {
        "stages": [{**stage, "name": NASTY, "cmd": NASTY, "desc": NASTY, "plots": [{"path": NASTY}]}],
        "artifacts": {NASTY: {"path": NASTY, "type": NASTY, "desc": NASTY, "labels": [NASTY]}},
    }
    values = {"subject": NASTY, "author": NASTY, "problem": NASTY}
    make_commit(repository, branch=NASTY, tag=NASTY, pipeline=pipeline, **values)
    for path in ("/repositories/", "/repositories/receipt-ocr/"):
        html = shown(client, path)
        assert NASTY not in html
        assert "&lt;img" in html


@pytest.mark.parametrize("pipeline", [{"stages": "x"}, {"stages": [1, {}]}, {"artifacts": {"a": 1}}])
def test_a_pipeline_of_an_odd_shape_breaks_no_page(client: Client, someone: User, pipeline: object) -> None:
    make_commit(make_repository(), branch="main", pipeline=pipeline)
    shown(client, "/repositories/receipt-ocr/")


def test_an_unknown_repository_is_not_found(client: Client, someone: User) -> None:
    for path in ("/repositories/nothing/", "/repositories/nothing/run/"):
        assert client.get(path).status_code == 404
    assert client.post("/repositories/nothing/fetch/").status_code == 404


def test_strangers_are_asked_to_sign_in_and_those_without_a_role_see_nothing(client: Client) -> None:
    make_demo()
    paths = [
        "/repositories/",
        "/repositories/connect/",
        "/repositories/receipt-ocr/",
        "/repositories/receipt-ocr/run/",
    ]
    assert [client.get(path).status_code for path in paths] == [302] * 4
    client.force_login(make_user())
    assert [client.get(path).status_code for path in paths] == [403] * 4
