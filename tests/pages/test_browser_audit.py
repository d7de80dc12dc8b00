"""The audit trail in a browser: readable for everybody, by keyboard, on paper, and taken along."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from audit import checkpoints, verification
from audit.events import Event
from audit.models import TrailStatus
from audit.trail import SYSTEM, Actor, Target
from tests import trail as trails
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.trail import make_entries, make_entry

pytestmark = pytest.mark.django_db(transaction=True)
checkpoint_folder = trails.checkpoint_folder

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def auditor() -> User:
    return make_user(Role.AUDITOR, username="examiner")


def make_story() -> None:
    """Record what a few days of work leave."""
    accountant, bookkeeper, stranger = (
        Actor("1", "auditor"),
        Actor("2", "bookkeeper"),
        Actor("anonymous", "anonymous"),
    )
    version = Target("version", "receipt-ocr@1.3.0", "receipt-ocr@1.3.0", "receipt-ocr")
    promotion = Target("promotion", "7", "receipt-ocr@1.3.0 to Production", "receipt-ocr")
    evidence = {"evidence_digest": "9f" * 32, "comment": "문자 오류율이 낮아졌습니다."}
    make_entry(
        Event.SESSION_SIGNED_IN,
        actor=accountant,
        target=Target("user", "1", "auditor"),
        data={"address": "10.0.0.7"},
    )
    make_entry(
        Event.VERSION_REGISTERED, actor=accountant, target=version, data={"manifest_digest": "ab" * 32}
    )
    make_entry(Event.PROMOTION_OPENED, actor=accountant, target=promotion, data=evidence)
    make_entry(
        Event.SESSION_SIGN_IN_FAILED,
        actor=stranger,
        target=Target("user", "2", "bookkeeper"),
        data={"attempted": "bookkeeper…"},
    )
    make_entry(
        Event.PERMISSION_DENIED, actor=accountant, target=promotion, data={"permission": "promotion.review"}
    )
    make_entry(
        Event.PROMOTION_REVIEWED, actor=bookkeeper, target=promotion, data=evidence | {"verdict": "approve"}
    )
    make_entry(
        Event.PROMOTION_BYPASSED, actor=bookkeeper, target=promotion, data={"reason": "All receipts failed."}
    )
    make_entry(Event.VERSION_MIRRORED, actor=SYSTEM, target=version, data={"alias": "champion"})
    make_entry(actor=Actor("3", NASTY), target=Target("job", "1", "long " * 50), data={"text": "x" * 400})
    checkpoints.make()
    verification.keep()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everybody_can_read_the_page(open_page: OpenPage, auditor: User, language: str) -> None:
    make_story()
    for path in ("/audit/", "/audit/?entry=5", "/audit/?person=nobody", "/audit/?since=x&event=y"):
        assert accessibility_faults(open_page(path, auditor, language=language)) == []
    TrailStatus.objects.update(fault_kind="altered", fault_sequence=3, fault_reason="no")
    assert accessibility_faults(open_page("/audit/", auditor, language=language)) == []


def test_the_page_fits_a_narrow_screen(open_page: OpenPage, auditor: User) -> None:
    make_story()
    for path in ("/audit/", "/audit/?entry=9", "/audit/?entry=1"):
        page = open_page(path, auditor, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_entry_opens_by_keyboard_and_shows_its_data(open_page: OpenPage, auditor: User) -> None:
    make_story()
    page = open_page("/audit/", auditor)
    entry = page.locator("#entry-6")
    expect(entry.get_by_text("evidence_digest")).to_be_hidden()
    entry.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(entry.get_by_text("evidence_digest")).to_be_visible()
    entry.get_by_role("link", name="All about this object").click()
    expect(page).to_have_url(re.compile("target=promotion%3A7"))
    expect(page.locator(".entries > li")).to_have_count(4)


def test_the_filter_is_in_the_address_and_goes_on_over_the_windows(
    open_page: OpenPage, auditor: User
) -> None:
    make_story()
    make_entries(60)
    page = open_page("/audit/", auditor)
    page.get_by_label("Person").fill("someone")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".entries > li")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".entries > li")).to_have_count(10)
    assert "person=someone" in page.url
    expect(page.get_by_label("Person")).to_have_value("someone")
    page.get_by_role("link", name="Newer").click()
    expect(page.locator(".entries > li")).to_have_count(50)


def test_on_paper_everything_is_open(open_page: OpenPage, auditor: User) -> None:
    make_story()
    page = open_page("/audit/", auditor)
    page.emulate_media(media="print")
    expect(page.locator("#entry-6 .entry-data")).to_be_visible()
    expect(page.locator(".sidebar")).to_be_hidden()
    expect(page.locator(".audit-filter")).to_be_hidden()
    expect(page.get_by_text("Printed from Stagegate by examiner")).to_be_visible()


def test_a_bundle_is_downloaded(open_page: OpenPage, auditor: User) -> None:
    make_story()
    page = open_page("/audit/", auditor)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Bundle to verify").click()
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as archive:
        assert "verifier.py" in archive.namelist()


def test_only_who_may_read_it_finds_it_in_the_navigation(open_page: OpenPage, auditor: User) -> None:
    expect(open_page("/jobs/", auditor).get_by_role("link", name="Audit trail")).to_be_visible()
    viewer = make_user(Role.VIEWER)
    expect(open_page("/jobs/", viewer).get_by_role("link", name="Audit trail")).to_have_count(0)
