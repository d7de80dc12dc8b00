"""The pages and the REST interface around registration, without a browser."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job
from registry.models import ModelVersion
from tests.people import make_user
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db

NASTY = "<img src=x onerror=alert(1)>"
PARAMS = {"train.learning_rate": "0.001"}


def client_of(*roles: Role) -> Client:
    client = Client()
    client.force_login(make_user(*roles))
    return client


@pytest.fixture
def client() -> Client:
    return client_of(Role.ENGINEER)


def register_address(**query: str) -> str:
    run = make_run(params=PARAMS)
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{reverse('registry:register')}?run={run.run_id}&model=receipt-ocr{more}"


def chosen(client: Client, **data: str) -> Job:
    response = client.post(register_address(), {"model": "receipt-ocr", **data})
    assert response.status_code == 302, response.context["form"].errors
    return Job.objects.get(kind="register")


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ({}, "1.3.0"),
        ({"choice": ""}, "1.3.0"),
        ({"choice": "minor"}, "1.3.0"),
        ({"choice": "major", "version": "9.9.9"}, "2.0.0"),
        ({"choice": "candidate"}, "1.3.0-rc1"),
        ({"choice": "own", "version": "1.4.0"}, "1.4.0"),
        ({"choice": "patch", "reason": "same weights"}, "1.2.1"),
    ],
)
def test_each_choice_asks_for_its_number(client: Client, data: dict[str, str], version: str) -> None:
    make_version("1.2.0")
    assert chosen(client, **data).payload["version"] == version


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"choice": "patch"}, "reason"),
        ({"choice": "own"}, "version"),
        ({"choice": "own", "version": "1.2.0"}, "version"),
        ({"choice": "enormous"}, "choice"),
    ],
)
def test_a_choice_that_makes_no_sense_comes_back_at_its_field(
    client: Client, data: dict[str, str], field: str
) -> None:
    make_version("1.2.0")
    response = client.post(register_address(), {"model": "receipt-ocr", **data})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Job.objects.exists()


def test_the_page_says_what_each_choice_comes_to(client: Client) -> None:
    make_version("1.2.0")
    page = client.get(register_address(choice="patch"))
    choices = {one.value: (str(one.version), one.proposed, one.short) for one in page.context["choices"]}
    assert choices == {
        "major": ("2.0.0", False, False),
        "minor": ("1.3.0", True, False),
        "patch": ("1.2.1", False, True),
        "candidate": ("1.3.0-rc1", False, False),
        "own": ("None", False, False),
    }
    assert (str(page.context["result"].version), page.context["result"].short) == ("1.2.1", True)


def test_a_change_of_the_choice_brings_the_result_alone(client: Client) -> None:
    make_version("1.2.0")
    headers = {"HX-Request": "true", "HX-Target": "registration-result"}
    page = client.get(register_address(choice="candidate"), headers=headers).content.decode()
    assert "1.3.0" in page
    assert "-rc1" in page
    assert "<fieldset" not in page


def test_a_hidden_model_does_not_tell_its_versions(client: Client) -> None:
    version = make_version("4.2.0")
    version.model.restricted = True
    version.model.save()
    page = client.get(register_address()).content.decode()
    assert "4.2.0" not in page
    assert "4.3.0" not in page


def test_the_page_of_a_registration_asks_the_same_for_many_versions(client: Client) -> None:
    def queries() -> int:
        address = register_address()
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    make_version("1.0.0")
    few = queries()
    for number in range(1, 15):
        make_version(f"1.{number}.0")
        Job.objects.create(
            kind="register",
            queue="jobs",
            payload={"model": "receipt-ocr", "version": f"2.{number}.0", "run_id": "x", "facts": {}},
            not_before="2026-01-01T00:00Z",
            created_at="2026-01-01T00:00Z",
        )
    assert queries() == few


def files_of(client: Client, version: ModelVersion) -> str:
    address = reverse("registry:version-files", args=[version.model.name, version.version])
    return client.get(address).content.decode()


def test_files_that_nobody_looked_into_do_not_count_as_clean(client: Client) -> None:
    page = files_of(client, make_version("1.0.0"))
    assert "Nobody has looked through these files yet" in page
    assert "not looked at" in page


def test_suspicions_stand_first_and_are_text(client: Client) -> None:
    version = make_version(
        "1.0.0",
        manifest=[{"path": name, "size": 1, "sha256": "a" * 64} for name in ("a.txt", "b.zip")],
        inspection={
            "scanner": "fickling 1",
            "clean": False,
            "error": "",
            "num_params": 1234567,
            "signature": {"inputs": [{"name": NASTY, "dtype": "float32", "shape": [None, 3]}], "outputs": []},
            "files": [
                {"path": "a.txt", "kind": "text", "size": 1, "suspicions": []},
                {"path": "b.zip", "kind": "zip", "size": 1, "suspicions": [f"{NASTY}: imports os.system"]},
            ],
        },
    )
    page = files_of(client, version)
    assert page.index("b.zip") < page.index("a.txt")
    assert "<img src=x" not in page
    assert "1 file could run code" in page
    assert "1,234,567 parameters" in page
    assert "float32[?, 3]" in page


def test_an_inspection_is_queued_from_the_page_and_over_rest(client: Client) -> None:
    version = make_version("1.0.0", inspection={"clean": True, "files": []})
    response = client.post(reverse("registry:inspect-version", args=["receipt-ocr", "1.0.0"]))
    job = Job.objects.get(kind="inspect")
    assert response.url == job.get_absolute_url()
    address = "/api/v1/models/receipt-ocr/versions/1.0.0/inspection/"
    assert client.get(address).json() == version.inspection
    assert client.post(address).json()["job"] == job.pk
    assert client_of(Role.VIEWER).post(address).status_code == 403


def test_a_candidate_is_made_final_from_the_page_and_over_rest(client: Client) -> None:
    make_version("1.3.0-rc2")
    address = reverse("registry:finalise", args=["receipt-ocr", "1.3.0-rc2"])
    assert client.get(address).context["final"] == "1.3.0"
    response = client.post(address)
    job = Job.objects.get(kind="finalise")
    assert response.url == job.get_absolute_url()
    rest = client.post("/api/v1/models/receipt-ocr/versions/1.3.0-rc2/finalise/", {}, "application/json")
    assert (rest.status_code, rest.json()["job"], rest.json()["version"]) == (202, job.pk, "1.3.0")


def test_what_was_made_final_already_is_returned_over_rest(client: Client) -> None:
    candidate = make_version("1.3.0-rc2")
    make_version("1.3.0", finalises=candidate)
    rest = client.post("/api/v1/models/receipt-ocr/versions/1.3.0-rc2/finalise/", {}, "application/json")
    assert (rest.status_code, rest.json()["version"]) == (200, "1.3.0")


def test_a_final_number_that_is_taken_is_a_conflict(client: Client) -> None:
    make_version("1.3.0-rc2")
    make_version("1.3.0")
    page = client.post(reverse("registry:finalise", args=["receipt-ocr", "1.3.0-rc2"]))
    rest = client.post("/api/v1/models/receipt-ocr/versions/1.3.0-rc2/finalise/", {}, "application/json")
    assert (page.status_code, rest.status_code) == (409, 409)
    assert "was not made from this candidate" in page.content.decode()


def test_a_viewer_sees_why_a_candidate_is_not_theirs_to_finalise() -> None:
    make_version("1.3.0-rc2")
    viewer = client_of(Role.VIEWER)
    address = reverse("registry:finalise", args=["receipt-ocr", "1.3.0-rc2"])
    assert "register model versions" in viewer.get(address).content.decode()
    assert viewer.post(address).status_code == 403
    assert AuditEntry.objects.filter(event="permission.denied").count() == 1


def test_the_proposal_is_told_over_rest_with_its_reasons(client: Client) -> None:
    make_version("1.2.0")
    run = make_run(params=PARAMS)
    told = client.get(f"/api/v1/models/receipt-ocr/proposal/?run_id={run.run_id}").json()
    assert (told["version"], told["previous"], told["required_bump"]) == ("1.3.0", "1.2.0", "minor")
    assert "train.learning_rate 0.003 -> 0.001: MINOR" in told["reasons"]
    assert {"step": "patch", "version": "1.2.1", "needs_reason": True} in told["options"]


def test_a_candidate_is_registered_over_rest(client: Client) -> None:
    make_version("1.2.0")
    body = {"run_id": make_run(params=PARAMS).run_id, "bump": "candidate"}
    rest = client.post("/api/v1/models/receipt-ocr/versions/", body, "application/json")
    assert (rest.status_code, rest.json()["version"]) == (202, "1.3.0-rc1")
