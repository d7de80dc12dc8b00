"""Model cards in a browser: readable, inert whatever they hold, previewed while they are written."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from registry import card
from registry.models import ModelVersion
from tests.browser import OpenPage, accessibility_faults
from tests.cards import COMPLETE, hub_cards, make_card
from tests.people import make_user
from tests.registry_story import version_of

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = (
    """---
license: mit
---

# Hostile {{ nothing }}

<script>document.title = "canary"</script>
<img src=x onerror="document.title = 'canary'">
<svg onload="document.title = 'canary'"><circle r=9 /></svg>
<iframe src="https://evil.example/"></iframe>
<style>body { display: none }</style>
<p style="position: fixed; inset: 0">Over everything</p>
[press](javascript:document.title='canary') <a href="javascript:document.title='canary'">press too</a>
![pixel](https://evil.example/pixel.png)

\u202eRight to left\u202c العربية 한국어

| a | b |
|---|---|
"""
    + "| a-word-that-does-not-end-for-a-very-long-time-and-then-some | 1 |\n" * 30
)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER, username="checker")


@pytest.fixture
def candidate(engineer: User) -> ModelVersion:
    """A version with three revisions, beside one in Production."""
    make_card(version_of("1.2.0", stage="Production"), state="approved")
    version = version_of("1.3.0")
    changed = COMPLETE.replace("printed**, upright", "printed**, flat, upright")
    make_card(version, by=engineer, by_name=engineer.username, summary="Taken over from 1.2.0")
    make_card(version, changed, by=engineer, by_name=engineer.username, summary="Only flat ones")
    make_card(
        version,
        changed.replace("## Owners", "## Thanks") + "\nSee {{ metrics.bleu }}.\n",
        by=engineer,
        by_name=engineer.username,
        summary="Thanks",
    )
    return version


def address(version: ModelVersion, act: str = "") -> str:
    return f"{version.get_absolute_url()}card/{act}"


def pages_of(candidate: ModelVersion, engineer: User, reviewer: User) -> list[tuple[str, User]]:
    """Every page of cards with somebody for whom it is full."""
    bare, ready, long, hostile = (version_of(number) for number in ("1.4.0", "1.5.0", "1.6.0", "1.7.0"))
    make_card(ready, state="in_review", by=engineer, by_name=engineer.username)
    make_card(long, hub_cards()["chat_model"] + hub_cards()["language_model"])
    make_card(hostile, HOSTILE)
    acts = ("", "?revision=1", "edit/", "diff/", "diff/?against=1.2.0")
    return [
        *((address(candidate, act), engineer) for act in acts),
        (address(candidate), reviewer),
        (address(bare), engineer),
        (address(bare), reviewer),
        (address(ready), reviewer),
        (address(ready), engineer),
        (address(long), engineer),
        (address(hostile), engineer),
        (address(hostile, "edit/"), engineer),
    ]


def test_everybody_can_read_every_page(
    open_page: OpenPage, candidate: ModelVersion, engineer: User, reviewer: User
) -> None:
    for path, user in pages_of(candidate, engineer, reviewer):
        assert accessibility_faults(open_page(path, user)) == [], path


def test_no_page_scrolls_sideways_on_a_narrow_screen(
    open_page: OpenPage, candidate: ModelVersion, engineer: User, reviewer: User
) -> None:
    for path, user in pages_of(candidate, engineer, reviewer):
        page = open_page(path, user, width=360)
        excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert excess <= 0, path


def test_a_hostile_card_does_nothing(open_page: OpenPage, candidate: ModelVersion, engineer: User) -> None:
    """Requests to other hosts, errors and violations of the policy fail the test by themselves."""
    make_card(candidate, HOSTILE)
    page = open_page(address(candidate), engineer)
    text = page.locator(".card-text")
    expect(text).to_contain_text("Over everything")
    expect(text).to_contain_text("한국어")
    for link in text.get_by_text("press").all():
        link.click()
    assert "canary" not in page.title()
    assert text.locator("script, style, img, svg, iframe, [style], [onload]").count() == 0
    assert page.locator("body").is_visible()
    expect(text.get_by_role("link", name="pixel")).to_have_attribute("href", "https://evil.example/pixel.png")
    expect(text.locator("mark")).to_have_text("{{ nothing }}")


def test_the_preview_follows_what_is_written(
    open_page: OpenPage, candidate: ModelVersion, engineer: User
) -> None:
    page = open_page(address(candidate, "edit/"), engineer)
    preview = page.locator("#card-preview")
    expect(preview).to_contain_text("7/8")
    expect(preview).to_contain_text("metrics.bleu")
    page.get_by_label("Card", exact=True).fill(COMPLETE.replace("Reads printed receipts", "Reads anything"))
    expect(preview).to_contain_text("8/8")
    expect(preview).to_contain_text("Reads anything")
    expect(preview).not_to_contain_text("metrics.bleu")
    page.get_by_label("Card", exact=True).fill("---\na: !!python/name:os.system x\n---\n# Now\n")
    expect(preview).to_contain_text("The YAML uses a tag (line 1), which is not allowed.")
    page.get_by_label("Card", exact=True).fill(COMPLETE)
    page.get_by_label("What changed, and why").fill("Owners again")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".card-revisions")).to_contain_text("Owners again")
    assert card.newest(candidate).text == COMPLETE


def test_a_card_is_approved_by_somebody_else(
    open_page: OpenPage, candidate: ModelVersion, engineer: User, reviewer: User
) -> None:
    make_card(candidate, by=engineer, by_name=engineer.username)
    page = open_page(address(candidate), engineer)
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_role("heading", name="Revision 4")).to_be_visible()
    expect(page.get_by_role("button", name="Approve the card")).to_be_disabled()
    theirs = open_page(address(candidate), reviewer)
    theirs.get_by_text("Return to draft").first.click()
    theirs.get_by_label("What has to change").fill("Say more about paper.")
    theirs.get_by_role("button", name="Return to draft").click()
    expect(theirs.get_by_text("checker returned this card")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Ask for approval").click()
    theirs.reload()
    theirs.get_by_role("button", name="Approve the card").click()
    expect(theirs.locator(".rail .tag", has_text=re.compile("Approved")).first).to_be_visible()
    assert card.newest(candidate).state == "approved"


def test_revisions_are_chosen_and_compared(
    open_page: OpenPage, candidate: ModelVersion, engineer: User
) -> None:
    page = open_page(address(candidate, "diff/"), engineer)
    expect(page.get_by_role("heading", name="Revision 2 → revision 3")).to_be_visible()
    page.get_by_label("From revision").select_option("1")
    expect(page.get_by_role("heading", name="Revision 1 → revision 3")).to_be_visible()
    expect(page.locator(".diff ins").first).to_be_visible()
    expect(page.locator("tr[data-kind=removed] .diff-sign").first).to_have_text("\N{MINUS SIGN}")


def test_a_link_within_the_card_leads_to_its_heading(
    open_page: OpenPage, candidate: ModelVersion, engineer: User
) -> None:
    make_card(candidate, "# A\n\n[down](#the-end)\n" + "\n\ntext" * 200 + "\n\n## The end\n")
    page = open_page(address(candidate), engineer)
    page.get_by_role("link", name="down").click()
    expect(page.get_by_role("heading", name="The end")).to_be_in_viewport()
