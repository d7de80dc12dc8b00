"""The run form with the parameters of an earlier run: what is taken over, what is not and why, from where."""

from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from experiments.launch_source import LeftOut
from experiments.models import Commit, Repository, Run
from tests.jobs import PARAMS, make_commit, make_job, make_repository
from tests.people import make_user
from tests.runs import make_run

pytestmark = pytest.mark.django_db

PATH = "/repositories/receipt-ocr/run/"


@pytest.fixture
def repository(client: Client) -> Repository:
    client.force_login(make_user(Role.ENGINEER))
    return make_repository()


@pytest.fixture
def commit(repository: Repository) -> Commit:
    return make_commit(repository, branch="main")


def opened(client: Client, run: Run, ref: str = "") -> Any:
    return client.get(PATH, {"from_run": run.run_id} | ({"ref": ref} if ref else {}))


def changed(response: Any) -> dict[str, str]:
    return {one.parameter.key: one.value for one in response.context["changed"]}


def test_a_plain_run_gives_what_the_commit_has_and_names_the_rest(client: Client, commit: Commit) -> None:
    params = {
        "train.epochs": "12",
        "train.learning_rate": "fast",
        "train.checkpoint": "None",
        "train.architecture": "CNN; rm -rf /",
        "data.name": "receipt-digits",
        "dropout": "0.1",
        "a=b:${c}": "1",
    }
    shown = opened(client, make_run(params=params))
    assert changed(shown) == {"train.epochs": "12"}
    reasons = {one.key: one.reason for one in shown.context["prefill"].left_out}
    assert reasons.keys() == {"train.learning_rate", "train.architecture", "dropout", "a=b:${c}"}
    assert reasons["dropout"] == "is no parameter of this commit"
    assert reasons["train.learning_rate"] == "must be a number, such as 0.5 or 3e-4"
    assert "4 values of the run could not be taken over" in shown.content.decode()
    assert "rm -rf" not in shown.context["sections"][1].fields[0].value


def test_the_commit_of_the_run_and_the_branch_as_it_is_now_are_a_choice(
    client: Client, repository: Repository, commit: Commit
) -> None:
    then = make_commit(repository, params_text=PARAMS.replace("epochs: 8", "epochs: 3"))
    run = make_run(params={"train.epochs": "3"}, tags={"git_commit": then.sha, "git_branch": "main"})
    at_tip = opened(client, run)
    assert at_tip.context["target"].commit == commit
    assert changed(at_tip) == {"train.epochs": "3"}
    starts = at_tip.context["starts"]
    assert [(one.kind, one.ref, one.is_current) for one in starts] == [
        ("commit", then.sha, False),
        ("tip", "main", True),
    ]
    at_commit = opened(client, run, then.sha)
    assert at_commit.context["target"].commit == then
    assert changed(at_commit) == {}
    assert [one.is_current for one in at_commit.context["starts"]] == [True, False]


def test_a_commit_that_is_not_known_here_is_said_to_be_so(client: Client, commit: Commit) -> None:
    run = make_run(params={"train.epochs": "3"}, tags={"mlflow.source.git.commit": "f" * 40})
    assert "The commit of the run is not known here." in opened(client, run).content.decode()


def test_a_run_of_a_job_has_all_its_parameters_not_only_those_that_were_set(
    client: Client, repository: Repository, commit: Commit
) -> None:
    result = {"params": {"train.epochs": 2, "train.learning_rate": 0.5, "train.gone": 1}}
    payload = {"ref": "main", "sha": commit.sha, "overrides": {"train.learning_rate": 0.5}}
    job = make_job("succeeded", repository=repository, payload=payload, result=result)
    shown = opened(client, make_run(tags={"stagegate.job": str(job.pk)}))
    assert changed(shown) == {"train.epochs": "2", "train.learning_rate": "0.5"}
    assert shown.context["prefill"].left_out == (
        LeftOut("train.gone", "1", "is no parameter of this commit"),
    )


def test_rest_tells_the_same(client: Client, commit: Commit) -> None:
    run = make_run(params={"train.epochs": "12", "dropout": "0.1"})
    path = "/api/v1/repositories/receipt-ocr/parameters/"
    told = client.get(path, {"from_run": run.run_id}).json()
    values = {one["key"]: (one["value"], one["changed"], one["default"]) for one in told["parameters"]}
    assert (told["ref"], told["commit"]) == ("main", commit.sha)
    assert values["train.epochs"] == ("12", True, 8)
    assert values["train.architecture"] == ("CRNN", False, "CRNN")
    assert told["left_out"] == [
        {"key": "dropout", "value": "0.1", "reason": "is no parameter of this commit"}
    ]
    assert client.get(path, {"ref": "gone"}).status_code in (400, 422)
    assert client.get(path, {"from_run": "nothing"}).status_code == 404
