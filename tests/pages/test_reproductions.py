"""The pages and endpoints of reproductions, and of a model's tolerance."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit.events import Event
from audit.models import AuditEntry
from experiments.models import Job
from lineage import reproduction
from registry.models import ModelVersion, RegisteredModel
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.registry_story import HOSTILE
from tests.reproductions import make_reproduction
from tests.trail import checkpoint_folder
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

PAGE = "/models/receipt-ocr/versions/1.0.0/reproductions/"
TOLERANCE = "/models/receipt-ocr/tolerance/"


@pytest.fixture
def version() -> ModelVersion:
    return make_version("1.0.0")


@pytest.fixture
def auditor() -> User:
    return make_user(Role.AUDITOR, username="auditor")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_auditor_starts_one_and_the_second_click_finds_the_same_job(
    version: ModelVersion, auditor: User
) -> None:
    client = client_of(auditor)
    assert "Nobody has rebuilt this version" in client.get(PAGE).content.decode()
    answer = client.post(PAGE)
    job = Job.objects.get(kind="reproduce")
    assert answer["Location"] == job.get_absolute_url()
    assert client.post(PAGE)["Location"] == job.get_absolute_url()
    assert client.post(f"/api/v1{PAGE}").json()["job"] == job.pk
    assert "Start the reproduction" not in client.get(PAGE).content.decode()
    assert client.post(f"{job.get_absolute_url()}cancel/").status_code == 302
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_viewer_reads_and_is_told_who_may_start(version: ModelVersion) -> None:
    client = client_of(make_user(Role.VIEWER))
    assert "have versions reproduced" in client.get(PAGE).content.decode()
    assert client.post(PAGE).status_code == 403


def test_a_report_says_verdict_rows_environment_and_signature(version: ModelVersion, auditor: User) -> None:
    found = make_reproduction(version)
    client = client_of(auditor)
    text = client.get(found.get_absolute_url()).content.decode()
    assert text.index("Rebuilt, within the tolerance") < text.index("val_cer") < text.index(found.digest)
    assert "3.11.1" in text
    signed = client.get(f"{found.get_absolute_url()}?format=json").json()
    assert signed["statement"] == found.report
    told = client.get(f"/api/v1/reproductions/{found.pk}/").json()
    assert (told["verdict"], told["report"]) == ("within_tolerance", found.report)
    assert client.get(f"/api/v1{PAGE}").json()[0]["digest"] == found.digest
    assert found.summary in client.get(PAGE).content.decode()


def test_the_page_of_the_job_leads_to_the_report(version: ModelVersion, auditor: User) -> None:
    found = make_reproduction(version)
    job = Job.objects.get(pk=found.job)
    Job.objects.filter(pk=job.pk).update(
        state="succeeded",
        payload={"model": "receipt-ocr", "version": version.version},
        result={
            "verdict": found.verdict,
            "passed": False,
            "summary": "Rebuilt with another result: val_cer.",
            "reproduction": found.pk,
        },
    )
    text = client_of(auditor).get(job.get_absolute_url()).content.decode()
    assert f'href="{found.get_absolute_url()}"' in text
    assert f'href="{version.get_absolute_url()}"' in text
    # The job went well, what it found did not.
    verdict = text.partition('id="job-verdict"')[2].partition("</div>")[0]
    assert 'data-state="failed"' in verdict
    assert "Rebuilt with another result: val_cer." in verdict
    assert "verdict</dt>" not in text


def test_a_report_that_did_not_pass_puts_what_is_wrong_first(version: ModelVersion, auditor: User) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "fine", "recorded": 1.0, "rebuilt": 1.0, "difference": 0.0, "state": "identical"},
        {"name": HOSTILE, "recorded": "NaN", "rebuilt": None, "difference": None, "state": "missing"},
    ]
    found = make_reproduction(version, metrics=rows, verdict="different")
    text = client_of(auditor).get(found.get_absolute_url()).content.decode()
    assert HOSTILE not in text
    assert text.index("&lt;img") < text.index("<code>fine</code>")
    assert 'data-tone="bad" id="verdict"' in text


def test_a_version_that_was_not_rebuilt_says_why_in_whole(version: ModelVersion, auditor: User) -> None:
    why = (
        "The data of data/raw.dvc are neither in the cache nor in the DVC remote.\ndvc pull failed: data/raw"
    )
    nothing: dict[str, Any] = {"files": [], "metrics": [], "registered": [], "inputs": [], "stages": []}
    found = make_reproduction(version, verdict="missing_data", problem=why, **nothing)
    text = client_of(auditor).get(found.get_absolute_url()).content.decode()
    assert why in text.partition('id="problem"')[2]
    assert "What was to be rebuilt" in text
    assert "dvc pull failed" not in found.summary


def test_equal_numbers_of_a_report_look_equal(version: ModelVersion, auditor: User) -> None:
    pairs = {"epochs": (6.0, 6), "loss": (0.5, 0.5), "steps": (2.0, 2.0)}
    rows = [
        {"name": name, "recorded": one, "rebuilt": other, "difference": 0.0, "state": "identical"}
        for name, (one, other) in pairs.items()
    ]
    found = make_reproduction(version, metrics=rows)
    text = client_of(auditor).get(found.get_absolute_url()).content.decode()
    for name in pairs:
        row = text.partition(f"<code>{name}</code>")[2].partition("</tr>")[0]
        recorded, rebuilt, _difference = re.findall(r'<data class="metric"[^>]*>([^<]*)<', row)
        assert recorded == rebuilt


def test_a_report_says_of_every_registered_file_where_it_comes_from(
    version: ModelVersion, auditor: User
) -> None:
    client = client_of(auditor)
    text = client.get(make_reproduction(version).get_absolute_url()).content.decode()
    assert "an output, as it was recorded" in text
    assert "models/model.pt2" in text
    strange = {"path": "model.pkl", "sha256": "e" * 64, "source": "unknown", "from": ""}
    found = make_reproduction(version, verdict="not_shown", registered=[strange])
    assert not found.passed
    text = client.get(found.get_absolute_url()).content.decode()
    assert "Rebuilt, but not shown to be what was registered: model.pkl." in text
    assert "nothing of this pipeline" in text


def test_a_report_of_stages_that_were_not_enclosed_says_so_in_sight(
    version: ModelVersion, auditor: User
) -> None:
    client = client_of(auditor)
    enclosed = make_reproduction(version)
    assert 'id="unenclosed"' not in client.get(enclosed.get_absolute_url()).content.decode()
    why = {"enclosed": False, "network": True, "why": "unshare: Operation not permitted"}
    found = make_reproduction(version, isolation=why)
    text = client.get(found.get_absolute_url()).content.decode()
    assert 'data-tone="warn" id="unenclosed"' in text
    assert "which the operator allows" in client.get(PAGE).content.decode()
    assert make_reproduction(version, isolation={}, stages=[], verdict="no_commit").summary.endswith(
        "output."
    )


def test_lists_cost_the_same_however_long_they_are(
    version: ModelVersion, auditor: User, django_assert_max_num_queries: Any
) -> None:
    client = client_of(auditor)
    make_reproduction(version)
    with django_assert_max_num_queries(20) as few:
        client.get(PAGE)
    for _ in range(4):
        make_reproduction(version)
    with django_assert_max_num_queries(len(few)):
        client.get(PAGE)


def test_what_is_about_a_restricted_model_is_not_found_by_others(version: ModelVersion) -> None:
    found = make_reproduction(version)
    RegisteredModel.objects.update(restricted=True)
    client = client_of(make_user(Role.ENGINEER))
    for address in (PAGE, TOLERANCE, found.get_absolute_url(), f"/api/v1/reproductions/{found.pk}/"):
        assert client.get(address).status_code == 404
    assert client.get(f"/reproductions/{2**64}/").status_code == 404


def test_the_tolerance_is_set_told_and_refused_field_by_field(version: ModelVersion) -> None:
    client = client_of(make_user(Role.ENGINEER, username="engineer"))
    given = {"relative": "0.05", "absolute": "1e-3", "identical_files": "on", "ignored": "*seconds*\n\n*odd*"}
    assert client.post(TOLERANCE, given).status_code == 302
    entry = AuditEntry.objects.get(event=Event.MODEL_CHANGED)
    assert entry.data["tolerance"]["ignored"] == ["*seconds*", "*odd*"]
    assert entry.data["before"]["relative"] == 0.01
    assert client.get(f"/api/v1{TOLERANCE}").json()["relative"] == 0.05
    for wrong in ({"relative": "2"}, {"relative": "nan"}, {"absolute": "-1"}, {"ignored": "*"}):
        answer = client.post(TOLERANCE, given | wrong)
        assert answer.status_code == 422
        assert answer.context["form"].errors.keys() == wrong.keys()
    body = {"relative": 0.0, "absolute": 0.0, "more": 1}
    answer = client.put(f"/api/v1{TOLERANCE}", body, content_type="application/json")
    assert answer.status_code == 422
    body = {"relative": 0.0, "absolute": 0.0}
    assert client.put(f"/api/v1{TOLERANCE}", body, content_type="application/json").status_code == 200
    assert reproduction.tolerance_of(version.model).relative == 0.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_narrow(open_page: OpenPage, version: ModelVersion, theme: str) -> None:
    found = make_reproduction(version)
    user = make_user(Role.ENGINEER)
    for address in (PAGE, found.get_absolute_url(), TOLERANCE):
        page = open_page(address, user, theme=theme, width=390)
        assert accessibility_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
