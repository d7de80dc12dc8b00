"""From a table of runs to the version made of the best of a sweep, on the real stack.

Nothing is replaced: one command has started Redis, MLflow, workers, dispatcher and web server. Most runs come
from MLflow's own client, the others from pipelines; the lead uses Chromium from the filter to the version.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.roles import Role
from tests.browser import accessibility_faults
from tests.pipeline_project import EVALUATE, WITH_METADATA, make_project
from tests.review_stack import Scene, bring, is_finished, mlflow_of, put
from tests.site import connect_repository, make_person
from tests.stack import Stack, answers, running, wait_until
from tests.windows import windows

MODEL = "letters"
ROLES = {"administrator": Role.ADMINISTRATOR, "engineer": Role.ENGINEER, "reviewer": Role.REVIEWER}
LOGGED = 110  # more than a page has
# The smaller the step, the better: 0.5 is in Production, and the sweep finds what is better than 0.25.
RATES = {"the one in Production": 0.5, "the best so far": 0.25}
SWEPT = "0.05, 0.1, 0.15, 0.2, 0.3, 0.4"
PROJECT = WITH_METADATA | {
    "evaluate.py": EVALUATE.replace(
        '"scores": {"val_cer": rate / 10}',
        '"val_accuracy": 1 - rate, "val_cer": rate / 10, "val_wer": rate / 5',
    )
}
SOON = 60_000  # milliseconds
LATER = 400_000

PLAIN_CLIENT = """
import sys, mlflow
from mlflow.entities import Metric, Param
client = mlflow.MlflowClient(sys.argv[1])
experiment = client.create_experiment("letters")
for number in range(int(sys.argv[2])):
    run = client.create_run(experiment, run_name=f"search {number}").info.run_id
    metrics = [Metric("val_cer", 0.06 + number / 1000, 0, 0)]
    metrics += [Metric("val_loss", 1 / (step + 1) + number / 1000, step, step) for step in range(5)]
    client.log_batch(run, metrics, [Param("learning_rate", str(number / 100))])
    client.set_terminated(run)
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two runs of a pipeline among many that a client logged; the version of one is in Production."""
    folder = tmp_path_factory.mktemp("lead")
    with ThreadPoolExecutor() as beside:
        project = beside.submit(make_project, folder / MODEL, folder / "remote", **PROJECT)
        with running(folder / "data") as stack:
            logged = beside.submit(log_runs, stack)
            people = dict(
                zip(ROLES, beside.map(lambda one: make_person(stack, *one), ROLES.items()), strict=True)
            )
            found = Scene(stack, people, {name: person.rest() for name, person in people.items()})
            logged.result()  # or two would make the experiment at once
            connect_repository(people["administrator"], found.rest["engineer"], MODEL, project.result())
            put_into_production(found)
            yield found


def log_runs(stack: Stack) -> None:
    wait_until(lambda: answers(f"{mlflow_of(stack)}/health"), 90)
    command = [sys.executable, "-c", PLAIN_CLIENT, mlflow_of(stack), str(LOGGED)]
    env = {**stack.env, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def put_into_production(scene: Scene) -> None:
    """Run the pipeline twice, and bring the version of the first to Production."""
    rest = scene.rest["engineer"]
    jobs = [rest.launch(MODEL, {"train.learning_rate": rate}, note) for note, rate in RATES.items()]
    run_ids = [rest.follow_up(rest.ended(job)["id"], "log_run")["run_id"] for job in jobs]
    for run_id in run_ids:
        wait_until(partial(is_finished, rest, run_id), 60)
    rest.ended(rest.post(f"/models/{MODEL}/versions/", {"run_id": run_ids[0], "version": "1.0.0"})["job"])
    for stage in ("Staging", "Production"):
        policies = scene.rest["administrator"]
        before = policies.get(f"/policies/{stage}/")
        rules = {**before["rules"], "approvals": 1, "gates": []}
        put(policies, f"/policies/{stage}/", {"rules": rules, "reason": "?", "expected": before["number"]})
        bring(scene, stage, "1.0.0", approvers=("reviewer",), model=MODEL)


def test_a_lead_finds_compares_sweeps_watches_and_registers_the_winner(scene: Scene, chrome: Browser) -> None:
    with windows(chrome) as open_window:
        page = open_window(scene.people["engineer"], "/runs/")
        find_and_choose_ten(page)
        compare_with_production(page)
        sweep_from_the_best(page)
        watch_the_sweep(page)
        register_the_winner(page)


def find_and_choose_ten(page: Page) -> None:
    """Filter, sort, and choose five runs on each of two pages."""
    page.locator("input[name=q]").fill('metrics.val_cer < 0.165 and name != "search 7"')
    page.locator("input[name=q]").press("Enter")
    page.wait_for_url("**/runs/?*q=metrics*")
    page.get_by_role("columnheader", name="val_cer").get_by_role("link").click()
    page.wait_for_url("**sort=metrics.val_cer*")
    rows = page.locator("#runs-body tr")
    expect(rows.first).to_contain_text("the best so far")
    expect(rows.nth(1)).to_contain_text("the one in Production")
    for row in range(5):
        rows.nth(row).get_by_role("checkbox").check()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**after=*")
    expect(page.get_by_text("5 runs chosen")).to_be_visible()
    expect(rows.last).to_contain_text("search ")
    for row in range(5):
        rows.nth(row).get_by_role("checkbox").check()
    expect(page.get_by_text("10 runs chosen")).to_be_visible()
    assert accessibility_faults(page) == []


def compare_with_production(page: Page) -> None:
    """Compare them: the run behind Production is the baseline, and the best is better than that."""
    page.get_by_role("button", name="Compare 10").click()
    page.wait_for_url("**/compare/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("10 runs")
    baseline = page.locator("#compare-runs li[data-baseline]")
    expect(baseline).to_contain_text("the one in Production")
    expect(baseline.get_by_role("link", name=f"{MODEL} 1.0.0")).to_be_visible()
    cers = page.locator(".compare-table tr", has=page.get_by_role("rowheader", name="val_cer"))
    expect(cers.locator("td").get_by_text("better")).to_have_count(1)
    expect(cers.locator("td").get_by_text("worse")).to_have_count(8)
    page.locator("#curves").scroll_into_view_if_needed()
    expect(page.locator("#curves [data-drawn]").first).to_be_attached(timeout=SOON)


def sweep_from_the_best(page: Page) -> None:
    """Open the best run and take its parameters into a grid of six."""
    page.locator("#compare-runs").get_by_role("link", name="the best so far", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("the best so far")
    page.locator("#run-more").click()
    expect(page.get_by_role("link", name="Apply to a branch")).to_be_visible()
    page.get_by_role("link", name="Sweep from here").click()
    rate = page.get_by_label("train.learning_rate", exact=True)
    expect(rate).to_have_value("0.25")
    rate.fill(SWEPT)
    page.get_by_label("Metric").fill("val_cer")
    page.get_by_role("button", name="Start 6 runs").click()
    page.wait_for_url("**/sweeps/*/")


def watch_the_sweep(page: Page) -> None:
    """Watch it in a page that is never loaded again, until all six are done and the best one is known."""
    page.evaluate("window.neverLoadedAgain = true")
    expect(page.locator("#trial-1")).to_contain_text("Running", timeout=SOON)
    expect(page.locator("#sweep-head")).to_contain_text("6 of 6", timeout=LATER)
    expect(page.locator("tr.is-best")).to_have_attribute("id", "trial-1")
    expect(page.locator("#sweep-best")).to_be_visible(timeout=LATER)
    assert page.evaluate("window.neverLoadedAgain")
    assert accessibility_faults(page) == []


def register_the_winner(page: Page) -> None:
    """Make a version of the best run, which its page then names."""
    page.locator("#sweep-best").click()
    page.wait_for_url("**/runs/*/")
    run = page.url
    page.get_by_role("region", name="Versions made from it").get_by_role("link", name="Register").click()
    expect(page.get_by_label("Model", exact=True)).to_have_value(MODEL)
    page.get_by_role("button", name="Register").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=LATER)
    page.goto(run)
    made = page.get_by_role("region", name="Versions made from it")
    expect(made.get_by_role("listitem")).to_contain_text("Development")
    made.get_by_role("listitem").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MODEL)
    expect(page.get_by_role("main")).to_contain_text("0.005")
