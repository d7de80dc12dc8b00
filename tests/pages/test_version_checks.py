"""The tab and the REST endpoint of what jobs found out about a version's artifacts."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job
from registry.models import CheckResult, ModelVersion
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.registry_story import HOSTILE
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/models/receipt-ocr/versions/1.0.0/checks/"
API = f"/api/v1{PAGE}"


def make_check(version: ModelVersion, kind: str = "artifacts", **changes: Any) -> CheckResult:
    columns = {
        "passed": True,
        "summary": "The artifacts are those that were registered.",
        "manifest_digest": version.manifest_digest,
        "at": timezone.now(),
    }
    return CheckResult.objects.create(version=version, kind=kind, **{**columns, **changes})


@pytest.fixture
def version() -> ModelVersion:
    return make_version("1.0.0")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(version: ModelVersion) -> Client:
    return client_of(make_user(Role.ENGINEER))


def test_what_never_ran_is_shown_as_such_and_can_be_run(client: Client) -> None:
    text = client.get(PAGE).content.decode()
    assert text.count("Not run for the artifacts as they were registered.") == 3
    answer = client.post(PAGE)
    job = Job.objects.get(kind="check")

    assert answer.status_code == 302
    assert answer["Location"] == job.get_absolute_url()
    again = client.get(PAGE).content.decode()
    assert job.get_absolute_url() in again
    assert "Check now" not in again


def test_results_are_told_with_what_differs(client: Client, version: ModelVersion) -> None:
    details = {"digest": "f" * 64, "changed": [HOSTILE], "missing": ["b.txt"], "added": []}
    make_check(version, passed=False, details=details)
    outputs = {"outputs": ["float32[2, 24, 11]"], "load_seconds": 2.5, "run_seconds": 0.0123}
    make_check(version, "smoke_test", details=outputs)
    make_check(version, "reproduction", manifest_digest="e" * 64)
    text = client.get(PAGE).content.decode()

    for words in ("b.txt", "float32[2, 24, 11]", "does not count", "Check again"):
        assert words in text, words
    assert HOSTILE not in text
    assert text.count("Not run for the artifacts as they were registered.") == 1


def test_rest_tells_the_results_and_queues_the_next(client: Client, version: ModelVersion) -> None:
    make_check(version, job=7)
    (told,) = client.get(API).json()
    assert (told["kind"], told["passed"], told["job"]) == ("artifacts", True, 7)
    answer = client.post(API)
    assert answer.status_code == 202
    assert answer.json()["job"] == Job.objects.get(kind="check").pk
    assert client.post(API).json()["job"] == answer.json()["job"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.AUDITOR])
def test_others_read_it_and_are_refused_to_run_it(version: ModelVersion, role: Role) -> None:
    client = client_of(make_user(role))
    assert "Only these roles may open promotions" in client.get(PAGE).content.decode()
    assert client.post(PAGE).status_code == client.post(API).status_code == 403
    assert client.get(API).status_code == 200
    assert AuditEntry.objects.filter(event="permission.denied").count() == 2
    assert not Job.objects.exists()


def test_a_version_without_a_manifest_has_nothing_to_compare_with(client: Client) -> None:
    make_version("1.1.0", manifest=[], manifest_digest="")
    page = "/models/receipt-ocr/versions/1.1.0/checks/"
    assert client.post(page).status_code == 422
    assert "No manifest of the artifacts was taken." in client.post(page).content.decode()
    assert client.post(f"/api/v1{page}").status_code == 422


def test_the_page_asks_a_fixed_number_of_questions(client: Client, version: ModelVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(PAGE).status_code == 200
        return len(seen)

    make_check(version)
    few = queries()
    for _number in range(5):
        make_check(version)
        make_check(version, "smoke_test")
    assert queries() == few


def test_addresses_that_name_nothing_are_not_found(client: Client) -> None:
    assert client.get("/models/receipt-ocr/versions/9.9.9/checks/").status_code == 404
    assert client.post("/api/v1/models/nothing/versions/1.0.0/checks/").status_code == 404


def test_everybody_can_read_the_page(open_page: OpenPage, version: ModelVersion) -> None:
    details = {"digest": "f" * 64, "changed": ["data/model.pt2"], "missing": [], "added": []}
    make_check(version, passed=False, details=details)
    make_check(version, "smoke_test", details={"outputs": ["float32[2, 24, 11]"], "run_seconds": 0.0123})
    page = open_page(PAGE, make_user(Role.ENGINEER))
    assert accessibility_faults(page) == []
