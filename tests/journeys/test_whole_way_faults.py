"""What goes wrong on the whole way: in the code of a repository, at MLflow, at Redis, in a worker, in a form.

The pipeline is a small one of plain Python, run by the real DVC; everything around it is the product.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from experiments import job_logs, launches
from experiments.models import Job, Outbox, Run
from integrations.mlflow_records import KEY_TAG
from integrations.mlflow_server import MLflowServer
from registry.models import ModelVersion
from tests.engine import Engine, fresh, processes_of, wait, wait_for_state
from tests.integrations.git_workshop import commit, git
from tests.people import make_user
from tests.pipeline_project import TRAIN, connect, make_project
from tests.servers import run_mlflow
from tests.site import Person, Rest, connect_repository, make_person
from tests.stack import Stack, frozen_mlflow, running
from tests.windows import OpenWindow, windows

SOON = 30_000  # milliseconds
LATER = 180_000
# Keeps a second process in a session of its own, out of reach of whoever ends the first one's group.
WAITING = """
if chosen["behaviour"] == "wait":
    child = os.fork()
    if child == 0:
        os.setsid()
    while not pathlib.Path({gate!r}).exists():
        time.sleep(0.05)
    if child == 0:
        os._exit(0)
"""
HOSTILE = (
    "train.nonesuch",
    "train.learning_rate:x",
    "train=1",
    "~train.epochs",
    "+train.epochs",
    "train.${oc.env:HOME}",
    "train.epochs\nrm",
    "/etc/params.yaml:train",
    "train.epochs; touch pwned",
    "$(touch pwned)",
)


@dataclass(frozen=True)
class Scene:
    """The stack with a connected repository and an engineer."""

    stack: Stack
    engineer: Person
    rest: Rest

    @property
    def mlflow(self) -> str:
        """Address of the stack's MLflow server."""
        return f"http://127.0.0.1:{self.stack.env['STAGEGATE_MLFLOW_PORT']}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("faults")
    source = make_project(folder / "letters", folder / "remote")
    git(source, "switch", "--quiet", "--create", "broken")
    broken = TRAIN.replace("if chosen", "raise SystemExit('no such layer')\nif chosen", 1)
    commit(source, {"train.py": broken}, "Break the training")
    git(source, "switch", "--quiet", "main")
    # A short grace: that a cancelled stage gets all of it is tested where it costs nobody else's time.
    with running(folder / "data", STAGEGATE_JOB_CANCEL_GRACE="2") as stack:
        engineer = make_person(stack, "clerk", Role.ENGINEER)
        rest = engineer.rest()
        connect_repository(make_person(stack, "root", Role.ADMINISTRATOR), rest, "letters", source)
        yield Scene(stack, engineer, rest)


@pytest.fixture
def open_window(chrome: Browser) -> Iterator[OpenWindow]:
    with windows(chrome) as visit:
        yield visit


def runs_of(uri: str, job: int) -> list[str]:
    """Return MLflow's runs of a pipeline job, in all experiments, by asking MLflow itself."""
    api = f"{uri}/api/2.0/mlflow"
    found = requests.post(f"{api}/experiments/search", json={"max_results": 100}, timeout=30).json()
    body = {
        "experiment_ids": [one["experiment_id"] for one in found["experiments"]],
        "filter": f"tags.`{KEY_TAG}` = 'job:{job}'",
    }
    runs = requests.post(f"{api}/runs/search", json=body, timeout=30).json().get("runs", [])
    return [run["info"]["run_id"] for run in runs]


def open_form(open_window: OpenWindow, scene: Scene) -> Page:
    page = open_window(scene.engineer, "/repositories/letters/")
    page.get_by_role("link", name="Run", exact=True).click()
    return page


def job_shown(page: Page) -> int:
    page.wait_for_url("**/jobs/*/")
    return int(page.url.rstrip("/").rpartition("/")[2])


