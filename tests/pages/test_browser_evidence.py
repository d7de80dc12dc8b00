"""The evidence page in a browser: the bundle is asked for, waited for, and fetched without a reload."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments import execution
from experiments.models import Job
from tests import trail as trails
from tests.browser import OpenPage, accessibility_faults
from tests.bundles import make_subject, verified
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)
checkpoint_folder = trails.checkpoint_folder

PAGE = "/models/receipt-ocr/versions/1.0.0/evidence/"


@pytest.fixture
def auditor() -> User:
    make_subject()
    return make_user(Role.AUDITOR, username="auditor")


def test_the_page_shows_that_the_bundle_waits_and_offers_it_once_it_is_made(
    open_page: OpenPage, auditor: User
) -> None:
    page = open_page(PAGE, auditor)
    page.get_by_role("button", name="Make the evidence bundle").click()
    region = page.get_by_role("region", name="Evidence bundle")
    expect(region.get_by_role("status")).to_contain_text("Queued")
    assert accessibility_faults(page) == []
    assert execution.run(Job.objects.get(kind="bundle").pk)
    fetch = region.get_by_role("link", name="Download the evidence bundle")
    expect(fetch).to_be_visible()
    assert accessibility_faults(page) == []
    with page.expect_download() as waiting:
        fetch.click()
    assert verified(waiting.value.path().read_bytes()).ok


def test_a_bundle_that_was_not_made_says_why_and_can_be_asked_for_again(
    open_page: OpenPage, auditor: User
) -> None:
    page = open_page(PAGE, auditor)
    page.get_by_role("button", name="Make the evidence bundle").click()
    expect(page.get_by_role("region", name="Evidence bundle").get_by_role("status")).to_be_visible()
    Job.objects.filter(kind="bundle").update(state="failed", error="The bundle is too large.")
    expect(page.get_by_text("The bundle is too large.")).to_be_visible()
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Make the evidence bundle").click()
    expect(page.get_by_role("region", name="Evidence bundle").get_by_role("status")).to_contain_text("Queued")
    assert Job.objects.filter(kind="bundle").count() == 2
