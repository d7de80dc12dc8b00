"""Going back, the emergency way, and what people are told: pages."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from registry.models import ModelVersion, Notice, Promotion
from tests.review_story import Review, make_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Review:
    return make_review(talk=False)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def back(story: Review) -> str:
    return reverse("registry:rollback", args=[story.candidate.model.name])


def given(**changes: str) -> dict[str, str]:
    return {"to_version": "1.1.0", "serving": "1.2.0", "reason": "It misreads sevens.", **changes}


def test_the_previous_good_version_is_chosen_already(story: Review) -> None:
    response = signed_in(story.first).get(back(story))
    assert [(one.version, chosen) for one, _metrics, chosen in response.context["choices"]] == [
        ("1.1.0", True)
    ]
    assert "1.2.0 leaves Production at once and is archived." in response.content.decode()


def test_one_confirmation_rolls_back(story: Review) -> None:
    answer = signed_in(story.first).post(back(story), given())
    done = Promotion.objects.get(kind="rollback")
    assert answer.url == done.get_absolute_url()
    assert ModelVersion.objects.get(version="1.1.0").stage == "Production"
    page = signed_in(story.first).get(done.get_absolute_url()).content.decode()
    assert "Rolled back; MLflow is being brought to the same state" in page


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"reason": " "}, 422), ({"to_version": "9.9.9"}, 422), ({"serving": "1.1.9"}, 409)],
)
def test_what_does_not_fit_comes_back_with_its_reason(
    story: Review, changes: dict[str, str], status: int
) -> None:
    answer = signed_in(story.first).post(back(story), given(**changes))
    assert answer.status_code == status
    assert not Promotion.objects.filter(kind="rollback").exists()


def test_who_may_not_roll_back_is_told_so_and_refused(story: Review) -> None:
    client = signed_in(story.engineer)
    assert "Only these roles" in client.get(back(story)).content.decode()
    assert client.post(back(story), given()).status_code == 403
    page = client.get(story.candidate.model.get_absolute_url()).content.decode()
    assert "Roll back</button>" in page
    assert back(story) not in page


def test_the_emergency_way_is_for_administrators_and_typed_versions(story: Review) -> None:
    address = reverse("registry:bypass", args=[story.candidate.model.name, "1.3.0"])
    asked = {"to": "Production", "reason": "Receipts pile up.", "confirm": "1.3.0"}
    assert signed_in(story.first).get(address).status_code == 403
    assert signed_in(story.first).post(address, asked).status_code == 403
    administrator = signed_in(story.administrator)
    assert administrator.post(address, {**asked, "confirm": "1.2.0"}).status_code == 422
    assert administrator.post(address, {**asked, "reason": ""}).status_code == 422
    answer = administrator.post(address, asked)
    assert answer.url == Promotion.objects.get(kind="bypass").get_absolute_url()


def test_the_model_page_says_who_brought_a_version_to_its_stage(story: Review) -> None:
    page = signed_in(story.first).get(story.candidate.model.get_absolute_url()).content.decode()
    assert "asked for by engineer" in page
    assert "approved by reviewer" in page


def test_notices_are_counted_read_one_by_one_and_all_at_once(story: Review) -> None:
    client = signed_in(story.engineer)
    count = Notice.objects.filter(user=story.engineer).count()
    page = client.get("/notices/").content.decode()
    assert f"{count} unread notices" in page
    first = Notice.objects.filter(user=story.engineer).first()
    client.post("/notices/read/", {"id": str(first.pk)})
    assert f"{count - 1} unread notices" in client.get("/notices/").content.decode()
    client.post("/notices/read/")
    assert "You have read everything." in client.get("/notices/").content.decode()
    assert client.get("/notices/?all").context["page"].paginator.count == count


def test_notices_of_others_are_not_marked(story: Review) -> None:
    theirs = Notice.objects.filter(user=story.second).first()
    signed_in(story.engineer).post("/notices/read/", {"id": str(theirs.pk)})
    theirs.refresh_from_db()
    assert theirs.read_at is None


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30])
def test_numbers_that_are_none_are_passed_over(story: Review, number: str) -> None:
    assert signed_in(story.engineer).post("/notices/read/", {"id": number}).status_code == 302
