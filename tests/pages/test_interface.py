"""The shared components in a browser: readable, under the policy, and doing what they promise."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

DRAWN = 20_000  # milliseconds; the chart library is large and the machine may be busy


@pytest.fixture(autouse=True)
def sample_pages(settings: Any) -> None:
    """Add the pages of `tests.component_samples` to the product's."""
    settings.ROOT_URLCONF = "tests.component_samples"


@pytest.fixture
def someone() -> User:
    return make_user(username="someone")


@pytest.fixture
def sample(open_page: OpenPage, someone: User) -> Page:
    """The page with every component, opened by someone."""
    return open_page("/sample/", someone)


@pytest.mark.parametrize("width", [1440, 390])
def test_every_component_is_readable(open_page: OpenPage, someone: User, width: int) -> None:
    page = open_page("/sample/", someone, width=width)
    page.locator(".chart").scroll_into_view_if_needed()
    expect(page.locator(".chart .main-svg").first).to_be_visible(timeout=DRAWN)
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_unreadable_in_the_other_theme_alone_is_found(sample: Page) -> None:
    sample.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('@media (prefers-color-scheme: dark) { h1 { color: #111 !important } }');
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    assert {fault.partition(":")[0] for fault in accessibility_faults(sample)} == {"color-contrast"}


@pytest.mark.parametrize("opener", ["Control+k", "?"])
def test_the_dialogs_are_readable(open_page: OpenPage, someone: User, opener: str) -> None:
    page = open_page("/sample/", someone)
    page.keyboard.press(opener)
    expect(page.locator("dialog[open]")).to_be_visible()
    assert accessibility_faults(page) == []


def test_an_address_without_a_page_says_so(open_page: OpenPage, someone: User) -> None:
    page = open_page("/no/such/page/", someone)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    assert accessibility_faults(page) == []


