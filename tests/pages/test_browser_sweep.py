"""A sweep in a browser: counted while one types, started, watched until its best run is known."""

import pytest
from playwright.sync_api import expect

from accounts.roles import Role
from experiments import job_leases
from experiments.models import Job, Sweep
from experiments.runners import Outcome
from tests.browser import OpenPage, accessibility_faults
from tests.jobs import make_commit, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

LATER = 20_000


def work() -> None:
    """Do the jobs that wait; the metric is best with three epochs."""
    for job in Job.objects.filter(kind="pipeline", state="queued").order_by("pk"):
        claimed = job_leases.claim(job.pk, "host:1")
        assert claimed is not None
        epochs = job.payload["overrides"].get("train.epochs", 8)
        job_leases.finish_success(claimed.fence, Outcome({"metrics": {"val_cer": 1 / epochs}}), [])


def test_a_sweep_of_six_is_counted_started_watched_and_has_a_best(open_page: OpenPage) -> None:
    someone = make_user(Role.ENGINEER, username="someone")
    make_commit(make_repository(), branch="main")
    page = open_page("/repositories/receipt-ocr/sweep/", someone)
    page.get_by_label("Metric").fill("val_cer")
    page.get_by_label("train.epochs").fill("1..3")
    page.get_by_label("train.architecture").fill("CNN; id")
    expect(page.locator("#sweep-plan")).to_contain_text("may contain only letters", timeout=LATER)
    page.get_by_label("train.architecture").fill("CNN, CRNN")
    start = page.get_by_role("button", name="Start 6 runs")
    expect(start).to_be_visible(timeout=LATER)
    assert accessibility_faults(page) == []
    start.click()
    expect(page.get_by_role("heading", name="Sweep of receipt-ocr", level=1)).to_contain_text("Running")
    assert Sweep.objects.get().count == 6
    expect(page.locator("#trial-2")).to_contain_text("Queued")
    for _ in range(3):
        work()
    expect(page.locator("#sweep-head")).to_contain_text("Finished", timeout=LATER)
    expect(page.locator("#sweep-head")).to_contain_text("0.3333")
    expect(page.locator("tr.is-best")).to_have_attribute("id", "trial-3")
    page.locator("#sweep-chart").scroll_into_view_if_needed()
    expect(page.locator("#sweep-chart .js-plotly-plot, #sweep-chart svg").first).to_be_visible(timeout=LATER)
    assert accessibility_faults(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
