"""The pages of model cards, with the Django client."""

from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from registry import card
from registry.models import CardRevision, ModelVersion
from tests.cards import COMPLETE, hub_cards, make_card
from tests.people import make_user
from tests.registry_story import HOSTILE, version_of
from tests.versions import make_model, make_version

# Refusals are recorded in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="clerk")


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER, username="checker")


@pytest.fixture
def version() -> ModelVersion:
    return version_of("1.0.0")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(engineer: User) -> Client:
    return client_of(engineer)


def address(version: ModelVersion, act: str = "") -> str:
    return f"{version.get_absolute_url()}card/{act}"


def test_a_version_without_a_card_offers_to_start_one(client: Client, version: ModelVersion) -> None:
    assert "has no model card yet" in client.get(address(version)).content.decode()
    response = client.post(address(version, "start/"))
    assert response.url == address(version, "edit/")
    assert card.newest(version).number == 1


def test_looking_at_a_version_writes_nothing(client: Client, version: ModelVersion) -> None:
    for act in ("", "edit/", "diff/", "README.md"):
        client.get(address(version, act))
    assert not CardRevision.objects.exists()


def test_the_tab_shows_the_card_its_state_and_what_it_lacks(client: Client, version: ModelVersion) -> None:
    make_card(version, COMPLETE.replace("## Owners", "## Thanks") + "\n{{ metrics.bleu }}\n")
    page = client.get(address(version)).content.decode()
    assert "0.01123" in page
    assert "{{ metrics.val_cer }}" not in page
    assert '<mark class="unknown-placeholder">{{ metrics.bleu }}</mark>' in page
    assert "7/8" in page
    assert "Who answers for it" in page
    assert "Draft" in page
    assert "disabled>Ask for approval" in page
    assert "Sections or values are missing." in page


def test_an_older_revision_is_shown_as_such(client: Client, version: ModelVersion) -> None:
    make_card(version, "# Former")
    make_card(version, "# Latter")
    page = client.get(address(version) + "?revision=1").content.decode()
    assert "Former" in page
    assert "Latter" not in page
    assert "an older state of the card" in page
    assert "Ask for approval" not in page


@pytest.mark.parametrize(
    "act",
    ["?revision=9", "?revision=x", "?revision=-1", "?revision=99999999999", "diff/?old=7", "diff/?new=7",
     "diff/?against=9.9.9", "README.md?revision=7"],
)  # fmt: skip
def test_what_does_not_exist_is_404(client: Client, version: ModelVersion, act: str) -> None:
    make_card(version)
    assert client.get(address(version, act)).status_code == 404


def test_a_card_is_edited(client: Client, version: ModelVersion) -> None:
    make_card(version)
    page = client.get(address(version, "edit/")).content.decode()
    assert 'name="based_on" value="1"' in page
    sent = COMPLETE.replace("# {{ model }}", "# Reader").replace("\n", "\r\n")
    response = client.post(address(version, "edit/"), {"text": sent, "based_on": 1, "summary": "Title"})
    assert response.url == address(version)
    newest = card.newest(version)
    assert (newest.number, newest.text) == (2, COMPLETE.replace("# {{ model }}", "# Reader"))
    assert "Title" in client.get(address(version)).content.decode()


def test_line_ends_of_windows_survive_the_form(client: Client, version: ModelVersion) -> None:
    text = hub_cards()["windows_line_ends"]
    make_card(version, text)
    client.post(address(version, "edit/"), {"text": text.replace("Papilio", "Insekto"), "based_on": 1})
    assert card.newest(version).text == text.replace("Papilio", "Insekto")


def test_the_editor_proposes_the_previous_card_without_keeping_it(
    client: Client, version: ModelVersion
) -> None:
    make_card(version, "# Previous words")
    later = version_of("1.1.0")
    assert "# Previous words" in client.get(address(later, "edit/")).content.decode()
    client.post(address(later, "edit/"), {"text": "# Own words", "based_on": 0})
    assert card.newest(later).text == "# Own words"


def test_what_is_wrong_is_said_at_the_text_and_nothing_is_lost(client: Client, version: ModelVersion) -> None:
    make_card(version)
    text = "---\nlicense: !!python/name:os.system x\n---\nMy long work"
    response = client.post(address(version, "edit/"), {"text": text, "based_on": 1})
    page = response.content.decode()
    assert response.status_code == 422
    assert "The YAML uses a tag (line 1), which is not allowed." in page
    assert "My long work" in page
    assert 'aria-invalid="true"' in page


def test_five_megabytes_are_refused_in_words(client: Client, version: ModelVersion) -> None:
    response = client.post(address(version, "edit/"), {"text": "a" * 5_000_000, "based_on": 0})
    assert response.status_code == 422
    assert "The card is too long: it has 5000000 bytes" in response.content.decode()
    response = client.post(address(version, "preview/"), {"text": "a" * 5_000_000})
    assert "too long" in response.content.decode()


