"""The pages of repositories and the run form in a browser: live, by keyboard, without scripts."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Commit, Job, Repository
from tests.browser import OpenPage, accessibility_faults
from tests.demo_repository import make_demo
from tests.jobs import PARAMS, make_commit, make_job, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

NASTY = "<img src=x onerror=alert(1)>"
LATER = 15_000  # milliseconds; a poll comes every two to ten seconds
RUN = "/repositories/receipt-ocr/run/"


@pytest.fixture
def someone() -> User:
    return make_user(Role.ENGINEER, Role.ADMINISTRATOR, username="someone")


@pytest.fixture
def demo() -> tuple[Repository, Commit]:
    return make_demo()


def make_all_sorts(repository: Repository, someone: User) -> Job:
    """Create whatever the pages have an own look for; return a job to run again."""
    make_commit(repository, branch="broken", pipeline={}, problem="dvc.yaml: not valid YAML")
    locked = "train:\n  day: 2024-01-01  # When it was collected\n  text: |\n    two\n    lines\n"
    make_commit(repository, branch="locked", params_text=locked)
    result = make_commit(repository, subject="A result")
    payload = {"ref": "main", "sha": "0" * 40, "overrides": {"train.epochs": 9, "gone": 1}, "note": "n"}
    job = make_job(
        "succeeded", user=someone, repository=repository, payload=payload, result={"sha": result.sha}
    )
    make_repository("failed", fetch_error="The host does not answer.")
    make_job("running", kind="fetch", repository=make_repository("new", fetched_at=None, default_ref=""))
    return job


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everybody_can_read_the_pages(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit], language: str
) -> None:
    job = make_all_sorts(demo[0], someone)
    viewer = make_user(Role.VIEWER)
    for path, user in (
        ("/repositories/", someone),
        ("/repositories/", viewer),
        ("/repositories/connect/", someone),
        ("/repositories/connect/", viewer),
        ("/repositories/receipt-ocr/", someone),
        ("/repositories/receipt-ocr/", viewer),
        ("/repositories/receipt-ocr/?ref=broken", someone),
        ("/repositories/receipt-ocr/?ref=nowhere", someone),
        ("/repositories/failed/", someone),
        ("/repositories/new/", someone),
        (f"{RUN}?from_job={job.pk}", someone),
        (f"{RUN}?ref=locked", someone),
        (f"{RUN}?ref=broken", someone),
    ):
        page = open_page(path, user, language=language)
        assert accessibility_faults(page) == [], path
        page.context.close()


def test_everybody_can_read_what_was_refused(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    page = open_page(RUN, someone)
    page.get_by_label("train.architecture").fill("a;rm")
    page.get_by_text("Register the result").click()
    page.locator("#id_register_version").fill("1.0.0")
    page.get_by_role("button", name="Run the pipeline").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was started")
    expect(page.get_by_label("train.architecture")).to_have_attribute("aria-invalid", "true")
    assert accessibility_faults(page) == []
    assert not Job.objects.exists()
    page.get_by_role("alert").get_by_role("link", name="train.architecture").click()
    expect(page.get_by_label("train.architecture")).to_be_in_viewport()


def test_the_pages_fit_a_narrow_screen(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    job = make_all_sorts(demo[0], someone)
    long = "x" * 120
    make_commit(demo[0], branch=long, subject=long * 4, author=long, params_text=f"{long}: {'y' * 500}\n")
    for path in (
        "/repositories/",
        "/repositories/connect/",
        "/repositories/receipt-ocr/",
        f"/repositories/receipt-ocr/?ref={long}",
        f"{RUN}?from_job={job.pk}",
        f"{RUN}?ref={long}",
    ):
        page = open_page(path, someone, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_what_is_changed_is_marked_at_once_and_can_be_reset(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    page = open_page(RUN, someone)
    row = page.locator('[data-param="train.learning_rate"]')
    rate = page.get_by_label("train.learning_rate")
    changes = page.locator("[data-param-changes] li")
    expect(row.get_by_text("changed")).to_be_hidden()
    rate.fill("0.003")
    expect(row.get_by_text("changed")).to_be_visible()
    expect(changes).to_have_text([re.compile(r"train\.learning_rate.*0\.01.*0\.003")])
    rate.fill("1e-2")
    expect(row.get_by_text("changed")).to_be_hidden()
    page.get_by_label("preprocess.whole_tens").select_option("false")
    page.get_by_label("train.channels").fill("[16,32,48]")
    expect(page.locator("[data-param-count]")).to_have_text("1")
    page.get_by_role("button", name="Reset preprocess.whole_tens").click()
    expect(page.get_by_label("preprocess.whole_tens")).to_have_value("true")
    expect(page.get_by_text("None: it runs with the values of the commit.")).to_be_visible()


def test_a_pipeline_is_run_by_keyboard_alone(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    page = open_page("/repositories/", someone)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/repositories/receipt-ocr/")
    page.get_by_role("link", name="Run", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{RUN}")
    page.get_by_label("train.epochs").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*/")
    assert Job.objects.get().payload["overrides"] == {"train.epochs": 3}


def test_choosing_another_ref_loads_its_parameters_and_keeps_the_changes(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    make_commit(demo[0], branch="next", params_text=PARAMS.replace("0.01", "0.5"))
    page = open_page(RUN, someone)
    page.get_by_label("train.epochs").fill("3")
    page.get_by_label("Note").fill("Three epochs")
    page.get_by_label("Branch, tag or commit").select_option("next")
    expect(page.get_by_label("train.learning_rate")).to_have_value("0.5")
    expect(page.get_by_label("train.epochs")).to_have_value("3")
    expect(page.get_by_label("Note")).to_have_value("Three epochs")
    expect(page.locator('[data-param="train.epochs"]').get_by_text("changed")).to_be_visible()
    page.get_by_role("button", name="Run the pipeline").click()
    page.wait_for_url("**/jobs/*/")
    payload = Job.objects.get().payload
    assert (payload["ref"], payload["overrides"]) == ("next", {"train.epochs": 3})


def test_without_scripts_another_ref_is_loaded_by_its_button_and_the_changes_are_marked(
    chrome: Browser, site: str, someone: User, demo: tuple[Repository, Commit]
) -> None:
    make_commit(demo[0], branch="next", params_text=PARAMS.replace("0.01", "0.5"))
    client = Client()
    client.force_login(someone)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    with chrome.new_context(java_script_enabled=False) as context:
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
        page = context.new_page()
        page.goto(site + RUN)
        page.get_by_label("train.epochs").fill("3")
        page.get_by_label("Branch, tag or commit").select_option("next")
        page.get_by_role("button", name="Load its parameters").click()
        expect(page.get_by_label("train.learning_rate")).to_have_value("0.5")
        expect(page.locator('[data-param="train.epochs"]').get_by_text("changed")).to_be_visible()
        expect(page.get_by_role("button", name="Reset")).to_have_count(0)
        page.get_by_role("button", name="Run the pipeline").click()
        page.wait_for_url("**/jobs/*/")
    assert Job.objects.get().payload["overrides"] == {"train.epochs": 3}


def test_a_fetch_shows_while_it_goes_on_and_what_it_brings_shows_by_itself(
    open_page: OpenPage, someone: User, demo: tuple[Repository, Commit]
) -> None:
    page = open_page("/repositories/receipt-ocr/", someone)
    page.get_by_role("button", name="Fetch").click()
    expect(page.get_by_text("waits to be fetched")).to_be_visible()
    expect(page.get_by_role("button", name="Fetching")).to_be_disabled()
    Job.objects.update(state="running", started_at=timezone.now())
    expect(page.get_by_text("is being fetched").first).to_be_visible(timeout=LATER)
    make_commit(demo[0], branch="brought", subject="Brought by the fetch")
    Job.objects.update(state="succeeded", finished_at=timezone.now())
    expect(page.get_by_role("cell", name="Brought by the fetch")).to_be_visible(timeout=LATER)
    expect(page.get_by_role("button", name="Fetch", exact=True)).to_be_enabled(timeout=LATER)
    page.get_by_label("Branch, tag or commit").select_option("brought")
    page.wait_for_url("**/?ref=brought")


def test_a_repository_is_connected_and_fetched(open_page: OpenPage, someone: User) -> None:
    page = open_page("/repositories/", someone)
    page.get_by_role("main").get_by_role("link", name="Connect a repository").first.click()
    page.get_by_label("Name").fill("receipts")
    page.get_by_label("Address").fill("https://me:secret@example.org/receipts.git")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("Leave user name and password out of the address")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("receipts")
    page.get_by_label("Address").fill("https://example.org/receipts.git")
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/repositories/receipts/")
    expect(page.get_by_text("waits to be fetched")).to_be_visible()


def test_what_a_repository_wrote_is_inert(open_page: OpenPage, someone: User) -> None:
    repository = make_repository(description=NASTY)
    text = f"train:\n  rate: 1  # {NASTY}\n  text: '{NASTY}'\n"
    make_commit(repository, branch="main", params_text=text, subject=NASTY, author=NASTY)
    job = make_job(repository=repository, payload={"ref": "main", "overrides": {"train.text": NASTY}})
    for path in ("/repositories/", "/repositories/receipt-ocr/", f"{RUN}?from_job={job.pk}"):
        page = open_page(path, someone)
        expect(page.get_by_text(NASTY).first).to_be_attached()
        expect(page.locator("img")).to_have_count(0)
    page.get_by_label("train.text").fill(NASTY + "!")
    expect(page.locator("[data-param-changes] ins")).to_contain_text(NASTY + "!")
    expect(page.locator("img")).to_have_count(0)
