"""The review of a promotion in a browser: by keyboard alone, live, without scripts, readable for all."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from registry import bypass, comments, promotion_renewal, rollback
from registry.models import ModelVersion, Promotion
from tests.browser import OpenPage, accessibility_faults
from tests.registry_story import HOSTILE
from tests.review_story import Review, add_card, approved, make_review

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Review:
    return make_review()


@pytest.fixture
def ready(story: Review) -> Review:
    """The promotion with everything in order and one of two approvals."""
    add_card(story.candidate, story.candidate.card_revisions.first().text)
    promotion_renewal.renew(story.opened, user=story.engineer)
    story.opened.refresh_from_db()
    approved(story.opened, story.first)
    return story


def stages() -> dict[str, str]:
    return dict(ModelVersion.objects.values_list("version", "stage"))


def test_everybody_can_read_the_review(open_page: OpenPage, story: Review) -> None:
    emergency = bypass.bypass(story.candidate, "Production", user=story.administrator, reason="Pile-up.")
    back = rollback.roll_back(
        story.candidate.model,
        ModelVersion.objects.get(version="1.2.0"),
        user=story.second,
        reason="It reads worse.",
    )
    model = story.candidate.model.get_absolute_url()
    development = ModelVersion.objects.get(version="1.1.0")
    for path, user in (
        (emergency.get_absolute_url(), story.second),
        (back.get_absolute_url(), story.second),
        (model, story.second),
        (f"{model}rollback/", story.second),
        (f"{development.get_absolute_url()}bypass/", story.administrator),
        ("/notices/?all", story.first),
        ("/notices/", story.engineer),
        ("/promotions/?tab=done", story.second),
    ):
        assert accessibility_faults(open_page(path, user)) == [], path


def test_everybody_can_read_the_open_promotion(open_page: OpenPage, story: Review) -> None:
    page = open_page(story.opened.get_absolute_url(), story.administrator)
    page.get_by_text("7 passed").click()
    page.get_by_text("What changed since 1.2.0").click()
    expect(page.locator(".diff")).to_be_visible()
    assert accessibility_faults(page) == []
    page.locator("#gate-card").get_by_role("link", name="Waive").click()
    expect(page.get_by_role("dialog").get_by_label("Gate")).to_have_value("card")
    assert accessibility_faults(page) == []


def test_the_review_fits_a_narrow_screen_in_korean(open_page: OpenPage, story: Review) -> None:
    page = open_page(story.opened.get_absolute_url(), story.administrator, width=360, language="ko")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert accessibility_faults(page) == []


def test_a_reviewer_approves_with_the_keyboard_alone(open_page: OpenPage, ready: Review) -> None:
    page = open_page(ready.opened.get_absolute_url(), ready.second)
    page.locator("#decision textarea").focus()
    page.keyboard.type("Read all of it.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve…")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_label("Type 1.3.0 to confirm")).to_be_focused()
    page.keyboard.type("1.3.0")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Approve and put into Production")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Approved; MLflow")).to_be_visible()
    assert stages()["1.3.0"] == "Production"
    assert ready.opened.reviews.last().comment == "Read all of it."


def test_escape_closes_the_dialog_and_gives_the_focus_back(open_page: OpenPage, ready: Review) -> None:
    page = open_page(ready.opened.get_absolute_url(), ready.second)
    page.get_by_role("button", name="Approve…").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Approve…")).to_be_focused()
    assert stages()["1.3.0"] == "Staging"


def test_what_happens_meanwhile_shows_without_losing_what_is_typed(
    open_page: OpenPage, ready: Review
) -> None:
    page = open_page(ready.opened.get_absolute_url(), ready.second)
    page.locator("#decision textarea").fill("Half a sentence")
    page.locator("#id_body").fill("and a remark")
    comments.add(ready.opened, "The scans are new.", user=ready.engineer, anchor="gate:metrics")
    expect(page.locator("#review-timeline")).to_contain_text("The scans are new.", timeout=15_000)
    expect(page.locator("#decision textarea")).to_have_value("Half a sentence")
    expect(page.locator("#id_body")).to_have_value("and a remark")
    ModelVersion.objects.filter(pk=ready.candidate.pk).update(source="runs:/elsewhere/model")
    promotion_renewal.renew(ready.opened, user=ready.engineer)
    expect(page.get_by_text("The evidence was renewed while you had this page open.")).to_be_visible(
        timeout=15_000
    )
    expect(page.get_by_role("button", name="Approve…")).to_be_disabled()
    expect(page.locator("#decision textarea")).to_have_value("Half a sentence")


def test_applying_becomes_applied_by_itself(open_page: OpenPage, ready: Review) -> None:
    approved(ready.opened, ready.second)
    page = open_page(ready.opened.get_absolute_url(), ready.second)
    expect(page.get_by_role("heading", name="MLflow is being brought to the same state")).to_be_visible()
    Promotion.objects.filter(pk=ready.opened.pk).update(state="applied", applied_at=ready.opened.opened_at)
    expect(page.get_by_role("heading", name="Approved and applied to MLflow")).to_be_visible(timeout=15_000)


def test_the_comment_button_of_a_row_says_what_the_remark_is_about(
    open_page: OpenPage, story: Review
) -> None:
    page = open_page(story.opened.get_absolute_url(), story.second)
    page.locator("#gate-card").get_by_role("link", name="Comment on Model card").click()
    expect(page.locator("#id_body")).to_be_focused()
    expect(page.locator("#id_anchor")).to_have_value("gate:card")
    page.keyboard.type("When will it be approved?")
    page.locator("#comment").get_by_role("button", name="Comment").click()
    expect(page.locator("#gate-card .remark-count")).to_have_text("1 comment on Model card")


def test_production_is_rolled_back_from_the_model_page(open_page: OpenPage, story: Review) -> None:
    page = open_page(story.candidate.model.get_absolute_url(), story.second)
    page.get_by_role("link", name="Roll back").click()
    expect(page.get_by_role("radio", checked=True)).to_have_value("1.1.0")
    page.get_by_label("Reason").fill("It misreads sevens.")
    page.get_by_role("button", name="Roll Production back").click()
    expect(page.get_by_role("heading", name="Rolled back; MLflow")).to_be_visible()
    assert stages()["1.1.0"] == "Production"
    assert stages()["1.2.0"] == "Archived"


def test_hostile_names_and_words_stay_text(open_page: OpenPage, story: Review) -> None:
    comments.add(story.opened, f"{HOSTILE} <svg onload=alert(1)>", user=story.first)
    page = open_page(story.opened.get_absolute_url(), story.second)
    expect(page.locator("#review-timeline")).to_contain_text(HOSTILE)
    assert page.locator("img[src='x'], svg[onload]").count() == 0


def test_without_scripts_everything_still_works(chrome: Browser, site: str, ready: Review) -> None:
    page = _plain(chrome, site, ready.second)
    page.goto(site + ready.opened.get_absolute_url())
    page.get_by_role("link", name="Comment on val_cer").click()
    expect(page.locator("#id_anchor")).to_have_value("metric:val_cer")
    page.locator("#id_body").fill("Well done.")
    with page.expect_navigation():
        page.locator("#comment").get_by_role("button", name="Comment").click()
    expect(page.locator("#metric-val_cer .remark-count")).to_have_count(1)
    page.locator("#decision textarea").fill("Read all of it.")
    with page.expect_navigation():
        page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Type 1.3.0 to approve it.")).to_be_visible()
    expect(page.locator("#decision textarea")).to_have_value("Read all of it.")
    page.get_by_label("Type 1.3.0 to confirm").fill("1.3.0")
    page.get_by_role("button", name="Approve and put into Production").click()
    expect(page.get_by_role("heading", name="Approved; MLflow")).to_be_visible()
    assert stages()["1.3.0"] == "Production"
    page.goto(site + f"/promotions/{ready.opened.pk}/card/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Differences in the model card")
    page.context.close()


def test_a_gate_is_waived_without_scripts(chrome: Browser, site: str, story: Review) -> None:
    page = _plain(chrome, site, story.administrator)
    page.goto(site + story.opened.get_absolute_url())
    page.locator("#gate-card").get_by_role("link", name="Waive").click()
    form = page.locator("#waive-form")
    expect(form.get_by_label("Gate")).to_have_value("card")
    form.get_by_label("Reason").fill("It is approved on paper.")
    form.get_by_role("button", name="Waive the gate").click()
    expect(page.locator("#gate-card")).to_contain_text("Waived by administrator")
    page.context.close()


def _plain(chrome: Browser, site: str, user: User) -> Page:
    context = chrome.new_context(
        java_script_enabled=False, reduced_motion="reduce", viewport={"width": 1280, "height": 900}
    )
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    return context.new_page()