def test_the_chart_offers_no_upload_and_adds_no_style_element(sample: Page) -> None:
    sample.locator(".chart").scroll_into_view_if_needed()
    expect(sample.locator(".chart .modebar-btn").first).to_be_attached(timeout=DRAWN)
    titles = sample.locator(".chart .modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
    assert "Download plot as a PNG" in titles
    assert not [title for title in titles if re.search("share|cloud|plotly", title, re.IGNORECASE)]
    assert sample.locator("style").count() == 0
    assert sample.locator(".chart .gl-canvas").count() > 0


def test_the_palette_goes_to_a_page_by_its_name(sample: Page) -> None:
    sample.keyboard.press("Control+k")
    sample.keyboard.type("promo")
    expect(sample.locator("#palette [role=option]")).to_have_text(["Promotions"])
    sample.keyboard.press("Enter")
    sample.wait_for_url("**/promotions/")


def test_the_theme_button_goes_round_and_the_next_page_remembers(sample: Page) -> None:
    button = sample.locator("[data-theme-button]")
    for theme in ("light", "dark"):
        button.click()
        expect(sample.locator("html")).to_have_attribute("data-bs-theme", theme)
    expect(button).to_have_accessible_name("Theme: dark")
    sample.reload()
    expect(sample.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(sample.locator("body")).to_have_css("background-color", "rgb(13, 15, 19)")


def test_a_table_is_walked_ticked_and_opened_by_keys(sample: Page) -> None:
    for key in ("j", "j", "k", "j", "x"):
        sample.keyboard.press(key)
    expect(sample.get_by_label("Row 2")).to_be_checked()
    sample.keyboard.press("Enter")
    sample.wait_for_url("**/models/?row=2")


def test_keys_belong_to_the_text_that_is_being_written(sample: Page) -> None:
    sample.get_by_label("Name").focus()
    sample.keyboard.type("jjx?")
    expect(sample.get_by_label("Name")).to_have_value("jjx?")
    expect(sample.locator("dialog[open]")).to_have_count(0)
    sample.locator("body").evaluate(
        "body => { document.activeElement.blur();"
        "body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', isComposing: true, bubbles: true})) }"
    )
    expect(sample.locator("tbody tr:focus")).to_have_count(0)


def test_single_letters_do_nothing_when_switched_off(open_page: OpenPage, someone: User) -> None:
    User.objects.update(shortcuts=False)
    page = open_page("/sample/", someone)
    for key in ("j", "?"):
        page.keyboard.press(key)
    expect(page.locator("tbody tr:focus")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_dangerous_act_wants_the_version_typed_and_starts_on_cancel(sample: Page) -> None:
    sample.get_by_role("link", name="Promote").click()
    dialog = sample.get_by_role("dialog", name="Promote 1.3.0")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    promote = dialog.get_by_role("button", name="Promote")
    expect(promote).to_be_disabled()
    dialog.get_by_label("Type 1.3.0").fill("1.3.0")
    expect(promote).to_be_enabled()
    sample.mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def test_a_digest_is_copied_whole(sample: Page) -> None:
    sample.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sample.locator(".page-facts .copy").click()
    expect(sample.locator(".tip")).to_have_text("Copied")
    assert sample.evaluate("navigator.clipboard.readText()") == "0123456789abcdef" * 4


def test_a_rounded_number_shows_and_copies_all_its_digits(sample: Page) -> None:
    sample.context.grant_permissions(["clipboard-read", "clipboard-write"])
    number = sample.locator("#metric data")
    expect(number).to_have_text("0.1235")
    number.evaluate("element => getSelection().selectAllChildren(element)")
    sample.keyboard.press("Control+c")
    assert sample.evaluate("navigator.clipboard.readText()") == "0.123456789"
    number.focus()
    sample.keyboard.press("Shift+Tab")
    sample.keyboard.press("Tab")
    expect(number).to_be_focused()
    expect(sample.locator(".tip")).to_have_text("0.123456789")


def test_a_log_follows_its_end_and_asks_again_after_a_failure(sample: Page) -> None:
    expect(sample.locator("#L61")).to_be_attached(timeout=10_000)
    view = sample.locator(".log-view")
    assert view.evaluate("view => view.scrollHeight - view.scrollTop - view.clientHeight") < 32
    follow = sample.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    view.evaluate("view => { view.scrollTop = 0 }")
    expect(follow).to_have_attribute("aria-pressed", "false")


def test_a_line_of_a_log_has_an_address(open_page: OpenPage, someone: User) -> None:
    page = open_page("/sample/#L12-L14", someone)
    expect(page.locator(".is-linked")).to_have_count(3)
    page.locator("#L20 > a").click()
    expect(page.locator(".is-linked")).to_have_attribute("id", "L20")
    assert page.url.endswith("#L20")


def test_a_request_that_failed_says_so_beside_its_control(sample: Page) -> None:
    sample.locator("#fails").click()
    expect(sample.locator("#fails + .request-failed")).to_have_text("The server refused this.")


def test_a_message_is_a_toast_that_can_be_dismissed(sample: Page) -> None:
    toast = sample.locator("[data-toast]")
    expect(toast).to_contain_text("Version 1.3.0 is registered.")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_on_a_narrow_screen_the_navigation_opens_over_the_page(open_page: OpenPage, someone: User) -> None:
    page = open_page("/sample/", someone, width=390)
    expect(page.locator("#navigation")).to_be_hidden()
    page.get_by_role("button", name="Open navigation").click()
    expect(page.locator("#navigation")).to_be_visible()
    assert accessibility_faults(page) == []
    page.locator("#navigation").get_by_role("link", name="Models").click()
    page.wait_for_url("**/models/")


def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(sample: Page) -> None:
    sample.keyboard.press("Tab")
    expect(sample.get_by_role("link", name="Skip to content")).to_be_focused()
    sample.keyboard.press("Enter")
    expect(sample.locator("main")).to_be_focused()
