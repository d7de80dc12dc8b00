"""The page of the audit trail and its files: who may see it, what it shows, what can be taken along."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import audit_labels
from accounts.models import User
from accounts.roles import Role
from audit import checkpoints, search, verification
from audit.events import Event
from audit.models import AuditEntry, TrailStatus
from audit.trail import Actor, Target
from audit.verifier import FIELDS
from registry.models import RegisteredModel
from tests import trail as trails
from tests.people import make_user
from tests.trail import make_entries, make_entry, make_variety
from tests.versions import make_model

pytestmark = pytest.mark.django_db
checkpoint_folder = trails.checkpoint_folder

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def auditor(client: Client) -> User:
    user = make_user(Role.AUDITOR, username="examiner")
    client.force_login(user)
    return user


def listed(client: Client, query: str = "") -> list[int]:
    return [entry.sequence for entry in client.get(f"/audit/{query}").context["window"].entries]


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_every_event_has_words_and_a_group() -> None:
    assert set(audit_labels.EVENTS) == set(Event)
    assert list(audit_labels.GROUPS) == search.groups()
    offered = [value for _, options in audit_labels.choices() for value, _ in options]
    assert {str(event) for event in Event} <= set(offered)


def test_entries_are_shown_newest_first_with_what_happened(client: Client, auditor: User) -> None:
    make_entry(Event.PROMOTION_OPENED, target=Target("promotion", "4", "receipt-ocr@1.2.0 to Production"))
    make_entry(Event.GATE_WAIVED, data={"reason": "한글 사유"})
    assert listed(client) == [2, 1]
    html = client.get("/audit/").content.decode()
    for text in (
        "Promotion requested",
        "Gate waived",
        "receipt-ocr@1.2.0 to Production",
        "한글 사유",
        "someone",
    ):
        assert text in html
    assert AuditEntry.objects.get(sequence=2).hash in html
    assert 'href="/promotions/4/"' in html


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.AUDITOR, Role.ADMINISTRATOR)])
def test_who_may_not_read_the_trail_is_refused_and_that_is_recorded(client: Client, role: Role) -> None:
    user = make_user(role)
    client.force_login(user)
    for number, path in enumerate(
        ("/audit/", "/audit/export.csv", "/api/v1/audit/", "/api/v1/audit/export/"), start=1
    ):
        assert client.get(path).status_code == 403
        entry = AuditEntry.objects.get(sequence=number)
        assert (entry.event, entry.actor_name) == ("permission.denied", user.username)
        assert entry.data["permission"] == "audit.read"
    assert "/audit/" not in client.get("/jobs/").content.decode()


def test_the_navigation_leads_auditors_there(client: Client, auditor: User) -> None:
    assert 'href="/audit/"' in client.get("/jobs/").content.decode()


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    assert client.get("/audit/").status_code == 302
    assert client.get("/api/v1/audit/").status_code in (401, 403)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("?person=accountant", [5, 1]),
        ("?person=an", []),
        ("?model=receipt-ocr", [2, 1]),
        ("?event=promotion", [2, 1]),
        ("?event=promotion.reviewed", [2]),
        ("?target=promotion", [2, 1]),
        ("?target=job:9", [3]),
        ("?target=version:m%401", [5]),
        ("?q=NIGHTLY", [3]),
        ("?q=bookkeeper", [4, 2]),
        ("?q=ocr&person=accountant", [5, 1]),
        ("?since=2020-01-01", [5, 4, 3, 2, 1]),
        ("?until=2020-01-01", []),
    ],
)
def test_entries_can_be_filtered(client: Client, auditor: User, query: str, expected: list[int]) -> None:
    make_variety()
    assert listed(client, query) == expected
    answer = client.get(f"/api/v1/audit/{query}").json()
    assert [entry["sequence"] for entry in answer["results"]] == expected


def test_a_time_range_takes_whole_days_and_exact_instants(client: Client, auditor: User) -> None:
    at = make_entry().at.astimezone(UTC)
    today, minute = f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert listed(client, f"?since={today}&until={today}") == [1]
    assert listed(client, f"?since={minute}") == [1]
    assert listed(client, f"?until={minute}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("event=bogus", "event"),
        ("since=yesterday", "since"),
        ("since=2026-02-02&until=2026-01-01", "until"),
        ("person=" + "x" * 201, "person"),
    ],
)
def test_a_filter_that_cannot_be_understood_shows_nothing_but_why(
    client: Client, auditor: User, query: str, field: str
) -> None:
    make_entry()
    for path in ("/audit/", "/audit/export.csv"):
        page = client.get(f"{path}?{query}")
        assert page.status_code == 422
        assert "entry-1" not in page.content.decode()
        assert page.context["form"].errors[field]
    for path in ("/api/v1/audit/", "/api/v1/audit/export/"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 422
        assert field in answer.json()["errors"]
    assert not AuditEntry.objects.filter(event=Event.AUDIT_EXPORTED).exists()


def test_rest_refuses_filters_that_nobody_knows(client: Client, auditor: User) -> None:
    answer = client.get("/api/v1/audit/?persn=accountant")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["persn"])
    assert client.get("/api/v1/audit/export/?file=xls").status_code == 422


def test_windows_go_on_by_number_and_keep_the_filter(client: Client, auditor: User) -> None:
    make_entries(120)
    first = client.get("/audit/?person=someone")
    assert listed(client, "?person=someone") == list(range(120, 70, -1))
    assert "?person=someone&amp;before=71" in first.content.decode()
    make_entries(3)  # what comes meanwhile moves nothing
    assert listed(client, "?person=someone&before=71") == list(range(70, 20, -1))
    assert listed(client, "?before=21") == list(range(20, 0, -1))
    assert listed(client, "?after=70") == list(range(120, 70, -1))
    assert "after=70" in client.get("/audit/?before=71").content.decode()


@pytest.mark.parametrize(
    "query", ["?before=x", "?before=-1", "?after=99999999999999999999", "?entry=0", "?before=²"]
)
def test_a_number_that_cannot_be_is_ignored(client: Client, auditor: User, query: str) -> None:
    make_entry()
    assert listed(client, query) == [1]


def test_an_entry_has_an_address_that_opens_it(client: Client, auditor: User) -> None:
    make_entries(60)
    page = client.get("/audit/?entry=5")
    assert page.context["window"].entries[0].sequence == 5
    assert page.content.decode().count('<details class="fold entry" open>') == 1


def test_no_entries_and_no_matches_read_differently(client: Client, auditor: User) -> None:
    assert "Nothing was recorded yet" in client.get("/audit/").content.decode()
    make_entry()
    assert "No entry matches this filter" in client.get("/audit/?person=nobody").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_entries(client: Client, auditor: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/audit/").status_code == 200
        return len(captured)

    make_entry()
    few = queries()
    make_entries(60)
    assert queries() == few <= 8


def test_names_are_text_wherever_they_stand(client: Client, auditor: User) -> None:
    make_user(Role.VIEWER, username="x")
    User.objects.filter(username="x").update(username=NASTY)
    make_entry(actor=Actor(NASTY, NASTY), target=Target(NASTY[:40], NASTY, NASTY, NASTY), data={NASTY: NASTY})
    TrailStatus.objects.create(fault_kind="altered", fault_sequence=1, fault_reason=NASTY)
    for path in ("/audit/", f"/audit/?q={NASTY}&person={NASTY}", f"/audit/?since={NASTY}&target={NASTY}"):
        assert NASTY not in client.get(path).content.decode()


def test_the_history_stays_when_people_and_models_are_gone(client: Client, auditor: User) -> None:
    gone, model = make_user(Role.ENGINEER, username="gone"), make_model("gone-ocr")
    actor, target = Actor(str(gone.pk), gone.username), Target("model", model.name, model.name, model.name)
    make_entry(Event.MODEL_REGISTERED, actor=actor, target=target)
    gone.delete()
    RegisteredModel.objects.filter(name="gone-ocr").delete()
    assert listed(client, "?person=gone&model=gone-ocr") == [1]
    assert verification.verify().fault == {
        "kind": "checkpoint",
        "reason": "there is no checkpoint, so a rewritten chain could not be told",
        "sequence": None,
        "checkpoint": None,
    }
    checkpoints.make()
    assert verification.verify().ok


def test_failed_sign_ins_and_refusals_are_visible(client: Client, auditor: User) -> None:
    stranger = Client()
    stranger.post("/sign-in/", {"username": "examiner", "password": "wrong wrong wrong"})
    other = Client()
    other.force_login(make_user(Role.VIEWER, username="vera"))
    other.get("/audit/")
    html = client.get("/audit/").content.decode()
    assert "Sign-in failed" in html
    assert "Permission denied" in html
    assert listed(client, "?event=session.sign_in_failed") == [1]
    assert listed(client, "?event=permission.denied&person=vera") == [2]


def test_the_page_says_whether_the_trail_is_whole(client: Client, auditor: User) -> None:
    make_entries(3)
    assert "Not verified yet" in client.get("/audit/").content.decode()
    checkpoints.make()
    verification.keep()
    html = client.get("/audit/").content.decode()
    assert "Whole" in html
    assert "up to entry 4" in html
    assert "up to entry 3" in html
    trails.run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 2")
    with pytest.raises(verification.TrailBrokenError):
        verification.keep()
    html = client.get("/audit/").content.decode()
    assert "The trail is broken at entry 2." in html
    assert "This entry was altered." in html


def test_rest_pages_by_cursor(client: Client, auditor: User) -> None:
    make_entries(5)
    first = client.get("/api/v1/audit/?page_size=2").json()
    assert [entry["sequence"] for entry in first["results"]] == [5, 4]
    second = client.get(first["next"]).json()
    assert [entry["sequence"] for entry in second["results"]] == [3, 2]
    entry = second["results"][0]
    assert set(entry) == set(FIELDS)
    assert datetime.fromisoformat(entry["at"]) == AuditEntry.objects.get(sequence=3).at
