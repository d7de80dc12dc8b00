"""The REST interface of model cards."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from registry import card
from registry.models import ModelVersion
from tests.cards import COMPLETE, make_card
from tests.people import make_user
from tests.registry_story import version_of

# Refusals are recorded in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)

CARD = "/api/v1/models/receipt-ocr/versions/1.0.0/card/"


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="clerk")


@pytest.fixture
def client(engineer: User) -> Client:
    return client_of(engineer)


@pytest.fixture
def version() -> ModelVersion:
    return version_of("1.0.0")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, path: str, body: object):
    return getattr(client, method)(path, body, content_type="application/json")


def test_a_card_is_put_and_read(client: Client, version: ModelVersion) -> None:
    assert client.get(CARD).status_code == 404
    response = send(client, "put", CARD, {"text": COMPLETE, "based_on": 0, "summary": "First"})
    assert response.status_code == 200
    read = client.get(CARD).json()
    assert read == response.json()
    assert (read["number"], read["state"], read["missing"], read["text"]) == (1, "draft", [], COMPLETE)
    assert read["front_matter"]["license"] == "apache-2.0"
    assert '<td align="right">0.01123</td>' in read["rendered"]
    assert (read["model"], read["version"], read["by_name"], read["summary"]) == (
        "receipt-ocr",
        "1.0.0",
        "clerk",
        "First",
    )


def test_entries_of_the_head_are_exchanged_without_the_text(client: Client, version: ModelVersion) -> None:
    make_card(version)
    body = {"front_matter": {"license": "mit", "tags": None}, "based_on": 1}
    assert send(client, "put", CARD, body).status_code == 200
    text = card.newest(version).text
    assert 'license: "mit"\n' in text
    assert "tags:" not in text
    assert text.partition("---\n\n#")[2] == COMPLETE.partition("---\n\n#")[2]


def test_an_old_base_is_a_conflict_and_keeps_nothing(client: Client, version: ModelVersion) -> None:
    make_card(version, by_name="sora")
    response = send(client, "put", CARD, {"text": "# Mine", "based_on": 0})
    assert response.status_code == 409
    assert "sora saved revision 1" in response.json()["detail"]
    assert card.newest(version).text == COMPLETE


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"based_on": 0}, "text"),
        ({"text": "# A"}, "based_on"),
        ({"text": "# A", "based_on": -1}, "based_on"),
        ({"text": "# A", "based_on": 0, "colour": "red"}, "colour"),
        ({"text": "a" * 5_000_000, "based_on": 0}, "text"),
        ({"text": "---\na: !!python/name:os.system x\n---\n", "based_on": 0}, "text"),
        ({"text": "---\na: &a [1]\nb: *a\n---\n", "based_on": 0}, "text"),
        ({"text": "---\na: [\n---\n", "front_matter": {"b": 1}, "based_on": 0}, "text"),
        ({"front_matter": {"license": {"a": 1}}, "based_on": 0}, "text"),
        ({"text": "# \ud800", "based_on": 0}, "text"),
        ({"text": "# A", "based_on": 0, "summary": "a" * 501}, "summary"),
    ],
)
def test_what_cannot_be_taken_is_named_by_field(
    client: Client, version: ModelVersion, body: dict[str, object], field: str
) -> None:
    response = send(client, "put", CARD, body)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]
    assert card.newest(version) is None


def test_five_megabytes_are_refused_in_words(client: Client, version: ModelVersion) -> None:
    problem = send(client, "put", CARD, {"text": "a" * 5_000_000, "based_on": 0}).json()
    assert problem["errors"]["text"] == [
        "The card is too long: it has 5000000 bytes, and at most 200000 are allowed."
    ]


def test_a_card_is_submitted_returned_and_approved(client: Client, version: ModelVersion) -> None:
    send(client, "put", CARD, {"text": COMPLETE, "based_on": 0})
    reviewer = client_of(make_user(Role.REVIEWER, username="checker"))
    assert send(client, "post", f"{CARD}submit/", {"number": 1}).json()["state"] == "in_review"
    assert send(client, "post", f"{CARD}submit/", {"number": 1}).status_code == 409
    assert send(reviewer, "post", f"{CARD}return/", {"number": 1}).status_code == 422
    returned = send(reviewer, "post", f"{CARD}return/", {"number": 1, "reason": "More."})
    assert returned.json()["state"] == "draft"
    send(client, "post", f"{CARD}submit/", {"number": 1})
    approved = send(reviewer, "post", f"{CARD}approve/", {"number": 1}).json()
    assert (approved["state"], approved["decided_by_name"]) == ("approved", "checker")


def test_an_incomplete_card_names_what_it_lacks(client: Client, version: ModelVersion) -> None:
    make_card(version, "# A\n{{ metrics.bleu }}")
    missing = client.get(CARD).json()["missing"]
    assert missing[0] == "Intended use"
    assert missing[-1] == "placeholder metrics.bleu"
    response = send(client, "post", f"{CARD}submit/", {"number": 1})
    assert response.status_code == 422
    assert "Intended use" in response.json()["errors"]["card"][0]


def test_authors_and_others_without_the_right_get_403(version: ModelVersion) -> None:
    admin = make_user(Role.ADMINISTRATOR)
    make_card(version, state="in_review", by=admin)
    assert send(client_of(admin), "post", f"{CARD}approve/", {"number": 1}).status_code == 403
    viewer = client_of(make_user(Role.VIEWER))
    assert viewer.get(CARD).status_code == 200
    assert send(viewer, "put", CARD, {"text": "# A", "based_on": 1}).status_code == 403
    for act, body in (("submit", {}), ("approve", {}), ("return", {"reason": "No."})):
        assert send(viewer, "post", f"{CARD}{act}/", {"number": 1, **body}).status_code == 403


def test_the_file_is_filled_unless_asked_otherwise(client: Client, version: ModelVersion) -> None:
    make_card(version, "# Former")
    make_card(version)
    response = client.get(f"{CARD}README.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert "value: 0.01123" in response.content.decode()
    assert client.get(f"{CARD}README.md?source=true").content.decode() == COMPLETE
    assert client.get(f"{CARD}README.md?revision=1").content.decode() == "# Former"
    assert client.get(f"{CARD}README.md?revision=x").status_code == 404


def test_older_revisions_can_be_read(client: Client, version: ModelVersion) -> None:
    make_card(version, "# Former")
    make_card(version)
    assert client.get(f"{CARD}?revision=1").json()["text"] == "# Former"
    assert client.get(f"{CARD}?revision=3").status_code == 404


def test_what_is_rendered_is_sanitised(client: Client, version: ModelVersion) -> None:
    make_card(version, "<script>a</script><svg onload=b><img src=c onerror=d>[e](javascript:f)")
    rendered = client.get(CARD).json()["rendered"]
    for word in ("<script", "<svg", "<img", "onload", "onerror", "href"):
        assert word not in rendered


def test_a_restricted_model_hides_its_cards(client: Client, version: ModelVersion) -> None:
    make_card(version)
    version.model.restricted = True
    version.model.save()
    assert client.get(CARD).status_code == 404
    assert client.get(f"{CARD}README.md").status_code == 404
    assert send(client, "put", CARD, {"text": "# A", "based_on": 1}).status_code == 404
