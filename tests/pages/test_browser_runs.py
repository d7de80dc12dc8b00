"""The pages of experiments and runs in a browser."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import MetricSeries, Run, RunMetric
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.runs import NASTY, add_curve, make_experiment, make_measured_run, set_mirror

pytestmark = pytest.mark.django_db(transaction=True)

LATER = 20_000  # milliseconds; a poll comes every five seconds


@pytest.fixture
def someone() -> User:
    return make_user(Role.ENGINEER, username="someone")


@pytest.fixture
def run() -> Run:
    made = make_measured_run(
        {"val_cer": 0.00512, "train_loss": 0.02, "val_loss": 0.03, "other": 1, "a": 1, "b": 2, "c": 3},
        name="slower",
        user="someone",
        params={"train.learning_rate": "0.001", "train.epochs": "8", "seed": "7"},
        tags={"git_commit": "c" * 40, "team": "ocr", "mlflow.user": "someone"},
    )
    add_curve(made, "train_loss", [2.0, 1.0, 0.5])
    add_curve(made, "val_loss", [2.5, 1.5, 0.7])
    add_curve(made, "val_cer", [0.5, 0.1, 0.005])
    return made


def test_everybody_can_read_the_pages(open_page: OpenPage, someone: User, run: Run) -> None:
    set_mirror(ago=60, error="MLflow does not answer.")
    make_measured_run({}, status="RUNNING", ended_at=None)
    for path in ("/runs/", "/runs/?q=nothing", "/experiments/", f"/runs/{run.run_id}/points/?group=loss"):
        assert accessibility_faults(open_page(path, someone)) == []
    page = open_page("/runs/", someone)
    page.get_by_text("Columns", exact=True).click()
    assert accessibility_faults(page) == []
    page = open_page(f"/runs/{run.run_id}/metrics/", someone)
    expect(page.locator("[data-drawn]").first).to_be_visible(timeout=LATER)
    page.locator(".curve summary").first.click()
    expect(page.locator(".curve table").first).to_be_visible()
    assert accessibility_faults(page) == []


def test_the_pages_fit_a_narrow_screen(open_page: OpenPage, someone: User, run: Run) -> None:
    for path in ("/runs/", "/experiments/", f"/runs/{run.run_id}/"):
        page = open_page(path, someone, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_curves_are_drawn_and_have_their_table(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page(f"/runs/{run.run_id}/metrics/", someone)
    expect(page.locator("[data-drawn]")).to_have_count(2, timeout=LATER)
    loss = page.get_by_role("region", name="loss", exact=True)
    expect(loss.get_by_text("train_loss").first).to_be_visible()
    loss.get_by_text("Table", exact=True).click()
    expect(loss.get_by_role("row")).to_have_count(4)
    expect(loss.get_by_role("row").nth(1)).to_contain_text("2.500")


def test_a_choice_draws_the_curves_anew(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page(f"/runs/{run.run_id}/metrics/", someone)
    page.get_by_label("Across").select_option("relative")
    page.wait_for_url("**x=relative**")
    expect(page.locator(".xtitle").first).to_have_text("seconds", timeout=LATER)


def test_the_versions_made_from_a_run_come_from_their_own_page(
    open_page: OpenPage, someone: User, run: Run
) -> None:
    page = open_page(f"/runs/{run.run_id}/", someone)
    expect(page.locator("#run-versions")).to_contain_text("None yet.")
    expect(page.get_by_role("link", name="Register")).to_have_attribute(
        "href", f"/register/?run={run.run_id}"
    )


def test_a_run_that_goes_on_shows_new_numbers_and_longer_curves(
    open_page: OpenPage, someone: User, run: Run
) -> None:
    Run.objects.filter(pk=run.pk).update(status="RUNNING", ended_at=None)
    page = open_page(f"/runs/{run.run_id}/metrics/", someone)
    expect(page.locator("[data-drawn]")).to_have_count(2, timeout=LATER)
    add_curve(run, "lr", [1.0, 0.5])
    Run.objects.filter(pk=run.pk).update(metrics={**run.metrics, "lr": 0.5})
    expect(page.locator("[data-drawn]")).to_have_count(3, timeout=LATER)
    Run.objects.filter(pk=run.pk).update(
        status="FINISHED", ended_at=timezone.now(), metrics={"val_cer": 0.25}
    )
    expect(page.locator("#run-metrics")).to_contain_text("0.2500", timeout=LATER)
    expect(page.locator("#run-head")).to_contain_text("Finished")
    expect(page.locator(".live-poll")).to_have_count(0)


def test_new_runs_are_announced_and_brought_by_a_click(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page("/runs/", someone)
    page.locator(f"#run-link-{run.pk}").focus()
    newer = make_measured_run({"val_cer": 0.5}, name="newer")
    announced = page.get_by_role("status").filter(has_text="1 new run")
    expect(announced).to_be_visible(timeout=LATER)
    expect(page.locator(f"#run-link-{newer.pk}")).to_have_count(0)
    expect(page.locator(f"#run-link-{run.pk}")).to_be_focused()
    announced.click()
    expect(page.locator(f"#run-link-{newer.pk}")).to_be_visible()


def test_a_row_changes_in_place(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page("/runs/", someone)
    row = page.locator(f"#run-row-{run.pk}")
    expect(row).to_contain_text("0.005120")
    Run.objects.filter(pk=run.pk).update(metrics={"val_cer": 0.75}, status="FAILED")
    RunMetric.objects.filter(run=run, key="val_cer").update(value=0.75)
    expect(row).to_contain_text("0.7500", timeout=LATER)
    expect(row).to_contain_text("Failed")
    expect(page.locator("table.run-table thead th")).to_have_count(row.locator("td").count())


def test_columns_are_picked_and_filters_keep_them(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page("/runs/", someone)
    page.get_by_text("Columns", exact=True).click()
    chosen = page.locator(".column-picker input:checked")
    while chosen.count():
        chosen.first.click()
    page.locator(".column-picker").get_by_label("seed").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="seed")).to_be_visible()
    expect(page.get_by_role("columnheader", name="val_cer")).to_have_count(0)
    page.get_by_label("Status", exact=True).select_option("FINISHED")
    page.wait_for_url("**status=FINISHED**")
    expect(page.get_by_role("columnheader", name="seed")).to_be_visible()
    page.get_by_role("columnheader", name="seed").get_by_role("link").click()
    page.wait_for_url("**sort=params.seed**")
    assert "columns=params.seed" in page.url


def test_rows_are_walked_by_keyboard(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page("/runs/", someone)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run.run_id}/")


def test_what_people_logged_is_inert(open_page: OpenPage, someone: User) -> None:
    experiment = make_experiment("9", NASTY)
    made = make_measured_run(
        {NASTY: 1}, name=NASTY, params={NASTY: NASTY}, tags={NASTY: NASTY}, user=NASTY, experiment=experiment
    )
    MetricSeries.objects.all().delete()
    add_curve(made, NASTY, [1.0, 2.0])
    add_curve(made, f"val_{NASTY}", [1.0, 2.0])
    Run.objects.filter(pk=made.pk).update(metrics={NASTY: 2, f"val_{NASTY}": 2})
    for path in ("/runs/", "/experiments/"):
        expect(open_page(path, someone).locator("img")).to_have_count(0)
    page = open_page(f"/runs/{made.run_id}/metrics/", someone)
    expect(page.locator("[data-drawn]")).to_have_count(1, timeout=LATER)
    expect(page.locator("img")).to_have_count(0)
