"""From a parameter in a form to a version that anybody can rebuild, on the real stack.

Nothing is replaced: one command has started Redis, MLflow, workers, dispatcher and web server; people use
Chromium, scripts use REST, and the rebuild is typed into a shell.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.roles import Role
from config.demo import project
from registry.metadata import ModelMetadata
from tests.browser import accessibility_faults
from tests.integrations.git_workshop import git
from tests.pipeline_project import WITH_METADATA, make_project
from tests.site import Person, Rest, connect_repository, make_person
from tests.stack import Stack, running
from tests.windows import OpenWindow, windows

EXAMPLE = Path(settings.BASE_DIR) / "examples" / "receipt-ocr"
# A network that learns nothing, in seconds. Two epochs: one point is no curve.
SMALL = {
    "preprocess.train_samples": 96,
    "preprocess.val_samples": 32,
    "preprocess.amount_digits": [2, 4],
    "train.epochs": 2,
    "train.channels": [4, 8],
    "train.hidden_size": 8,
}
STAGES = ("preprocess", "train", "evaluate")
AT_ONCE = (
    ({"train.learning_rate": 0.125, "train.seconds": 3.0}, "the first"),
    ({"train.learning_rate": 0.25, "train.seconds": 3.0}, "the second"),
)
SOON = 30_000  # milliseconds
LATER = 240_000

PLAIN_CLIENT = """
import sys, time, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("by-hand")
with mlflow.start_run(run_name="from my notebook") as run:
    mlflow.log_params({"lr": 0.1, "note": "한글"})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
print(run.info.run_id, time.time())
"""


@dataclass(frozen=True)
class Scene:
    """The stack with its people and the demo project, which nobody has connected yet."""

    stack: Stack
    administrator: Person
    engineer: Person
    rest: Rest
    project: Path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("whole-way")
    with ThreadPoolExecutor() as beside:
        source = beside.submit(project.ensure, EXAMPLE, folder / "demo")
        with running(folder / "data") as stack:
            administrator = make_person(stack, "root", Role.ADMINISTRATOR)
            engineer = make_person(stack, "clerk", Role.ENGINEER)
            yield Scene(stack, administrator, engineer, engineer.rest(), source.result())


@pytest.fixture(scope="module")
def repository(scene: Scene, chrome: Browser) -> str:
    """The demo project, connected in the page by the administrator."""
    with windows(chrome) as open_window:
        page = open_window(scene.administrator, "/repositories/")
        page.get_by_role("link", name="Connect a repository").first.click()
        page.get_by_label("Name", exact=True).fill("receipt-ocr")
        page.get_by_label("Address").fill(str(scene.project))
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("receipt-ocr")
        # The page shows by itself what the fetch brings.
        expect(page.get_by_text("Train the network and export it")).to_be_visible(timeout=LATER)
    return "receipt-ocr"


@pytest.fixture(scope="module")
def pair(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Two runs of the second project, launched at once by a script; the numbers of their jobs."""
    folder = tmp_path_factory.mktemp("letters")
    source = make_project(folder / "letters", folder / "remote", **WITH_METADATA)
    connect_repository(scene.administrator, scene.rest, "letters", source)
    return [
        scene.rest.launch("letters", params, note, key=f"nightly-{index}")
        for index, (params, note) in enumerate(AT_ONCE)
    ]


@pytest.fixture
def open_window(chrome: Browser) -> Iterator[OpenWindow]:
    with windows(chrome) as visit:
        yield visit


@pytest.mark.usefixtures("repository")
def test_a_person_gets_from_a_changed_parameter_to_a_version_that_can_be_rebuilt(
    scene: Scene, open_window: OpenWindow, tmp_path: Path
) -> None:
    page = open_window(scene.engineer, "/repositories/")
    page.get_by_role("link", name="receipt-ocr", exact=True).click()
    page.get_by_role("link", name="Run", exact=True).click()
    fill_in(page, {**SMALL, "train.learning_rate": 0.02})
    page.get_by_label("Note").fill("a larger step")
    page.get_by_role("button", name="Run the pipeline").click()

    watch_the_job(page)
    follow_to_the_run(page)
    look_at_the_run(page)
    register(page)
    sha = look_at_the_version(page)
    assert scene.rest.get("/models/receipt-ocr/versions/1.0.0/metadata/")["git_commit"] == sha
    rebuild(page, tmp_path, sha)


