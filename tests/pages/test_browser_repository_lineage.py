"""Pages of a repository's data and pipeline in Chromium: accessible, and at home on narrow screens."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Repository
from tests.browser import OpenPage, accessibility_faults
from tests.history import make_plan
from tests.pages.test_repository_lineage import repository, someone  # noqa: F401 - fixtures
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_pages_of_a_repository_are_accessible_and_lead_to_each_other(
    open_page: OpenPage,
    someone: User,  # noqa: F811
    repository: Repository,  # noqa: F811
) -> None:
    make_plan(repository, minutes=45, hook_nonce="a number", hook_made_by="x" * 150)
    page = open_page(repository.get_absolute_url(), make_user(Role.ADMINISTRATOR), width=390)
    for tab, heading in (
        ("pipeline", "Graph"),
        ("data", "Data sets and outputs"),
        ("history", "Commits"),
        ("gto", ""),
        ("updates", "By the clock"),
    ):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-current", "page")
        if heading:
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert accessibility_faults(page) == []
        assert page.evaluate(OVERFLOW) <= 0
    page.locator("#tab-data").click()
    page.get_by_role("link", name="data/raw").click()
    page.get_by_role("button", name="Compare the chosen two").click()
    expect(page.get_by_role("heading", name="The two versions")).to_be_visible()
    assert accessibility_faults(page) == []
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Read by")).to_be_visible()
    assert accessibility_faults(page) == []
