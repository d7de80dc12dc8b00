"""The members page and what was in Production, in Chromium."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from registry.models import Member, Promotion, RegisteredModel
from tests.browser import accessibility_faults
from tests.people import make_user
from tests.registry_story import HOSTILE, LONG
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_model, make_version

ALL = "/production/"
ONE = "/models/receipt-ocr/production/"
MEMBERS = "/models/receipt-ocr/members/"


@pytest.fixture
def administrator(transactional_db) -> User:
    """A model that was imported, promoted and rolled back; names that are awkward to show; two members."""
    old, new = make_version("1.0.0"), make_version("1.1.0", stage="Archived")
    enter(old, day(1), how="import", by_name="system")
    first = make_promotion(new, approved_by=("checker", "engineer"), decided_at=day(5))
    leave(old, day(5), promotion=first)
    enter(new, day(5), promotion=first, reason="Reads the new receipts.")
    back = make_promotion(old, kind=Promotion.Kind.ROLLBACK, decided_at=day(9), evidence_digest="f" * 64)
    leave(new, day(9), promotion=back, how="rollback", by_name="checker")
    enter(old, day(9), promotion=back, how="rollback", by_name="checker", reason="Too slow at the counter.")
    for name in (HOSTILE, LONG, "영수증-인식"):
        version = make_version("2.11.4-rc1.with.a.long.candidate", model=name)
        enter(version, day(3), how="bypass", by_name=name[:150], reason=HOSTILE)
    make_model("nothing-here-yet")
    RegisteredModel.objects.update(created_at=day(0))
    user = make_user(Role.ADMINISTRATOR, username="olga")
    for person, part in ((user, "owner"), (make_user(Role.VIEWER, username="engineer"), "reviewer")):
        Member.objects.create(model=make_model(), user=person, part=part)
    return user


@pytest.mark.parametrize(
    "address", [ALL, ONE, MEMBERS, f"{ONE}?at=yesterday", f"{ALL}?at=2026-01-04T00:00:00Z"]
)
def test_the_pages_are_accessible(open_page, administrator, address):
    page = open_page(address, administrator)
    assert accessibility_faults(page) == []


@pytest.mark.parametrize("address", [ALL, ONE, MEMBERS])
def test_the_pages_fit_a_narrow_screen(open_page, administrator, address):
    page = open_page(address, administrator, width=390)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_a_moment_is_chosen_and_answered(open_page, administrator):
    page = open_page(ONE, administrator)
    page.get_by_role("textbox", name="Moment").fill("2026-01-06T17:59:59")
    page.get_by_label("Zone").select_option("+09:00")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#answer-title")).to_contain_text("2026-01-06 08:59:59 UTC")
    expect(page.locator(".as-of-answer")).to_contain_text("1.0.0")
    expect(page.get_by_label("Zone")).to_have_value("+09:00")
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.locator("#answer-title")).to_have_text("In Production now")


def test_a_member_is_added_and_removed_by_hand(open_page, administrator):
    make_user(Role.ENGINEER, username="checker")
    page = open_page(MEMBERS, administrator)
    page.get_by_label("Person").fill("checker")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("cell", name="checker", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove checker as").click()
    expect(page.get_by_role("cell", name="checker", exact=True)).to_have_count(0)


def test_the_pages_speak_korean(open_page, administrator):
    User.objects.update(language="ko")
    for address in (ALL, ONE, MEMBERS):
        page = open_page(address, administrator, language="ko")
        assert accessibility_faults(page) == []
