"""The run form: fields out of a commit's parameters, and what happens to what people send."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments.launch_fields import ParameterField
from experiments.models import Commit, Experiment, Job, Repository, Run
from tests.jobs import PARAMS, make_commit, make_job, make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db

PATH = "/repositories/receipt-ocr/run/"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def repository(someone: User) -> Repository:
    return make_repository()


@pytest.fixture
def commit(repository: Repository) -> Commit:
    return make_commit(repository, branch="main")


def fields(response: Any) -> dict[str, ParameterField]:
    return {one.parameter.key: one for section in response.context["sections"] for one in section.fields}


def as_shown(response: Any) -> dict[str, str]:
    """Return what a browser would send of the form as it is: unlocked parameters and hidden fields."""
    sent = {f"params.{key}": one.value for key, one in fields(response).items() if not one.parameter.locked}
    page = response.content.decode().split("data-params>")[1]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        if name != "csrfmiddlewaretoken":
            sent[html.unescape(name)] = html.unescape(value)
    return {**sent, "ref": response.context["form"]["ref"].value()}


def make_run(**changes: Any) -> Run:
    experiment, _created = Experiment.objects.get_or_create(
        experiment_id="1", defaults={"name": "receipt-ocr"}
    )
    values = {
        "run_id": "a" * 32,
        "experiment": experiment,
        "name": "run-1",
        "status": "FINISHED",
        "digest": "0",
    }
    return Run.objects.create(**{**values, "seen_at": timezone.now(), **changes})


# The form


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


# What is refused


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.lr${x}", "1"),
        ("train.lr\n", "1"),
        ("train.epochs;rm", "1"),
        ("train.epochs:", "1"),
        ("train.epochs=3", "1"),
        ("~train.epochs", "1"),
        ("+train.new", "1"),
        ("/abs/settings.py:a", "1"),
        ("", "1"),
        ("train", "1"),
        ("train.unknown", "1"),
        (SCRIPT, SCRIPT),
        ("k" * 5000, "1"),
        ("train.epochs", "many"),
        ("train.epochs", "1.5"),
        ("train.epochs", ""),
        ("train.epochs", "9" * 4000),
        ("train.learning_rate", "nan"),
        ("train.learning_rate", "1e999"),
        ("train.bidirectional", "maybe"),
        ("train.channels", "[1, "),
        ("train.channels", '["a"]'),
        ("train.channels", "[" * 3000),
        ("train.architecture", "$(id)"),
        ("train.architecture", "a;rm -rf ."),
        ("train.architecture", "${oc.env:SECRET}"),
        ("train.architecture", "two\nlines"),
        ("train.architecture", "nul\x00"),
        ("train.architecture", "-x"),
        ("train.architecture", SCRIPT),
    ],
)
def test_a_hostile_or_wrong_parameter_starts_nothing_and_is_named(
    client: Client, commit: Commit, key: str, value: str
) -> None:
    sent = as_shown(client.get(PATH)) | {"note": "kept note", f"params.{key}": value}
    # As browsers send it: in the other encoding a line break would end the name.
    response = client.post(PATH, urlencode(sent), content_type="application/x-www-form-urlencoded")
    assert response.status_code == 422
    assert not Job.objects.exists()
    page = response.content.decode()
    assert SCRIPT not in page
    assert 'value="kept note"' in page
    found = fields(response)
    if key in found:
        assert found[key].error
        assert found[key].value == value
        assert found[key].changed
    else:
        assert [name for name, _text in response.context["unknown_errors"]] == [key[:200]]


def test_every_fault_is_shown_at_once_and_nothing_typed_is_lost(client: Client, commit: Commit) -> None:
    sent = as_shown(client.get(PATH)) | {
        "params.train.epochs": "many",
        "params.train.learning_rate": "fast",
        "params.train.architecture": "CNN",
        "note": "x" * 301,
        "register_version": "2.0.0",
    }
    response = client.post(PATH, sent)
    assert response.status_code == 422
    found = fields(response)
    assert {key for key, one in found.items() if one.error} == {"train.epochs", "train.learning_rate"}
    assert [one.parameter.key for one in response.context["changed"]] == [
        "train.architecture",
        "train.learning_rate",
        "train.epochs",
    ]
    assert set(response.context["form"].errors) == {"note", "register_model"}
    page = response.content.decode()
    assert all(f'value="{text}"' in page for text in ("many", "fast", "CNN", "x" * 301, "2.0.0"))


@pytest.mark.parametrize("ref", ["nowhere", "-x", "main\n; rm", "f" * 40, SCRIPT, "x" * 3000, "a\x00"])
def test_an_unknown_ref_starts_nothing_and_keeps_the_form(client: Client, commit: Commit, ref: str) -> None:
    sent = as_shown(client.get(PATH)) | {"ref": ref, "params.train.epochs": "99"}
    response = client.post(PATH, sent)
    assert response.status_code == 422
    assert response.context["ref_problem"]
    assert fields(response)["train.epochs"].value == "99"
    assert SCRIPT not in response.content.decode()
    assert not Job.objects.exists()


def test_an_unknown_ref_in_the_address_is_not_found(client: Client, commit: Commit) -> None:
    for ref in ("nowhere", SCRIPT, "%00"):
        response = client.get(f"{PATH}?ref={ref}")
        assert response.status_code == 404
        assert SCRIPT not in response.content.decode()


def test_without_permission_there_is_no_form_and_no_job(client: Client, commit: Commit) -> None:
    client.force_login(make_user(Role.VIEWER))
    assert client.get(PATH).status_code == 403
    for sent in ({}, {"ref": "main"}, {"ref": "main", "reload": "1"}):
        response = client.post(PATH, sent)
        assert response.status_code == 403
        assert "You may not do this" in response.content.decode()
    assert not Job.objects.exists()
    assert AuditEntry.objects.filter(event="permission.denied").count() == 3


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"pipeline": {}}, "This commit has no pipeline"),
        ({"problem": "params.yaml: not valid YAML"}, "params.yaml: not valid YAML"),
    ],
)
def test_a_commit_that_cannot_be_run_says_why(
    client: Client, repository: Repository, values: dict[str, Any], text: str
) -> None:
    make_commit(repository, branch="main", **values)
    assert text in client.get(PATH).content.decode()
    assert client.post(PATH, {"ref": "main"}).status_code == 422
    assert not Job.objects.exists()


def test_before_the_first_fetch_there_is_nothing_to_run(client: Client, repository: Repository) -> None:
    Repository.objects.update(fetched_at=None)
    assert "has not been fetched yet" in client.get(PATH).content.decode()
    assert client.post(PATH, {}).status_code == 422


# Another ref


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


# Again with changes


def test_a_job_is_run_again_with_its_values_at_its_ref(
    client: Client, repository: Repository, commit: Commit
) -> None:
    other = make_commit(repository, branch="next")
    payload = {"ref": "next", "sha": other.sha, "overrides": {"train.epochs": 3, "gone": 1}}
    job = make_job("failed", repository=repository, payload=payload)
    response = client.get(f"{PATH}?from_job={job.pk}")
    assert response.context["target"].commit == other
    assert [(one.parameter.key, one.value) for one in response.context["changed"]] == [("train.epochs", "3")]
    assert response.context["dropped"] == [("gone", "1")]
    client.post(PATH, as_shown(response))
    assert Job.objects.exclude(pk=job.pk).get().payload["overrides"] == {"train.epochs": 3}


def test_a_job_whose_branch_is_gone_or_moved_offers_its_commit(
    client: Client, repository: Repository, commit: Commit
) -> None:
    old = make_commit(repository)
    gone = make_job(repository=repository, payload={"ref": "gone", "sha": old.sha, "overrides": {}})
    assert client.get(f"{PATH}?from_job={gone.pk}").context["target"].commit == old
    moved = make_job(repository=repository, payload={"ref": "main", "sha": old.sha, "overrides": {}})
    page = client.get(f"{PATH}?from_job={moved.pk}").content.decode()
    assert f"?from_job={moved.pk}&amp;ref={old.sha}" in page


def test_a_run_is_repeated_by_its_job_or_by_its_own_parameters(
    client: Client, repository: Repository, commit: Commit
) -> None:
    job = make_job(
        "succeeded", repository=repository, payload={"ref": "main", "overrides": {"train.epochs": 4}}
    )
    make_run(tags={"stagegate.job": str(job.pk)}, params={"train.epochs": "99"})
    shown = client.get(f"{PATH}?from_run={'a' * 32}")
    assert fields(shown)["train.epochs"].value == "4"
    params = {
        "train.epochs": "5",
        "train.bidirectional": "False",
        "train.learning_rate": "0.01",
        "other": "1",
    }
    make_run(run_id="b" * 32, params=params, tags={"stagegate.job": "no number"})
    shown = client.get(f"{PATH}?from_run={'b' * 32}")
    assert [one.parameter.key for one in shown.context["changed"]] == ["train.epochs", "train.bidirectional"]
    assert shown.context["dropped"] == []


def test_the_page_of_a_job_offers_to_run_it_again_to_those_who_may(
    client: Client, repository: Repository, commit: Commit
) -> None:
    job, fetch = make_job(repository=repository), make_job(kind="fetch", repository=repository)
    link = f"{PATH}?from_job={job.pk}"
    assert link in client.get(job.get_absolute_url()).content.decode()
    assert "?from_job=" not in client.get(fetch.get_absolute_url()).content.decode()
    client.force_login(make_user(Role.VIEWER))
    assert link not in client.get(job.get_absolute_url()).content.decode()


def test_what_cannot_be_repeated_is_not_found(client: Client, repository: Repository, commit: Commit) -> None:
    foreign = make_job(repository=make_repository("other"))
    fetch = make_job(kind="fetch", repository=repository)
    for query in (
        f"from_job={foreign.pk}",
        f"from_job={fetch.pk}",
        "from_job=99999",
        "from_job=x",
        f"from_job={'9' * 40}",
        "from_run=nothing",
        "from_run=%00",
    ):
        assert client.get(f"{PATH}?{query}").status_code == 404


# Text of others


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
