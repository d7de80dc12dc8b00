"""The pages of the registry in a browser: readable for everybody, usable by keyboard, live."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from registry import promotion
from registry.models import ModelVersion
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.registry_story import HOSTILE, Story, make_story
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    return make_story()


def pages_of(story: Story) -> list[tuple[str, User]]:
    """Every page of the registry with somebody for whom it is full."""
    version = story.candidate.get_absolute_url()
    decided = story.development.promotions.order_by("pk")[0].get_absolute_url()
    register = f"/register/?run={story.candidate.run_id}"
    promote = f"{story.development.get_absolute_url()}promote/?to=Staging"
    return [
        ("/", story.reviewer),
        ("/models/", story.reviewer),
        ("/models/?q=zzz", story.reviewer),
        ("/models/receipt-ocr/", story.reviewer),
        *((f"{version}{tab}", story.engineer) for tab in ("", "metadata/", "metrics/", "files/", "history/")),
        (ModelVersion.objects.get(model_format="pickle").get_absolute_url(), story.reviewer),
        (story.development.get_absolute_url(), story.reviewer),
        ("/promotions/", story.reviewer),
        ("/promotions/?tab=waiting", story.reviewer),
        ("/promotions/?tab=done", story.reviewer),
        (story.opened.get_absolute_url(), story.reviewer),
        (f"{story.opened.get_absolute_url()}?confirm", story.reviewer),
        (story.opened.get_absolute_url(), story.engineer),
        (decided, story.reviewer),
        (register, story.engineer),
        (promote, story.engineer),
        (promote, story.reviewer),
        ("/api/docs/", story.reviewer),
    ]


def test_everybody_can_read_every_page(open_page: OpenPage, story: Story) -> None:
    for path, user in pages_of(story):
        assert accessibility_faults(open_page(path, user)) == [], path


def test_everybody_can_read_the_empty_pages(open_page: OpenPage) -> None:
    newcomer = make_user(Role.VIEWER)
    for path in ("/", "/models/", "/promotions/", "/promotions/?tab=done"):
        assert accessibility_faults(open_page(path, newcomer)) == [], path


def test_no_page_scrolls_sideways_on_a_narrow_screen(open_page: OpenPage, story: Story) -> None:
    for path, user in pages_of(story):
        page = open_page(path, user, width=360)
        excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert excess <= 0, path


def test_hostile_names_stay_text(open_page: OpenPage, story: Story) -> None:
    page = open_page("/models/", story.reviewer)
    page.get_by_role("link", name=HOSTILE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert page.locator("img[src='x']").count() == 0


def test_the_proposal_follows_the_model_while_it_is_typed(open_page: OpenPage) -> None:
    make_version("4.2.0", model="other")
    page = open_page(f"/register/?run={make_run().run_id}", make_user(Role.ENGINEER))
    proposal = page.locator("#proposal")
    expect(proposal.get_by_role("heading")).to_have_text(re.compile(r"1\.0\.0"))
    page.get_by_role("combobox", name="Model").fill("")
    page.get_by_role("combobox", name="Model").press_sequentially("other")
    expect(proposal).to_contain_text("4.2.0")
    expect(proposal.get_by_role("heading")).to_have_text(re.compile(r"4\.3\.0"))
    page.get_by_role("button", name="Register").click()
    page.wait_for_url("**/jobs/*/")
    assert Job.objects.get(kind="register").payload["version"] == "4.3.0"


def test_production_is_approved_through_the_dialog_by_typing_the_version(
    open_page: OpenPage, story: Story
) -> None:
    page = open_page(story.opened.get_absolute_url(), story.reviewer)
    page.locator("#decision").get_by_label("Comment").fill("Read all of it.")
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    approve = dialog.get_by_role("button", name="Approve")
    expect(approve).to_be_disabled()
    assert accessibility_faults(page) == []
    typed = dialog.get_by_label("Type 1.3.0 to confirm")
    typed.fill("1.2.0")
    expect(approve).to_be_disabled()
    typed.fill("1.3.0")
    approve.click()
    expect(page.get_by_role("heading", name="Approved; MLflow")).to_be_visible()
    assert stages() == {"1.2.0": "Archived", "1.3.0": "Production"}
    assert story.opened.reviews.get().comment == "Read all of it."


def test_without_the_dialog_the_version_is_typed_on_the_page(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"{story.opened.get_absolute_url()}?confirm", story.reviewer)
    approve = page.get_by_role("button", name="Approve and put into Production")
    expect(approve).to_be_disabled()
    page.get_by_label("Type 1.3.0 to confirm").fill("1.3.0")
    approve.click()
    expect(page.get_by_role("heading", name="Approved; MLflow")).to_be_visible()
    assert stages() == {"1.2.0": "Archived", "1.3.0": "Production"}


def test_cancel_and_escape_leave_production_alone(open_page: OpenPage, story: Story) -> None:
    page = open_page(story.opened.get_absolute_url(), story.reviewer)
    for leave in ("Enter", "Escape"):
        page.get_by_role("button", name="Approve…").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press(leave)
        expect(page.get_by_role("dialog")).to_be_hidden()
    assert stages() == {"1.2.0": "Production", "1.3.0": "Staging"}


def test_a_rejection_needs_no_typing_but_a_reason(open_page: OpenPage, story: Story) -> None:
    page = open_page(story.opened.get_absolute_url(), story.reviewer)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(".field-errors")).to_contain_text("Say why")
    page.locator("#decision").get_by_label("Comment").fill("The loss is worse.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("heading", name="Rejected")).to_be_visible()
    assert stages() == {"1.2.0": "Production", "1.3.0": "Staging"}


def stages() -> dict[str, str]:
    rows = ModelVersion.objects.filter(model__name="receipt-ocr", version__in=["1.2.0", "1.3.0"])
    return dict(rows.values_list("version", "stage"))


def test_the_versions_are_walked_by_keyboard(open_page: OpenPage, story: Story) -> None:
    page = open_page("/models/receipt-ocr/", story.reviewer)
    for key in ("j", "j", "j", "k", "Enter"):
        page.keyboard.press(key)
    # From the top: 1.4.0-rc2, 1.4.0-rc1, 1.3.0, and one back.
    page.wait_for_url("**/versions/1.4.0-rc1/")


def test_home_tells_of_a_new_request_by_itself(open_page: OpenPage, story: Story) -> None:
    page = open_page("/", story.reviewer)
    waiting = page.get_by_role("region", name="Waiting for your review")
    expect(waiting.get_by_role("link", name="영수증-인식")).to_have_count(0)
    open_request(story)
    expect(waiting.get_by_role("link", name="영수증-인식")).to_be_visible(timeout=15_000)


def open_request(story: Story) -> None:
    version = ModelVersion.objects.get(model__name="영수증-인식")
    promotion.open_for(version, "Staging", user=story.engineer)


def test_the_documentation_leads_to_its_endpoints(open_page: OpenPage) -> None:
    page = open_page("/", make_user(Role.VIEWER, username="vera"))
    page.locator(".user-button").click()
    page.get_by_role("link", name="REST interface").click()
    index = page.get_by_role("navigation", name="Endpoints")
    index.get_by_role("link", name=re.compile("POST.*reviews")).click()
    expect(page).to_have_url(re.compile(r"/api/docs/#promotions-reviews-create"))
    expect(page.locator("#promotions-reviews-create")).to_be_in_viewport()