def test_a_script_goes_the_same_way_over_rest(scene: Scene, pair: list[int]) -> None:
    rest, number = scene.rest, pair[0]
    assert rest.launch("letters", *AT_ONCE[0], key="nightly-0") == number, "the same key is the same job"
    job = rest.ended(number)
    assert (job["params"], job["note"], job["submitted_by"]) == (*AT_ONCE[0], "clerk")
    assert {step["state"] for step in job["steps"]} <= {"done", "skipped"}  # the other may have prepared
    log = rest.get(f"/jobs/{number}/log/")
    assert "Running stage 'train':" in log["lines"]
    assert log["ended"]

    run_id = rest.follow_up(number, "log_run")["run_id"]
    run = rest.get(f"/runs/{run_id}/")
    assert (run["name"], run["status"], run["job"]) == ("the first", "FINISHED", number)
    asked = {"run_id": run_id, "version": "2.0.0-rc1"}
    registration = rest.post("/models/letters/versions/", asked)["job"]
    assert rest.post("/models/letters/versions/", asked)["job"] == registration
    rest.ended(registration)
    version = rest.get("/models/letters/versions/2.0.0-rc1/")
    assert (version["stage"], version["mlflow_version"], version["run_id"]) == ("Development", 1, run_id)
    metadata = ModelMetadata.from_dict(rest.get("/models/letters/versions/2.0.0-rc1/metadata/"))
    assert metadata.missing() == {}
    assert (metadata.learning_rate, metadata.git_commit) == (0.125, job["result"]["sha"])
    [file] = rest.get("/models/letters/versions/2.0.0-rc1/files/")
    assert (file["path"], file["size"]) == ("weights.txt", len("0.125"))


def test_two_runs_at_once_have_their_own_parameters_and_commits(scene: Scene, pair: list[int]) -> None:
    jobs = [scene.rest.ended(number) for number in pair]
    assert max(job["started_at"] for job in jobs) < min(job["finished_at"] for job in jobs)
    commits = [job["result"]["sha"] for job in jobs]
    assert len(set(commits)) == 2
    mirror = Path(scene.stack.env["STAGEGATE_DATA_DIR"]) / "mirrors" / "letters.git"
    for job, sha, (params, note) in zip(jobs, commits, AT_ONCE, strict=True):
        rate = params["train.learning_rate"]
        assert f"learning_rate: {rate} " in git(mirror, "show", f"{sha}:params.yaml")
        run = scene.rest.get(f"/runs/{scene.rest.follow_up(job['id'], 'log_run')['run_id']}/")
        assert (run["name"], run["params"]["train.learning_rate"]) == (note, str(rate))
        assert run["metrics"]["val_loss"] == rate
        assert run["tags"]["git_commit"] == sha


def test_a_run_of_the_plain_mlflow_client_shows_within_five_seconds(scene: Scene) -> None:
    uri = f"http://127.0.0.1:{scene.stack.env['STAGEGATE_MLFLOW_PORT']}"
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_CLIENT, uri],
        env=scene.stack.env,
        check=True,
        capture_output=True,
        text=True,
    )
    run_id, ended = done.stdout.split()[-2:]
    while (answer := scene.rest.ask(f"/runs/{run_id}/")).status_code == 404 or not is_whole(answer.json()):
        assert time.time() - float(ended) < 5
        time.sleep(0.05)
    assert time.time() - float(ended) < 5
    run = answer.json()
    assert (run["experiment"], run["name"]) == ("by-hand", "from my notebook")
    assert run["params"] == {"lr": "0.1", "note": "한글"}


def is_whole(run: dict[str, Any]) -> bool:
    return run["status"] == "FINISHED" and run["metrics"] == {"loss": pytest.approx(1 / 3)}


def fill_in(page: Page, values: dict[str, object]) -> None:
    for key, value in values.items():
        page.get_by_label(key, exact=True).fill(str(value))
    expect(page.get_by_role("region", name="Changed parameters").get_by_role("listitem")).to_have_count(
        len(values)
    )