def test_somebody_elses_revision_is_shown_beside_mine(client: Client, version: ModelVersion) -> None:
    make_card(version, "# Theirs\n", by_name="sora")
    response = client.post(address(version, "edit/"), {"text": "# Mine\n", "based_on": 0, "summary": "s"})
    page = response.content.decode()
    assert response.status_code == 409
    assert "sora saved revision 1 of this card meanwhile." in page
    assert "# Mine\n</textarea>" in page
    assert "<del>Theirs</del>" in page
    assert "<ins>Mine</ins>" in page
    assert 'name="based_on" value="1"' in page
    again = client.post(address(version, "edit/"), {"text": "# Mine\n", "based_on": 1})
    assert again.status_code == 302
    assert card.newest(version).text == "# Mine\n"


def test_the_preview_shows_what_would_be_kept(client: Client, version: ModelVersion) -> None:
    response = client.post(address(version, "preview/"), {"text": COMPLETE + "\n<script>x</script>{{ y }}\n"})
    page = response.content.decode()
    assert "8/8" in page
    assert "0.01123" in page
    assert '<mark class="unknown-placeholder">{{ y }}</mark>' in page
    assert "<script" not in page
    assert "<html" not in page
    assert (
        "tag (line 1)"
        in client.post(address(version, "preview/"), {"text": "---\na: !x y\n---\n"}).content.decode()
    )


def test_without_scripts_a_button_shows_the_preview(client: Client, version: ModelVersion) -> None:
    sent = {"text": "# Unkept words", "based_on": 0, "preview": "1"}
    page = client.post(address(version, "edit/"), sent).content.decode()
    assert "Unkept words</h3>" in page
    assert card.newest(version) is None


def test_a_card_goes_through_its_states(
    client: Client, version: ModelVersion, reviewer: User, engineer: User
) -> None:
    make_card(version, by=engineer)
    approver = client_of(reviewer)
    assert client.post(address(version, "submit/"), {"number": 1}).status_code == 302
    assert "Approve the card" in approver.get(address(version)).content.decode()
    response = approver.post(address(version, "return/"), {"number": 1, "reason": ""})
    assert response.status_code == 422
    assert "Say what has to change" in response.content.decode()
    approver.post(address(version, "return/"), {"number": 1, "reason": "Say more about <b>paper</b>."})
    page = client.get(address(version)).content.decode()
    assert "checker returned this card" in page
    assert "Say more about &lt;b&gt;paper&lt;/b&gt;." in page
    client.post(address(version, "submit/"), {"number": 1})
    assert approver.post(address(version, "approve/"), {"number": 1}).status_code == 302
    page = client.get(address(version)).content.decode()
    assert "Approved" in page
    assert "returned this card" not in page


def test_a_decision_about_another_text_is_a_conflict(
    client: Client, version: ModelVersion, reviewer: User
) -> None:
    make_card(version, state="in_review")
    make_card(version, state="in_review")
    response = client_of(reviewer).post(address(version, "approve/"), {"number": 1})
    assert response.status_code == 409
    assert "saved revision 2" in response.content.decode()
    assert client_of(reviewer).post(address(version, "approve/"), {"number": "x"}).status_code == 422


def test_why_somebody_cannot_stands_beside_the_button(
    client: Client, version: ModelVersion, engineer: User, reviewer: User
) -> None:
    revision = make_card(version, state="in_review", by=engineer)
    assert "Only these roles may review promotions" in client.get(address(version)).content.decode()
    assert (
        "Only these roles may create and edit models"
        in client_of(reviewer).get(address(version)).content.decode()
    )
    admin = make_user(Role.ADMINISTRATOR)
    CardRevision.objects.filter(pk=revision.pk).update(by=admin)
    assert (
        "You wrote it. Another reviewer has to approve it."
        in client_of(admin).get(address(version)).content.decode()
    )


def test_who_may_not_gets_403_with_the_sentence(version: ModelVersion, reviewer: User) -> None:
    make_card(version)
    response = client_of(reviewer).post(address(version, "edit/"), {"text": "# Mine", "based_on": 1})
    assert response.status_code == 403
    assert "Only these roles may create and edit models" in response.content.decode()
    assert card.newest(version).number == 1


def test_a_readme_is_imported_and_exported(client: Client, version: ModelVersion) -> None:
    content = hub_cards()["chat_model"].encode()
    upload = SimpleUploadedFile("README.md", content)
    assert client.post(address(version, "import/"), {"readme": upload, "based_on": 0}).status_code == 302
    response = client.get(address(version, "README.md"))
    assert response.content == content
    assert response["Content-Disposition"] == 'attachment; filename="README.md"'
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff", "not UTF-8"), (b"a" * 5_000_000, "too long"), (b"---\na: *b\n---\n", "alias"), (b"", "empty")],
)
def test_a_file_that_is_no_card_is_refused_in_words(
    client: Client, version: ModelVersion, content: bytes, words: str
) -> None:
    upload = SimpleUploadedFile("README.md", content)
    response = client.post(address(version, "import/"), {"readme": upload, "based_on": 0})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert card.newest(version) is None


