"""The run form of a job or run that is done again: which ref, which values, for whom."""

import pytest
from django.test import Client

from accounts.roles import Role
from experiments.models import Commit, Job, Repository
from tests.jobs import make_commit, make_job, make_repository
from tests.pages import launch_form
from tests.pages.launch_form import PATH, as_shown, fields
from tests.people import make_user
from tests.versions import make_run

pytestmark = pytest.mark.django_db
someone, repository, commit = launch_form.someone, launch_form.repository, launch_form.commit


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
    make_run(run_id="a" * 32, tags={"stagegate.job": str(job.pk)}, params={"train.epochs": "99"})
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
    ):
        assert client.get(f"{PATH}?{query}").status_code == 404