def test_a_stage_that_fails_shows_its_last_lines_and_leaves_nothing(
    scene: Scene, open_window: OpenWindow
) -> None:
    page = open_form(open_window, scene)
    page.get_by_label("Branch, tag or commit").select_option("broken")
    expect(page.get_by_text("Break the training")).to_be_visible()
    page.get_by_text("Register the result as a version").click()
    page.get_by_label("Model", exact=True).fill("never")
    page.get_by_role("button", name="Run the pipeline").click()
    number = job_shown(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Failed", timeout=LATER)
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("Stage 'train' failed. Its last lines:")
    expect(trouble).to_contain_text("no such layer")
    job = scene.rest.job(number)
    assert (job["attempt"], job["follow_ups"], job["run_id"]) == (1, [], "")
    assert {step["name"]: step["state"] for step in job["steps"]}["train"] == "failed"
    assert runs_of(scene.mlflow, number) == []
    assert "never" not in [model["name"] for model in scene.rest.get("/models/")["results"]]


def test_a_training_that_is_cancelled_is_gone_with_all_its_processes(
    scene: Scene, open_window: OpenWindow
) -> None:
    page = open_form(open_window, scene)
    page.get_by_label("train.behaviour", exact=True).fill("deaf")
    page.get_by_role("button", name="Run the pipeline").click()
    number = job_shown(page)
    expect(page.get_by_role("log")).to_contain_text("training with 0.5", timeout=LATER)
    assert len(programs(scene.stack)) >= 3
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled", timeout=25_000)
    assert programs(scene.stack) == []
    assert scene.rest.job(number)["follow_ups"] == []
    assert runs_of(scene.mlflow, number) == []


def programs(stack: Stack) -> list[psutil.Process]:
    """Return the programs of the stack's jobs: each has its home in the folder of its job."""
    home = str(Path(stack.env["STAGEGATE_DATA_DIR"]) / "jobs")
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME", "").startswith(home):
                found.append(process)
    return found


def test_mlflow_frozen_while_a_run_is_logged_costs_time_and_makes_no_second_run(scene: Scene) -> None:
    number = scene.rest.launch("letters", {"train.epochs": 3}, register_as={"model": "delayed"})
    scene.rest.ended(number)
    [logging] = scene.rest.job(number)["follow_ups"]
    wait(lambda: "running" in [step["state"] for step in scene.rest.job(logging)["steps"]], 60)
    with frozen_mlflow(scene.stack):
        # Other work goes on meanwhile, and the page says what is going on.
        other = scene.rest.launch("letters", {"train.epochs": 4})
        wait(lambda: scene.rest.job(logging)["error"], 120)
        page = scene.engineer.visit().get(f"/jobs/{logging}/")
        assert "Attempt 1 did not succeed, and another one follows." in page.text
        scene.rest.ended(other)
    logged = scene.rest.ended(logging)
    assert logged["attempt"] > 1
    version = scene.rest.follow_up(logging, "register")["result"]["version"]
    assert runs_of(scene.mlflow, number) == [logged["run_id"]]
    assert [row["version"] for row in scene.rest.get("/models/delayed/versions/")["results"]] == [version]
    run = scene.rest.get(f"/runs/{logged['run_id']}/")
    assert (run["status"], run["params"]["train.epochs"]) == ("FINISHED", "3")
    assert len(runs_of(scene.mlflow, other)) <= 1
    scene.rest.follow_up(other, "log_run")
    assert len(runs_of(scene.mlflow, other)) == 1


def test_a_form_with_what_cannot_be_is_refused_and_starts_nothing(scene: Scene) -> None:
    visit = scene.engineer.visit()
    before = scene.rest.get("/jobs/")["count"]
    bad: list[dict[str, str]] = [{f"params.{key}": "1"} for key in HOSTILE]
    bad += [{"params.train.epochs": value} for value in ("many", "1.5", "", "[1]", "1\n2", "${x}")]
    bad += [{"ref": "nonesuch"}, {"ref": "--upload-pack=touch pwned"}, {"note": "x" * 301}]
    for fields in bad:
        answer = visit.post("/repositories/letters/run/", fields)
        assert answer.status_code == 422, fields
        assert "Nothing was started" in answer.text
    refused = scene.rest.session.post(
        f"{scene.rest.url}/jobs/",
        json={"kind": "pipeline", "repository": "letters", "params": dict.fromkeys(HOSTILE, 1)},
        timeout=30,
    )
    assert refused.status_code == 422
    assert refused.json()["errors"].keys() == {f"params.{key}" for key in HOSTILE}
    assert scene.rest.get("/jobs/")["count"] == before


@pytest.fixture
def engine(tmp_path: Path, settings: Settings) -> Iterator[Engine]:
    settings.DATA_DIR = tmp_path / "data"
    with run_mlflow(tmp_path / "mlflow") as url:
        settings.MLFLOW_TRACKING_URI = url
        yield Engine(tmp_path, mlflow=url)


def child(job: Job, kind: str) -> Job | None:
    return Job.objects.filter(parent=job, kind=kind).first()


def is_logging(job: Job) -> bool:
    logging = child(job, "log_run")
    return logging is not None and any(step["state"] == "running" for step in logging.steps)


@pytest.mark.django_db(transaction=True)
def test_redis_away_and_then_a_killed_worker_cost_time_but_no_run_and_no_version(
    engine: Engine, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    train = TRAIN.replace("time.sleep(chosen", WAITING.format(gate=str(gate)) + "time.sleep(chosen")
    repository = connect(make_project(tmp_path / "letters", tmp_path / "remote", **{"train.py": train}))
    engineer = make_user(Role.ENGINEER)
    with ExitStack() as others:
        others.enter_context(engine.dispatcher())
        training, logging = (launch(repository, engineer, behaviour) for behaviour in ("wait", "normal"))
        time.sleep(2)  # long enough for the dispatcher to look for Redis
        # It marks a row before it publishes and takes the mark back when that fails, which takes its time.
        wait(lambda: not Outbox.objects.exclude(published_at=None).exists())
        others.enter_context(engine.redis())
        with engine.worker() as group:
            wait(lambda: "training with" in "\n".join(job_logs.read(training).lines), 60)
            wait(lambda: is_logging(logging), 60)
            assert len(processes_of(training, 1)) >= 3
            os.killpg(group, signal.SIGKILL)
        wait(lambda: not processes_of(training, 1), 10)
        assert fresh(logging).state == "succeeded"
        gate.touch()
        with engine.worker():
            for job in (training, logging):
                wait_for_state(job, "succeeded", 120)
                run = wait_for_state(one_child(job, "log_run"), "succeeded", 120)
                wait_for_state(one_child(run, "register"), "succeeded", 60)
    assert (fresh(training).attempt, fresh(training).lost) == (2, 1)
    assert (fresh(logging).attempt, one_child(logging, "log_run").attempt) == (1, 2)
    for job in (training, logging):
        [run_id] = runs_of(engine.mlflow, job.pk)
        assert Run.objects.get(run_id=run_id).params["train.behaviour"] == job.payload["overrides"].get(
            "train.behaviour", "normal"
        )
        assert ModelVersion.objects.filter(run_id=run_id).count() == 1
    assert len(MLflowServer(engine.mlflow).model_versions("letters")) == 2
    assert engine.workspaces() == []
    assert trail.verify() is None


def launch(repository: Any, engineer: User, behaviour: str) -> Job:
    return launches.launch(
        repository,
        ref="main",
        overrides={"train.behaviour": behaviour},
        user=engineer,
        register_as={"model": "letters"},
    )


def one_child(job: Job, kind: str) -> Job:
    return Job.objects.get(parent=job, kind=kind)
