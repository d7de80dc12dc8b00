"""The table of runs in Chromium: choosing runs across filters, completing a filter, groups."""

import re

import pytest
from playwright.sync_api import Route, expect

from accounts.roles import Role
from experiments.models import Job
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.runs import NASTY, make_measured_run

pytestmark = pytest.mark.django_db(transaction=True)


def test_runs_are_chosen_across_filters_and_edited(open_page: OpenPage) -> None:
    first = make_measured_run({"loss": 1}, name=NASTY)
    second = make_measured_run({"loss": 2}, name="second", status="FAILED")
    page = open_page("/runs/?status=FAILED", make_user(Role.ENGINEER))
    tray = page.get_by_role("form", name="Chosen runs")
    expect(tray).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(tray.get_by_text("1 run chosen")).to_be_visible()
    expect(tray.get_by_text("Choose at least two runs")).to_be_visible()
    page.get_by_label("Status", exact=True).select_option("FINISHED")
    page.wait_for_url("**status=FINISHED**")
    page.get_by_label("Choose all runs of this page").check()
    expect(tray.get_by_text("2 runs chosen")).to_be_visible()
    assert accessibility_faults(page) == []
    tray.get_by_role("button", name="Leave out: second").click()
    expect(tray.get_by_text("1 run chosen")).to_be_visible()
    page.get_by_label("Status", exact=True).select_option("")
    page.wait_for_url(re.compile("status=$"))
    page.get_by_label("Choose second").check()
    page.keyboard.press("c")
    page.wait_for_url(f"**/compare/?runs={first.run_id},{second.run_id}")
    page.goto(page.url.split("/compare/")[0] + "/runs/")
    expect(tray.get_by_text("2 runs chosen")).to_be_visible()
    tray.get_by_role("button", name="Tag or archive").click()
    dialog = page.get_by_role("dialog", name="Edit 2 runs")
    assert accessibility_faults(page) == []
    dialog.get_by_label("Archive", exact=True).select_option("yes")
    dialog.get_by_role("button", name="Change these runs").click()
    expect(page.get_by_text("2 runs are being edited")).to_be_visible()
    assert Job.objects.get().payload["run_ids"] == sorted([first.run_id, second.run_id])
    tray.get_by_role("link", name="Clear").click()
    expect(tray).to_be_hidden()


def test_escape_keeps_a_filter_whose_completions_are_still_asked_for(open_page: OpenPage) -> None:
    make_measured_run({"val_cer": 0.1}, params={"optimizer": "AdamW"})
    page = open_page("/runs/", make_user(Role.VIEWER))
    field = page.locator("#run-filter")
    held: list[Route] = []
    page.route("**/completions/**", lambda route: held.append(route))
    field.fill("params.opt")
    field.press("Escape")
    expect(field).to_have_value("params.opt")
    with page.expect_request("**/completions/**"):
        field.press("ArrowDown")
    field.press("Escape")
    expect(field).to_have_value("params.opt")
    page.unroute("**/completions/**")
    field.press("ArrowDown")
    expect(page.get_by_role("option", name="params.optimizer")).to_be_visible()
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("params.opt")


def test_a_filter_is_completed_by_keyboard_and_its_runs_are_grouped(open_page: OpenPage) -> None:
    make_measured_run({"val_cer": 0.1}, name="found", params={"optimizer": "AdamW"})
    make_measured_run({"val_cer": 0.2}, name="other", params={"optimizer": "SGD"})
    page = open_page("/runs/?columns=metrics.val_cer", make_user(Role.VIEWER))
    field = page.locator("#run-filter")
    field.press_sequentially("params.opt")
    expect(page.get_by_role("option", name="params.optimizer")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("params.optimizer ")
    field.press_sequentially("= A")
    expect(page.get_by_role("option", name="AdamW")).to_be_visible()
    assert accessibility_faults(page) == []
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value('params.optimizer = "AdamW" ')
    expect(page.get_by_role("option", name="and", exact=True)).to_be_visible()
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.press("Enter")
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()
    page.locator("summary", has_text="Group").click()
    page.get_by_label("Group by").fill("params.optimizer")
    page.get_by_role("button", name="Group", exact=True).click()
    expect(
        page.get_by_role("region", name="Groups of runs").get_by_role("link", name="AdamW")
    ).to_be_visible()
    assert accessibility_faults(page) == []
