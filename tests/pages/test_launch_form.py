"""The run form: fields out of a commit's parameters, and what happens to what people send."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from experiments.models import Commit, Job, Repository
from tests.jobs import make_commit, make_job
from tests.pages import launch_form
from tests.pages.launch_form import PATH, SCRIPT, as_shown, fields

pytestmark = pytest.mark.django_db
someone, repository, commit = launch_form.someone, launch_form.repository, launch_form.commit


def test_fields_come_typed_and_grouped_from_the_parameters_file(client: Client, commit: Commit) -> None:
    response = client.get(PATH)
    assert [section.name for section in response.context["sections"]] == ["data", "train"]
    found = fields(response)
    controls = {key: (one.control, one.inputmode) for key, one in found.items()}
    assert controls["train.learning_rate"] == ("number", "decimal")
    assert controls["train.epochs"] == ("number", "numeric")
    assert controls["train.bidirectional"][0] == "bool"
    assert controls["train.architecture"][0] == "text"
    assert found["train.channels"].value == "[16, 32, 48]"
    assert found["train.checkpoint"].value == "null"
    page = response.content.decode()
    assert "Passes over the training amounts" in page
    assert 'step="any"' in page
    assert response.context["changed"] == []


def test_a_parameter_that_cannot_be_changed_is_shown_disabled_with_the_reason(
    client: Client, repository: Repository
) -> None:
    text = "base: &shared {rate: 1}\ntrain:\n  <<: *shared\n  day: 2024-01-01\n  epochs: 2\n"
    make_commit(repository, branch="main", params_text=text)
    response = client.get(PATH)
    found = fields(response)
    locked = {key for key, one in found.items() if one.parameter.locked}
    assert locked == {"base.rate", "train.rate", "train.day"}
    page = response.content.decode()
    assert page.count("Cannot be changed here:") == 3
    for key in locked:
        control = re.search(rf'<input[^>]*name="params\.{re.escape(key)}"[^>]*>', page)
        assert control is not None
        assert " disabled" in control[0]


def test_an_unchanged_form_runs_the_commit_as_it_is(client: Client, commit: Commit) -> None:
    response = client.post(PATH, as_shown(client.get(PATH)))
    job = Job.objects.get()
    assert response.status_code == 302
    assert response["Location"] == job.get_absolute_url()
    assert job.payload["overrides"] == {}
    assert (job.payload["sha"], job.payload["ref"]) == (commit.sha, "main")


def test_what_is_changed_goes_to_the_job_typed(client: Client, commit: Commit) -> None:
    sent = as_shown(client.get(PATH))
    sent |= {
        "params.train.learning_rate": "1e-3",
        "params.train.epochs": "12",
        "params.train.bidirectional": "false",
        "params.train.channels": "[8, 16]",
        "params.train.architecture": "CNN",
        "params.train.checkpoint": "",
        "note": "  Slower  ",
    }
    assert client.post(PATH, sent).status_code == 302
    payload = Job.objects.get().payload
    assert payload["overrides"] == {
        "train.architecture": "CNN",
        "train.learning_rate": 0.001,
        "train.epochs": 12,
        "train.channels": [8, 16],
        "train.bidirectional": False,
    }
    assert payload["note"] == "Slower"
    assert "register_as" not in payload


def test_another_spelling_of_the_same_value_is_no_change(client: Client, commit: Commit) -> None:
    sent = as_shown(client.get(PATH)) | {
        "params.train.learning_rate": "1e-2",
        "params.train.channels": "[16,32,48]",
    }
    client.post(PATH, sent)
    assert Job.objects.get().payload["overrides"] == {}


def test_the_result_can_be_registered_as_a_version(client: Client, commit: Commit) -> None:
    sent = as_shown(client.get(PATH))
    wanted = {"register_model": "receipt-ocr", "register_version": "1.2.0", "register_reason": "Better"}
    client.post(PATH, sent | wanted)
    assert Job.objects.get().payload["register_as"] == {
        "model": "receipt-ocr",
        "version": "1.2.0",
        "reason": "Better",
    }


def test_a_version_without_its_model_is_refused_at_the_model(client: Client, commit: Commit) -> None:
    response = client.post(PATH, as_shown(client.get(PATH)) | {"register_version": "1.2.0"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"register_model"}
    assert '<details class="launch-register" open>' in response.content.decode()
    assert not Job.objects.exists()


def test_the_same_form_sent_twice_is_one_job_and_another_value_another_job(
    client: Client, commit: Commit
) -> None:
    sent = as_shown(client.get(PATH))
    places = {client.post(PATH, sent)["Location"] for _ in range(2)}
    assert len(places) == 1
    client.post(PATH, sent | {"params.train.epochs": "3"})
    client.post(PATH, as_shown(client.get(PATH)))
    assert Job.objects.count() == 3


def test_what_a_repository_wrote_is_text(client: Client, repository: Repository) -> None:
    text = f"train:\n  a: 1  # {SCRIPT}\n  b: '{SCRIPT}'\n  \"{SCRIPT}\": 2\n"
    make_commit(repository, branch="main", params_text=text, subject=SCRIPT, author=SCRIPT)
    make_commit(repository, branch=SCRIPT)
    job = make_job(
        repository=repository, payload={"ref": SCRIPT, "overrides": {SCRIPT: SCRIPT, "train.a": SCRIPT}}
    )
    for query in ("", f"?from_job={job.pk}&ref=main"):
        page = client.get(PATH + query).content.decode()
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page


def test_the_form_has_a_fixed_number_of_queries(
    client: Client, repository: Repository, commit: Commit
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PATH).status_code == 200
        return len(captured)

    few = queries()
    for number in range(10):
        make_commit(repository, branch=f"branch-{number}", tag=f"tag-{number}")
    Commit.objects.update(params_text="\n".join(f"key{number}: {number}" for number in range(300)))
    assert queries() == few