def test_the_export_is_filled_unless_asked_otherwise(client: Client, version: ModelVersion) -> None:
    make_card(version)
    filled = client.get(address(version, "README.md")).content.decode()
    assert "value: 0.01123" in filled
    assert "{{" not in filled
    assert client.get(address(version, "README.md?source")).content.decode() == COMPLETE


def test_two_revisions_are_compared(client: Client, version: ModelVersion) -> None:
    make_card(version)
    make_card(version, COMPLETE.replace("printed", "typed"), summary="Say typed")
    page = client.get(address(version, "diff/")).content.decode()
    assert "<del>printed</del>" in page
    assert "<ins>typed</ins>" in page
    assert "Revision 1 → revision 2" in page
    backwards = client.get(address(version, "diff/?old=2&new=1")).content.decode()
    assert "<ins>printed</ins>" in backwards


def test_the_card_is_compared_with_that_of_production(client: Client, version: ModelVersion) -> None:
    make_card(version)
    candidate = version_of("1.1.0")
    make_card(candidate, COMPLETE.replace("printed", "typed"))
    ModelVersion.objects.filter(pk=version.pk).update(stage="Production")
    assert "Compare with the card of 1.0.0 in Production" in client.get(address(candidate)).content.decode()
    whole = client.get(address(candidate, "diff/?against=1.0.0")).content.decode()
    assert "Card of 1.0.0 → card of 1.1.0" in whole
    fragment = client.get(address(candidate, "diff/?against=1.0.0&fragment")).content.decode()
    assert "<ins>typed</ins>" in fragment
    assert "<html" not in fragment
    live = client.get(address(candidate, "diff/?against=1.0.0"), headers={"HX-Request": "true"})
    assert "<html" not in live.content.decode()


def test_a_card_that_is_missing_on_one_side_is_compared_with_nothing(
    client: Client, version: ModelVersion
) -> None:
    candidate = version_of("1.1.0")
    assert "The cards are the same." in client.get(address(candidate, "diff/?against=1.0.0")).content.decode()
    make_card(candidate, "# New")
    assert "# New" in client.get(address(candidate, "diff/?against=1.0.0")).content.decode()


def test_hostile_names_and_texts_are_inert_on_every_page(client: Client, engineer: User) -> None:
    version = make_version("1.0.0", model=HOSTILE)
    make_card(
        version,
        f"---\nlicense: '{HOSTILE}'\n'{HOSTILE}': 1\n---\n# A\n{HOSTILE}\n{{{{ {HOSTILE} }}}}",
        by_name=HOSTILE,
    )
    make_card(version, "# {{ model }}\n{{ version }}", by_name=HOSTILE, summary=HOSTILE)
    for act in ("", "?revision=1", "edit/", "diff/", "diff/?old=2&new=1"):
        page = client.get(address(version, act)).content.decode()
        assert "<img" not in page, act
        assert "onerror=alert(1)&gt;" in page


def test_every_page_asks_a_stranger_to_sign_in(version: ModelVersion) -> None:
    make_card(version)
    for act in ("", "edit/", "diff/", "README.md"):
        assert Client().get(address(version, act)).status_code == 302


def test_a_restricted_model_hides_its_cards(client: Client, version: ModelVersion) -> None:
    make_card(version)
    model = make_model()
    model.restricted = True
    model.save()
    for act in ("", "edit/", "diff/", "README.md"):
        assert client.get(address(version, act)).status_code == 404
    for act in ("start/", "edit/", "preview/", "import/", "submit/", "approve/", "return/"):
        assert (
            client.post(address(version, act), {"number": 1, "based_on": 1, "text": "x"}).status_code == 404
        )


def test_acts_are_not_done_by_following_a_link(client: Client, version: ModelVersion) -> None:
    make_card(version)
    for act in ("start/", "preview/", "import/", "submit/", "approve/", "return/"):
        assert client.get(address(version, act)).status_code == 405


@pytest.mark.parametrize("act", ["", "edit/", "diff/", "diff/?against=0.9.0", "README.md"])
def test_the_number_of_queries_does_not_grow(client: Client, version: ModelVersion, act: str) -> None:
    make_card(version_of("0.9.0", stage="Production"))
    make_card(version)
    make_card(version)
    few = _queries(client, address(version, act))
    for _ in range(20):
        make_card(version)
    assert _queries(client, address(version, act)) == few
    assert few <= 15


def _queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_card_tab_is_a_link_on_every_tab(client: Client, version: ModelVersion) -> None:
    page = client.get(version.get_absolute_url()).content.decode()
    link = reverse("registry:version-card", args=["receipt-ocr", quote("1.0.0")])
    assert f'href="{link}"' in page
