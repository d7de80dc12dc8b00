"""The run form at another branch, or at one that moved: what was changed is kept."""

import pytest
from django.test import Client

from experiments.models import Commit, Job, Repository
from tests.jobs import PARAMS, make_commit
from tests.pages import launch_form
from tests.pages.launch_form import PATH, as_shown, fields

pytestmark = pytest.mark.django_db
someone, repository, commit = launch_form.someone, launch_form.repository, launch_form.commit


def test_loading_another_ref_keeps_what_was_changed_and_nothing_else(
    client: Client, repository: Repository, commit: Commit
) -> None:
    text = PARAMS.replace("0.01", "0.5").replace("epochs: 8", "epochs: 80").replace("architecture", "network")
    make_commit(repository, branch="next", params_text=text)
    sent = as_shown(client.get(PATH)) | {
        "params.train.epochs": "many",
        "params.train.architecture": "CNN",
        "note": "note",
        "ref": "next",
        "reload": "1",
    }
    response = client.post(PATH, sent)
    found = fields(response)
    assert response.status_code == 200
    assert found["train.learning_rate"].value == "0.5"
    assert (found["train.epochs"].value, found["train.epochs"].changed) == ("many", True)
    assert response.context["dropped"] == [("train.architecture", "CNN")]
    assert 'value="note"' in response.content.decode()
    assert not Job.objects.exists()
    back = client.post(PATH, as_shown(response) | {"ref": "main", "reload": "1"})
    assert fields(back)["train.architecture"].value == "CNN"
    assert fields(back)["train.learning_rate"].value == "0.01"


def test_values_that_a_commit_does_not_have_do_not_stop_its_run(
    client: Client, repository: Repository, commit: Commit
) -> None:
    make_commit(repository, branch="next", params_text=PARAMS.replace("architecture", "network"))
    sent = as_shown(client.get(PATH)) | {"params.train.architecture": "CNN", "ref": "next", "reload": "1"}
    response = client.post(PATH, as_shown(client.post(PATH, sent)))
    assert response.status_code == 302
    assert Job.objects.get().payload["overrides"] == {}


def test_a_branch_that_moved_meanwhile_is_shown_again_before_anything_runs(
    client: Client, repository: Repository, commit: Commit
) -> None:
    sent = as_shown(client.get(PATH)) | {"params.train.epochs": "9"}
    moved = make_commit(repository, params_text=PARAMS.replace("0.01", "0.5"))
    repository.refs.update(commit=moved)
    response = client.post(PATH, sent)
    assert response.status_code == 422
    assert "is another commit than the one" in response.content.decode()
    assert not Job.objects.exists()
    assert client.post(PATH, as_shown(response)).status_code == 302
    payload = Job.objects.get().payload
    assert (payload["sha"], payload["overrides"]) == (moved.sha, {"train.epochs": 9})
