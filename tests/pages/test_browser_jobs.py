"""The pages of jobs in a browser: live, by keyboard, readable for everybody."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from tests.browser import OpenPage, accessibility_faults
from tests.jobs import make_commit, make_job, make_repository, write_log
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

NASTY = "<img src=x onerror=alert(1)>"
LATER = 15_000  # milliseconds; a poll comes every two or three seconds


@pytest.fixture
def someone() -> User:
    return make_user(Role.ENGINEER, username="someone")


def make_running(someone: User) -> Job:
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    payload = {"ref": "main", "sha": commit.sha, "overrides": {"train.epochs": 2}, "note": "Two epochs only"}
    steps = [
        {"name": "preprocess", "state": "done", "seconds": 3.2},
        {"name": "train", "state": "running", "seconds": None},
        {"name": "evaluate", "state": "waiting", "seconds": None},
    ]
    job = make_job(
        "running", user=someone, repository=repository, payload=payload, steps=steps, message="Epoch 1"
    )
    write_log(job, ["Running stage 'train':", "UserWarning: slow", "epoch 1"])
    return job


def finish(job: Job, state: str) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=timezone.now(), message="")


def test_everybody_can_read_the_pages(open_page: OpenPage, someone: User) -> None:
    running = make_running(someone)
    failed = make_job("failed", user=make_user(Role.ENGINEER), error="Stage train ended with status 1.")
    write_log(failed, ["line"] * 600 + ["ERROR: no", "the end"])
    make_job("queued", attempt=1, error="no", not_before=timezone.now() + timedelta(minutes=1))
    make_job("cancelled", kind="sync", payload={})
    for path in ("/jobs/", "/jobs/?state=lost", f"/jobs/{running.pk}/", f"/jobs/{failed.pk}/"):
        assert accessibility_faults(open_page(path, someone)) == []


def test_the_pages_fit_a_narrow_screen(open_page: OpenPage, someone: User) -> None:
    job = make_running(someone)
    for path in ("/jobs/", f"/jobs/{job.pk}/"):
        page = open_page(path, someone, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_list_follows_the_jobs_and_keeps_the_focus(open_page: OpenPage, someone: User) -> None:
    job = make_running(someone)
    page = open_page("/jobs/", someone)
    page.locator(f"#job-link-{job.pk}").focus()
    other = make_job("queued", user=someone, kind="sync", payload={})
    expect(page.locator(f"#job-link-{other.pk}")).to_be_visible(timeout=LATER)
    finish(job, "succeeded")
    row = page.locator(f"#job-row-{job.pk}")
    expect(row.get_by_text("Succeeded")).to_be_visible(timeout=LATER)
    expect(page.locator(f"#job-link-{job.pk}")).to_be_focused()


def test_rows_are_walked_and_opened_by_keyboard(open_page: OpenPage, someone: User) -> None:
    first, second = make_job("succeeded"), make_job("failed")
    page = open_page("/jobs/", someone)
    page.keyboard.press("j")
    expect(page.locator(f"#job-row-{second.pk}")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{first.pk}/")


def test_a_changed_choice_filters_at_once(open_page: OpenPage, someone: User) -> None:
    make_job("failed")
    page = open_page("/jobs/", someone)
    page.get_by_label("State").select_option("succeeded")
    expect(page.get_by_text("No job matches this filter")).to_be_visible()
    assert "state=succeeded" in page.url


def test_log_steps_and_state_move_by_themselves_and_stop_at_the_end(
    open_page: OpenPage, someone: User
) -> None:
    job = make_running(someone)
    page = open_page(f"/jobs/{job.pk}/", someone)
    expect(page.locator("#L3")).to_contain_text("epoch 1")
    write_log(job, [f"epoch {number}" for number in range(2, 60)])
    expect(page.locator("#L61")).to_contain_text("epoch 59", timeout=LATER)
    expect(page.locator("#L61")).to_be_in_viewport()
    finish(job, "failed")
    Job.objects.filter(pk=job.pk).update(error="Stage train ended with status 1.")
    expect(page.get_by_role("alert")).to_contain_text("ended with status 1", timeout=LATER)
    expect(page.locator(".live-poll")).to_have_count(0, timeout=LATER)
    expect(page.locator(".log-poll")).to_have_count(0, timeout=LATER)
    assert lines_shown(page) == list(range(1, 62))


def lines_shown(page: Page) -> list[int]:
    found = page.locator(".log-lines > li[id]").evaluate_all("lines => lines.map(line => line.id)")
    return [int(name.removeprefix("L")) for name in found]


def test_an_open_page_does_not_show_the_sign_in_page_when_the_session_ends(
    open_page: OpenPage, someone: User
) -> None:
    job = make_running(someone)
    page = open_page(f"/jobs/{job.pk}/", someone)
    User.objects.filter(pk=someone.pk).update(is_active=False)
    expect(page.locator(".live-poll")).to_have_count(0, timeout=LATER)
    expect(page.locator(".log-poll")).to_have_count(0, timeout=LATER)
    expect(page.get_by_label("Password")).to_have_count(0)
    expect(page.locator("#L3")).to_be_visible()


def test_a_permalink_to_a_line_that_is_not_loaded_brings_it(open_page: OpenPage, someone: User) -> None:
    job = make_job("succeeded")
    write_log(job, [f"line {number}" for number in range(1, 3001)])
    page = open_page(f"/jobs/{job.pk}/#L1200", someone)
    line = page.locator("#L1200")
    expect(line).to_have_class(re.compile("is-linked"))
    expect(line).to_be_in_viewport()
    assert page.url.endswith("?from=1180#L1200")


def test_a_job_is_cancelled_through_a_dialog_whose_focus_is_on_keeping_it(
    open_page: OpenPage, someone: User
) -> None:
    job = make_running(someone)
    page = open_page(f"/jobs/{job.pk}/", someone)
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.wait_for_timeout(2500)  # an update in between leaves the dialog open
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("someone cancels it")).to_be_visible()


def test_a_failed_job_is_retried_with_one_button(open_page: OpenPage, someone: User) -> None:
    job = make_job("failed", user=someone, error="no")
    page = open_page(f"/jobs/{job.pk}/", someone)
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("waits for a worker", exact=False).first).to_be_visible()
    job.refresh_from_db()
    assert job.state == "queued"


def test_what_a_program_wrote_is_inert(open_page: OpenPage, someone: User) -> None:
    payload = {"ref": NASTY, "overrides": {NASTY: NASTY}, "note": NASTY}
    job = make_job("running", user=someone, payload=payload, message=NASTY)
    page = open_page(f"/jobs/{job.pk}/", someone)
    write_log(job, [NASTY])
    expect(page.locator("#L1")).to_contain_text(NASTY, timeout=LATER)
    expect(page.locator("img")).to_have_count(0)