def watch_the_job(page: Page) -> None:
    """Watch a job in one page that is never loaded again: steps move, lines come, it succeeds."""
    page.wait_for_url("**/jobs/*/")
    page.evaluate("window.neverLoadedAgain = true")
    title = page.get_by_role("heading", level=1)
    steps, lines = [], []
    while "Succeeded" not in (shown := title.inner_text()):
        assert "Failed" not in shown, page.get_by_role("alert").inner_text()
        steps += page.locator("[aria-current=step]").all_inner_texts()
        lines.append(page.get_by_role("log").get_by_role("link", name=re.compile(r"^\d+$")).count())
        page.wait_for_timeout(200)
    at_work = {name for name in STAGES if any(name in text for text in steps)}
    assert "train" in at_work
    assert len(at_work) >= 2
    assert lines == sorted(lines)
    assert len(set(lines)) >= 3
    expect(page.get_by_role("log")).to_contain_text("Running stage 'evaluate'", timeout=SOON)
    assert page.evaluate("window.neverLoadedAgain")


def follow_to_the_run(page: Page) -> None:
    changed = page.get_by_role("region", name="Parameters changed")
    assert fact(changed, "train.learning_rate").inner_text().endswith("0.02")
    following = page.get_by_role("region", name="Follow-up jobs")
    expect(following.get_by_role("link", name="Logging to MLflow")).to_be_visible(timeout=SOON)
    expect(following).to_contain_text("Succeeded", timeout=LATER)
    expect(page.get_by_role("link", name="Open the run")).to_be_visible(timeout=SOON)
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Open the run").click()


def look_at_the_run(page: Page) -> None:
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("a larger step")
    expect(title).to_contain_text("Finished", timeout=SOON)
    assert fact(page.get_by_role("region", name="Parameters"), "learning_rate").inner_text() == "0.02"
    for metric in ("val_cer", "val_accuracy"):
        expect(fact(page.get_by_role("main"), metric).first).to_contain_text(re.compile(r"\d"))
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="metrics and their curves").click()
    page.wait_for_url("**/metrics/")
    curve = page.get_by_role("figure", name="Curve of loss")
    expect(curve.locator("svg .scatterlayer path").first).to_be_attached(timeout=SOON)
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Overview").click()
    page.wait_for_url("**/runs/*/")


def register(page: Page) -> None:
    page.get_by_role("region", name="Versions made from it").get_by_role("link", name="Register").click()
    expect(page.get_by_role("heading", name="Proposed: 1.0.0")).to_be_visible()
    expect(page.get_by_label("Model", exact=True)).to_have_value("receipt-ocr")
    page.get_by_role("button", name="Register").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=LATER)


def look_at_the_version(page: Page) -> str:
    """Go to the version through the list of models; return the commit that its page names."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Models").click()
    page.get_by_role("main").get_by_role("link", name="receipt-ocr").first.click()
    page.get_by_role("main").get_by_role("link", name="1.0.0").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("1.0.0.*Development", re.DOTALL))
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Metadata").click()
    expect(page.get_by_text("All 7 categories are complete")).to_be_visible()
    assert fact(page.get_by_role("main"), "Learning rate").inner_text() == "0.02"
    assert accessibility_faults(page) == []
    page.go_back()
    [sha] = set(re.findall(r"\b[0-9a-f]{40}\b", commands(page)))
    return sha


def commands(page: Page) -> str:
    return page.get_by_role("region", name="Rebuild it").locator("pre").inner_text()


def rebuild(page: Page, folder: Path, sha: str) -> None:
    """Type the commands of the page into a shell: nothing has changed."""
    programs = Path(sys.executable).parent
    env = {"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(folder), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        ["sh", "-e", "-c", commands(page)],
        cwd=folder,
        env=env,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    assert "Data and pipelines are up to date." in done.stdout
    assert "Running stage" not in done.stdout
    clone = folder / "receipt-ocr"
    assert git(clone, "rev-parse", "HEAD") == sha
    assert git(clone, "status", "--porcelain") == ""
    assert "learning_rate: 0.02 " in (clone / "params.yaml").read_text()


def fact(where: Locator, name: str) -> Locator:
    """Return what a list of facts says about `name`."""
    return where.locator(f"dt:text-is('{name}') + dd")
