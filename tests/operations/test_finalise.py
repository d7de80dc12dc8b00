"""Release candidates become final on the same artifacts, once, and only if those are still the same."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import finalising, registration
from registry.conflicts import ConflictError
from registry.models import ModelVersion, StageEvent
from tests.mlflow_registry import (
    Killed,
    log_file,
    log_run,
    there,
    unique,
    work,
    work_at_once,
    work_until_killed,
)
from tests.people import make_user
from tests.promotions import bring, set_rules
from tests.versions import make_run, make_version

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def candidate(url: str, engineer: User) -> ModelVersion:
    """`1.0.0-rc1`, registered from a run of the MLflow server."""
    job = work(registration.register(log_run(url), unique(), user=engineer, bump="candidate"))
    assert job.state == "succeeded", job.error
    return ModelVersion.objects.select_related("model").get(version="1.0.0-rc1")


def finalised(candidate: ModelVersion, user: User) -> ModelVersion:
    job = finalising.finalise(candidate, user=user)
    assert isinstance(job, Job)
    job = work(job)
    assert job.state == "succeeded", job.error
    return ModelVersion.objects.select_related("model").get(version="1.0.0")


def test_the_final_version_is_the_candidate_under_another_number(
    url: str, candidate: ModelVersion, engineer: User
) -> None:
    final = finalised(candidate, engineer)
    assert final.finalises == candidate
    assert (final.run_id, final.source) == (candidate.run_id, candidate.source)
    assert (final.manifest, final.manifest_digest) == (candidate.manifest, candidate.manifest_digest)
    assert final.inspection == candidate.inspection != {}
    assert (final.stage, final.created_by) == ("Development", "engineer")
    assert final.metadata == {**candidate.metadata, "model_version": "1.0.0"}
    assert final.card_revisions.count() == 1
    assert there(url, final.model.name) == {
        1: ("None", (), "Development"),
        2: ("None", (), "Development"),
    }
    entry = AuditEntry.objects.get(event="version.finalised")
    assert (entry.actor_name, entry.target_id) == ("engineer", str(final))
    assert (entry.data["candidate"], entry.data["manifest_digest"]) == ("1.0.0-rc1", final.manifest_digest)
    assert trail.verify() is None


def test_asking_again_gives_the_same_job_and_then_the_version(
    candidate: ModelVersion, engineer: User
) -> None:
    first = finalising.finalise(candidate, user=engineer)
    assert finalising.finalise(candidate, user=make_user(Role.ENGINEER)) == first
    assert isinstance(first, Job)
    work(first)
    assert finalising.finalise(candidate, user=engineer) == ModelVersion.objects.get(version="1.0.0")
    assert Job.objects.filter(kind="finalise").count() == 1


def test_a_candidate_that_a_review_brought_to_staging_is_followed_there(
    url: str, candidate: ModelVersion, engineer: User
) -> None:
    set_rules()
    bring(candidate, "Staging", engineer=engineer)
    candidate.refresh_from_db()
    final = finalised(candidate, engineer)
    assert final.stage == "Staging"
    event = StageEvent.objects.get(version=final)
    assert (event.from_stage, event.to_stage, event.how) == ("Development", "Staging", "finalisation")
    assert event.promotion is not None
    assert (event.promotion.version, event.by_name) == (candidate, "engineer")
    work(Job.objects.get(kind="apply", parent__kind="finalise"))
    assert there(url, final.model.name)[2] == ("Staging", ("challenger",), "Staging")


def test_a_candidate_that_came_to_staging_past_a_review_is_not_followed(
    candidate: ModelVersion, engineer: User
) -> None:
    set_rules()
    bring(candidate, "Staging", engineer=engineer)
    StageEvent.objects.filter(version=candidate).update(how="bypass")
    assert finalised(candidate, engineer).stage == "Development"
    assert not StageEvent.objects.filter(version__version="1.0.0").exists()


def test_changed_artifacts_are_refused_by_name(url: str, candidate: ModelVersion, engineer: User) -> None:
    log_file(url, candidate.run_id, "model/data/model.pt2", "weightz")
    job = work(finalising.finalise(candidate, user=engineer))  # type: ignore[arg-type]
    assert (job.state, job.attempt) == ("failed", 1)
    assert "does not become final" in job.error
    assert "data/model.pt2" in job.error
    assert not ModelVersion.objects.filter(version="1.0.0").exists()
    assert not AuditEntry.objects.filter(event="version.finalised").exists()

    log_file(url, candidate.run_id, "model/data/model.pt2", "weights")
    again = finalising.finalise(candidate, user=engineer)
    assert again == job
    assert work(job).state == "succeeded"


def test_a_final_version_of_something_else_is_not_replaced(candidate: ModelVersion, engineer: User) -> None:
    make_version("1.0.0", model=candidate.model.name)
    with pytest.raises(ConflictError, match="was not made from this candidate"):
        finalising.finalise(candidate, user=engineer)


def test_a_final_version_that_comes_meanwhile_is_not_replaced(
    candidate: ModelVersion, engineer: User
) -> None:
    job = finalising.finalise(candidate, user=engineer)
    make_version("1.0.0", model=candidate.model.name, mlflow_version=77)
    done = work(job)  # type: ignore[arg-type]
    assert (done.state, done.attempt) == ("failed", 1)
    assert "was not made from this candidate" in done.error


def test_another_job_that_makes_the_number_is_named(candidate: ModelVersion, engineer: User) -> None:
    other = registration.register(
        make_run(), candidate.model.name, user=engineer, version="1.0.0", reason="mine"
    )
    with pytest.raises(ConflictError, match=f"Job #{other.pk} of engineer is making 1.0.0"):
        finalising.finalise(candidate, user=engineer)


def test_many_at_once_make_one_version(url: str, candidate: ModelVersion, engineer: User) -> None:
    job = finalising.finalise(candidate, user=engineer)
    assert isinstance(job, Job)
    payload = job.payload
    from tests.mlflow_registry import submitted

    twins = [submitted(engineer, "finalise", payload) for _ in range(3)]
    done = work_at_once(job, *twins)
    done = [work(one) if one.state == "queued" else one for one in done]
    assert {one.state for one in done} == {"succeeded"}, [one.error for one in done]
    assert ModelVersion.objects.filter(version="1.0.0").count() == 1
    assert [*there(url, candidate.model.name)] == [1, 2]
    assert AuditEntry.objects.filter(event="version.finalised").count() == 1


def test_a_job_killed_after_the_row_is_completed_by_the_next_attempt(
    url: str, candidate: ModelVersion, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry import version_in_mlflow

    def die(*_arguments: object) -> None:
        raise Killed

    job = finalising.finalise(candidate, user=engineer)
    assert isinstance(job, Job)
    with monkeypatch.context() as patch:
        patch.setattr(version_in_mlflow, "ensure", die)
        assert work_until_killed(job).state == "queued"
    assert work(job).state == "succeeded"
    assert AuditEntry.objects.filter(event="version.finalised").count() == 1
    assert [*there(url, candidate.model.name)] == [1, 2]


@pytest.mark.parametrize(
    ("number", "changes", "words"),
    [
        ("1.0.0", {}, "is final already"),
        ("1.0.0-rc1", {"stage": "Archived"}, "archived"),
        ("1.0.0-rc1", {"manifest_digest": ""}, "never hashed"),
    ],
)
def test_what_cannot_become_final_is_told_why(
    engineer: User, number: str, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        finalising.finalise(make_version(number, **changes), user=engineer)


def test_a_release_that_came_after_the_candidate_counts_for_its_bump(engineer: User) -> None:
    same = {"architecture": "CRNN", "params": {"lr": "1"}}
    make_version("1.2.0", facts=same)
    candidate = make_version("1.2.2-rc1", facts={**same, "architecture": "CNN"})
    with pytest.raises(ValidationError) as caught:
        finalising.finalise(candidate, user=engineer)
    assert "reason" in caught.value.message_dict
    job = finalising.finalise(candidate, user=engineer, reason="same interface")
    assert isinstance(job, Job)
    told = {name: job.payload[name] for name in ("bump", "required_bump", "reason")}
    assert told == {"bump": "patch", "required_bump": "major", "reason": "same interface"}


def test_a_viewer_may_not_make_a_version_final() -> None:
    with pytest.raises(PermissionDenied):
        finalising.finalise(make_version("1.0.0-rc1"), user=make_user(Role.VIEWER))
    assert AuditEntry.objects.get().event == "permission.denied"
