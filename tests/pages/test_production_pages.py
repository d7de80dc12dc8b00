"""What was in Production at an instant, on pages and over REST."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from registry.models import Promotion, RegisteredModel
from tests.people import make_user
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_model, make_version

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"
ALL = "/production/"
API_ALL = "/api/v1/production/"


@pytest.fixture
def client():
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


@pytest.fixture
def story():
    """1.0.0 from day 1, replaced by 1.1.0 on day 5; all in January 2026, counted from the 1st, 09:00 UTC."""
    RegisteredModel.objects.filter(pk=make_model().pk).update(created_at=day(0.5))
    old, new = make_version("1.0.0"), make_version("1.1.0")
    enter(old, day(1), how="import", by_name="system")
    first = make_promotion(new, approved_by=("checker", "ada"), decided_at=day(5))
    leave(old, day(5), promotion=first)
    enter(new, day(5), promotion=first, reason="Better.")
    return old, new, first


def one(client, **query):
    return client.get(reverse("registry:model-production", args=["receipt-ocr"]), query)


def api(client, **query):
    return client.get(reverse("api-production", args=["receipt-ocr"]), query)


def test_the_page_says_what_serves_now_and_when_each_version_did(client, story):
    old, new, first = story
    response = one(client)
    assert response.context["row"]["serving"].version == new
    assert [row["serving"].version for row in response.context["rows"]] == [new, old]
    page = response.content.decode()
    assert "checker, ada" in page
    assert first.get_absolute_url() in page
    assert first.evidence_digest in page
    assert new.manifest_digest in page
    assert "found in MLflow" in page


def test_the_page_answers_for_a_moment_in_a_zone(client, story):
    old, new, _first = story
    # The change was on 6 January at 09:00 UTC, which is 18:00 in Seoul.
    before = one(client, at="2026-01-06T17:59:59", zone="+09:00")
    after = one(client, at="2026-01-06T18:00:00", zone="+09:00")
    assert before.context["row"]["serving"].version == old
    assert after.context["row"]["serving"].version == new
    assert 'value="2026-01-06T17:59:59"' in before.content.decode()
    assert '<option value="+09:00" selected>' in before.content.decode()
    assert "2026-01-06 08:59:59 UTC" in before.content.decode()
    assert "?at=2026-01-06T08:59:59Z" in before.content.decode()


def test_before_the_model_there_was_nothing(client, story):
    assert "not registered yet" in one(client, at="2025-12-31T00:00:00Z").content.decode()
    assert "Nothing was in Production" in one(client, at="2026-01-02T00:00:00Z").content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"at": "yesterday"}, "Write an instant with its time zone"),
        ({"at": "2026-01-31T09:30"}, "in which time zone"),
        ({"at": "2026-01-31T09:30", "zone": "+99:00"}, "no such time zone"),
        ({"at": "2026-02-30T09:30:00Z"}, "no such date"),
        ({"at": "2199-01-01T00:00:00Z"}, "in the future"),
        ({"at": HOSTILE}, "Write an instant"),
    ],
)
def test_a_bad_moment_is_refused_with_the_reason(client, story, query, words):
    for address in (reverse("registry:model-production", args=["receipt-ocr"]), ALL):
        response = client.get(address, query)
        assert response.status_code == 422
        assert words in response.content.decode()
        assert "<img" not in response.content.decode()
    for address in (reverse("api-production", args=["receipt-ocr"]), API_ALL):
        response = client.get(address, {"at": query["at"]})
        assert response.status_code == 422
        assert "at" in response.json()["errors"]


def test_rest_tells_everything_about_what_served(client, story):
    _old, new, first = story
    found = api(client, at="2026-01-07T00:00:00Z").json()
    assert found["version"]["version"] == "1.1.0"
    assert (found["how"], found["by"], found["approved_by"]) == ("promotion", "reviewer", ["checker", "ada"])
    assert (found["promotion"], found["approved_in"]) == (first.pk, first.pk)
    assert (found["evidence_digest"], found["artifact_digest"]) == ("e" * 64, new.manifest_digest)
    assert (found["since"], found["until"]) == ("2026-01-06T09:00:00Z", None)
    before = api(client, at="2026-01-06T08:59:59.999Z").json()
    assert (before["version"]["version"], before["how"]) == ("1.0.0", "import")
    assert (before["until"], before["until_how"]) == ("2026-01-06T09:00:00Z", "replacement")
    nothing = api(client, at="2026-01-01T00:00:00Z").json()
    assert (nothing["version"], nothing["since"], nothing["approved_by"]) == (None, None, [])


def test_a_plus_that_was_not_encoded_is_understood(client, story):
    address = reverse("api-production", args=["receipt-ocr"])
    response = client.get(f"{address}?at=2026-01-06T18:00:00+09:00")
    assert response.json()["version"]["version"] == "1.1.0"


def test_every_model_is_listed_for_one_moment(client, story):
    enter(make_version("7.0.0", model="other"), day(2), how="bypass")
    make_model("empty")
    response = client.get(ALL, {"at": "2026-01-04T00:00:00Z"})
    rows = [row["serving"] for row in response.context["rows"]]
    assert [(row.model.name, row.version and row.version.version) for row in rows] == [
        ("empty", None),
        ("other", "7.0.0"),
        ("receipt-ocr", "1.0.0"),
    ]
    assert "emergency bypass" in response.content.decode()
    listed = client.get(API_ALL, {"at": "2026-01-04T00:00:00Z"}).json()["results"]
    assert [(row["model"], row["version"]) for row in listed] == [
        ("empty", None),
        ("other", "7.0.0"),
        ("receipt-ocr", "1.0.0"),
    ]
    found = client.get(ALL, {"q": "oth"}).context["rows"]
    assert [row["serving"].model.name for row in found] == ["other"]


def test_no_model_differs_from_no_match(client):
    assert "There is no model yet" in client.get(ALL).content.decode()
    assert "contains this" in client.get(ALL, {"q": "zzz"}).content.decode()


def test_a_restricted_model_is_in_no_list_and_not_found(client, story):
    RegisteredModel.objects.update(restricted=True)
    assert "receipt-ocr" not in client.get(ALL).content.decode()
    assert client.get(API_ALL).json()["results"] == []
    assert one(client).status_code == 404
    assert api(client).status_code == 404
    assert "receipt-ocr" not in client.get(ALL, {"format": "csv"}).content.decode()


def test_the_list_is_downloaded_as_csv_without_formulas(client, story):
    enter(make_version("1.0.0", model="=cmd()"), day(2))
    response = client.get(ALL, {"format": "csv", "at": "2026-01-07T00:00:00Z"})
    assert response["Content-Type"].startswith("text/csv")
    assert "production-20260107T000000Z.csv" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["model"] for row in rows] == ["'=cmd()", "receipt-ocr"]
    assert rows[1]["approved_by"] == "checker, ada"
    assert rows[1]["artifact_digest"] == "b" * 64


def test_the_pages_cost_the_same_queries_for_many_models_and_events(client, story):
    def count(address):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    addresses = [ALL, API_ALL, reverse("registry:model-production", args=["receipt-ocr"])]
    back = make_promotion(story[0], kind=Promotion.Kind.ROLLBACK, decided_at=day(6))
    leave(story[1], day(6), promotion=back, how="rollback")
    enter(story[0], day(6), promotion=back, how="rollback")
    few = [count(address) for address in addresses]
    for number in range(30):
        version = make_version("1.0.0", model=f"model-{number}")
        enter(version, day(1), promotion=make_promotion(version, approved_by=("ada",)))
        again = make_version(f"2.0.{number}")
        enter(again, day(-9 - number), promotion=make_promotion(again, approved_by=("ada", "checker")))
        leave(again, day(-8.5 - number))
    assert [count(address) for address in addresses] == few


def test_hostile_names_are_text(client):
    version = make_version("1.0.0", model=HOSTILE)
    enter(
        version,
        day(1),
        by_name=HOSTILE,
        reason=HOSTILE,
        promotion=make_promotion(version, approved_by=(HOSTILE,)),
    )
    for address in (ALL, reverse("registry:model-production", args=[HOSTILE])):
        page = client.get(address).content.decode()
        assert "<img src=x" not in page
        assert page.count("&lt;img src=x") >= 3
