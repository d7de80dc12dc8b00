"""Edits of runs, written to a real MLflow server and mirrored at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import run_edits, run_tags
from experiments.models import Job, Run, RunTag
from experiments.selectors.run_matches import RunFilter, matching
from integrations.mlflow_server import MLflowServer
from tests.mlflow_registry import Killed, log_of, log_run, work, work_until_killed
from tests.people import make_user
from tests.servers import free_port
from tests.versions import make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


def bare_run(url: str, **tags: str) -> Run:
    return log_run(url, {}, **tags)


def shown(archived: str = "") -> set[str]:
    return {run.run_id for run in matching(RunFilter(archived=archived)).all()}


def test_tags_and_note_are_in_mlflow_and_in_the_mirror_when_the_job_is_done(url: str, engineer: User) -> None:
    one, two = bare_run(url, team="x", old="1"), bare_run(url)
    job = run_edits.submit(
        [one.run_id, two.run_id],
        user=engineer,
        set_tags={"team": "영수증", "phase/a": ""},
        delete_tags=["old"],
        note="Looks <b>good</b>",
    )
    done = work(job)
    assert (done.state, done.result) == ("succeeded", {"edited": 2, "missing": []})
    for run in (one, two):
        tags = MLflowServer(url).run(run.run_id).tags
        assert (tags["team"], tags["phase/a"], tags[run_tags.NOTE]) == ("영수증", "", "Looks <b>good</b>")
        assert "old" not in tags
        assert Run.objects.get(pk=run.pk).tags == tags
        assert RunTag.objects.get(run=run, key="team").value == "영수증"
    [entry] = AuditEntry.objects.filter(event="run.edited")
    assert (entry.actor_name, entry.target_kind) == (engineer.username, "job")
    assert entry.data["runs"] == sorted([one.run_id, two.run_id])


def test_an_archived_run_is_left_out_of_tables_until_it_is_taken_back(url: str, engineer: User) -> None:
    kept, put_away = bare_run(url), bare_run(url)
    work(run_edits.submit([put_away.run_id], user=engineer, archive=True))
    assert shown() == {kept.run_id}
    assert shown("all") == {kept.run_id, put_away.run_id}
    assert shown("only") == {put_away.run_id}
    work(run_edits.submit([put_away.run_id], user=engineer, archive=False))
    assert shown() == {kept.run_id, put_away.run_id}
    assert AuditEntry.objects.filter(event="run.edited", target_id=put_away.run_id).count() == 2


def test_an_attempt_after_a_killed_one_writes_only_what_is_left(
    url: str, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [bare_run(url) for _ in range(3)]
    job = run_edits.submit([run.run_id for run in runs], user=engineer, set_tags={"team": "ocr"})
    written: list[str] = []
    whole = MLflowServer.set_tags

    def set_tags(server: MLflowServer, run_id: str, tags: Any) -> None:
        if len(written) == 1:
            written.append("")
            raise Killed
        written.append(run_id)
        whole(server, run_id, tags)

    monkeypatch.setattr(MLflowServer, "set_tags", set_tags)
    assert work(work_until_killed(job)).state == "succeeded"
    assert sorted(filter(None, written)) == sorted(run.run_id for run in runs)
    assert set(RunTag.objects.filter(key="team").values_list("run__run_id", flat=True)) == set(written) - {""}
    assert AuditEntry.objects.filter(event="run.edited").count() == 1


def test_runs_that_went_meanwhile_are_named_and_the_others_edited(url: str, engineer: User) -> None:
    stays, goes = bare_run(url), bare_run(url)
    job = run_edits.submit([stays.run_id, goes.run_id], user=engineer, set_tags={"team": "ocr"})
    MLflowServer(url).delete_run(goes.run_id)
    done = work(job)
    assert (done.state, done.result) == ("succeeded", {"edited": 1, "missing": [goes.run_id]})
    assert goes.run_id in log_of(done)
    assert Run.objects.get(pk=goes.pk).lifecycle_stage == "deleted"


def test_while_mlflow_is_away_the_job_waits_for_its_next_attempt(engineer: User, settings: Settings) -> None:
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    waiting = work(run_edits.submit([make_run().run_id], user=engineer, archive=True))
    assert (waiting.state, waiting.attempt) == ("queued", 1)
    assert "cannot be reached" in waiting.error


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"set_tags": {"mlflow.user": "x"}}, "belongs to the system"),
    ({"set_tags": {run_tags.NOTE: "x"}}, "belongs to the system"),
    ({"delete_tags": ["stagegate.job"]}, "belongs to the system"),
    ({"set_tags": {"a" * 251: "x"}}, "does not accept the tag name"),
    ({"set_tags": {"a//b": "x"}}, "does not accept the tag name"),
    ({"delete_tags": ["a\0b"]}, "does not accept the tag name"),
    ({"set_tags": {"": "x"}}, "does not accept the tag name"),
    ({"set_tags": {"a": "x" * 8001}}, "more than 8000 characters"),
    ({"note": "x" * 8001}, "more than 8000 characters"),
    ({"note": "a\0b"}, "cannot be stored"),
    ({"set_tags": {"a": "\ud800"}}, "cannot be stored"),
    ({"set_tags": {"a": "x"}, "delete_tags": ["a"]}, "at once"),
    ({"set_tags": {f"t{number}": "x" for number in range(101)}}, "At most 100 tags"),
    ({}, "nothing to change"),
]


@pytest.mark.parametrize(("asked", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_what_mlflow_would_not_take_is_refused_before_anything_is_queued(
    engineer: User, asked: dict[str, Any], reason: str
) -> None:
    run = make_run()
    with pytest.raises(ValidationError) as refused:
        run_edits.submit([run.run_id], user=engineer, **asked)
    assert reason in str(refused.value)
    assert not Job.objects.exists()


def test_runs_have_to_be_there_and_not_too_many(engineer: User) -> None:
    gone = make_run(lifecycle_stage="deleted")
    for run_ids, reason in (
        ([], "at least one"),
        ([gone.run_id, "nonesuch"], "no such runs"),
        ([f"{number:032x}" for number in range(1001)], "At most 1000"),
    ):
        with pytest.raises(ValidationError) as refused:
            run_edits.submit(run_ids, user=engineer, archive=True)
        assert reason in str(refused.value)


def test_who_only_looks_edits_nothing() -> None:
    with pytest.raises(PermissionDenied):
        run_edits.submit([make_run().run_id], user=make_user(Role.REVIEWER), archive=True)
    assert not Job.objects.exists()
