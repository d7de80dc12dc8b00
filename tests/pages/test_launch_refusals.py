"""What the run form refuses, and that nothing runs then and nothing typed is lost."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Commit, Job, Repository
from tests.jobs import make_commit
from tests.pages import launch_form
from tests.pages.launch_form import PATH, SCRIPT, as_shown, fields
from tests.people import make_user

pytestmark = pytest.mark.django_db
someone, repository, commit = launch_form.someone, launch_form.repository, launch_form.commit


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
    for ref in ("nowhere", SCRIPT):
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
