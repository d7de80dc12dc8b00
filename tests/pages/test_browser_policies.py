"""The pages of policies in a browser: readable, inert, and the form brings what gates declare."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from registry import policies
from registry.models import Policy
from registry.policy_rules import DEFAULTS, GateSetting, Rules
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.registry_story import HOSTILE
from tests.versions import make_model

pytestmark = pytest.mark.django_db(transaction=True)

METRICS = {
    "rules": [
        {"metric": "val_cer", "at_most": 0.05, "tolerance": 2},
        {"metric": "f1_macro", "at_least": 0.9, "goal": "max", "tolerance": 0.01, "unit": "absolute"},
    ]
}


@pytest.fixture
def administrator() -> User:
    return make_user(Role.ADMINISTRATOR, username="admin")


@pytest.fixture
def addresses(administrator: User) -> list[str]:
    """The pages, full of what happens in a year."""
    shipped = DEFAULTS["Production"]
    stricter = Rules(**{**shipped.__dict__, "approvals": 2, "groups": ("reviewer",), "minimum_hours": 24})
    policies.change(None, "Production", shipped, user=administrator, reason="Keep what is shipped.")
    policies.change(None, "Production", stricter, user=administrator, reason="A second pair of eyes.")
    model = make_model("receipt-ocr")
    gates = (GateSetting("metrics", config=METRICS), GateSetting("card", required=False))
    policies.change(model, "Production", Rules(gates=gates), user=administrator, reason="Receipts only.")
    hostile = make_model(HOSTILE)
    odd = GateSetting("metrics", config={"rules": [{"metric": HOSTILE * 5, "compare": False}]})
    policies.change(hostile, "Staging", Rules(gates=(odd,)), user=administrator, reason=HOSTILE * 20)
    own = "/models/receipt-ocr/policies/"
    return [
        "/policies/",
        "/policies/Production/",
        "/policies/Staging/",
        f"{own}Production/",
        f"{own}Production/edit/",
        "/policies/Production/edit/",
        f"/models/{'%3Cimg%20src=x%20onerror=alert(1)%3E'}/policies/Staging/",
        f"/models/{'%3Cimg%20src=x%20onerror=alert(1)%3E'}/policies/Staging/edit/",
    ]


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    make_user(Role.REVIEWER, username="checker")


def test_everybody_can_read_every_page(
    open_page: OpenPage, addresses: list[str], administrator: User
) -> None:
    for path in addresses:
        assert accessibility_faults(open_page(path, administrator)) == [], path


def test_no_page_scrolls_sideways_on_a_narrow_screen(
    open_page: OpenPage, addresses: list[str], administrator: User
) -> None:
    for path in addresses:
        page = open_page(path, administrator, width=390)
        excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert excess <= 0, path


def test_an_administrator_names_a_metric_and_gets_an_empty_row_for_the_next(
    open_page: OpenPage, administrator: User
) -> None:
    page = open_page("/policies/Production/edit/", administrator)
    page.get_by_label("Metric, row 1").fill("val_cer")
    page.get_by_label("At most, row 1").fill("0.05")
    page.get_by_label("Reason").fill("Receipts have to be read")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Receipts have to be read")).to_be_visible()

    (gate,) = [one for one in Policy.objects.get().rules["gates"] if one["gate"] == "metrics"]
    assert [(one["metric"], one["at_most"]) for one in gate["config"]["rules"]] == [("val_cer", 0.05)]
    page.goto(page.url + "edit/")
    expect(page.get_by_label("Metric, row 1")).to_have_value("val_cer")
    expect(page.get_by_label("Metric, row 3")).to_have_value("")


def test_what_is_wrong_stands_beside_the_field(open_page: OpenPage, administrator: User) -> None:
    page = open_page("/policies/Production/edit/", administrator)
    page.get_by_label("At least, row 2").fill("0.5")
    page.get_by_label("Reason").fill("because")
    page.get_by_role("button", name="Save").click()

    cell = page.get_by_label("Metric, row 2").locator("xpath=ancestor::td")
    expect(cell.get_by_text("This has to be filled in.")).to_be_visible()
    assert accessibility_faults(page) == []


def test_others_read_why_they_cannot_change_it(open_page: OpenPage) -> None:
    page = open_page("/policies/Production/edit/", make_user(Role.REVIEWER))
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(page.get_by_text("Only these roles may edit policies")).to_be_visible()
