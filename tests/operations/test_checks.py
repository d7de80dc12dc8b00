"""Results about artifacts: kept with their audit entry, and counted only for the bytes they are about."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import checks, promotion
from registry.models import CheckResult, ModelVersion, Promotion
from tests.people import make_user
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def version() -> ModelVersion:
    return make_version("1.0.0")


def keep(version: ModelVersion, kind: str = "artifacts", passed: bool = True, **changes: Any) -> CheckResult:
    options = {"manifest_digest": version.manifest_digest, **changes}
    return checks.store(version, kind, passed, "The artifacts are fine.", {"digest": "x"}, **options)


def ensured(version: ModelVersion, user: User) -> Job | None:
    with transaction.atomic():
        return checks.ensure(version, user=user)


def test_a_result_is_kept_with_its_audit_entry(version: ModelVersion) -> None:
    result = keep(version, job=7)

    entry = AuditEntry.objects.get(event="check.recorded")
    assert (entry.actor_id, entry.target_name, entry.model_name) == (
        "system",
        "receipt-ocr@1.0.0",
        "receipt-ocr",
    )
    assert entry.data["kind"] == "artifacts"
    assert entry.data["manifest_digest"] == result.manifest_digest == version.manifest_digest
    assert (entry.data["passed"], entry.data["job"], entry.data["details"]) == (True, 7, {"digest": "x"})
    assert trail.verify() is None


def test_a_result_that_the_trail_cannot_tell_of_is_not_kept(version: ModelVersion) -> None:
    too_large = {"count": 2**60 + 1}  # JSON can hold it, the canonical form of the trail cannot
    with pytest.raises(ValueError, match="canonical form"):
        checks.store(version, "artifacts", True, "Fine.", too_large, manifest_digest=version.manifest_digest)

    assert not CheckResult.objects.exists()


def test_an_unknown_kind_is_refused(version: ModelVersion) -> None:
    with pytest.raises(ValueError, match="horoscope"):
        keep(version, "horoscope")


def test_the_newest_result_of_a_kind_counts(version: ModelVersion, django_assert_num_queries: Any) -> None:
    keep(version, passed=False)
    keep(version, "smoke_test", passed=False)
    newer = keep(version)

    with django_assert_num_queries(1):
        found = checks.newest(version)
    assert set(found) == {"artifacts", "smoke_test"}
    assert found["artifacts"] == newer


def test_a_result_about_other_bytes_does_not_count(version: ModelVersion) -> None:
    keep(version, manifest_digest="e" * 64)

    assert checks.newest(version) == {}


def test_what_was_found_out_about_the_candidate_counts_for_the_version_that_it_became() -> None:
    candidate = make_version("1.0.0-rc1")
    final = make_version("1.0.0", finalises=candidate)
    other = make_version("1.0.1", finalises=candidate, manifest_digest="e" * 64)
    keep(candidate)

    assert set(checks.newest(final)) == {"artifacts"}
    assert checks.newest(other) == {}


def test_what_is_missing_is_queued_once(version: ModelVersion, engineer: User) -> None:
    first = ensured(version, engineer)
    again = ensured(version, engineer)

    assert first is not None
    assert first == again
    assert first.payload == {
        "model": "receipt-ocr",
        "version": "1.0.0",
        "checks": ["artifacts", "smoke_test"],
    }
    assert (first.kind, first.queue, first.submitted_by) == ("check", "jobs", engineer)


def test_only_what_nobody_has_found_out_is_queued(version: ModelVersion, engineer: User) -> None:
    keep(version)
    job = ensured(version, engineer)

    assert job is not None
    assert job.payload["checks"] == ["smoke_test"]
    keep(version, "smoke_test")
    Job.objects.all().update(state="succeeded")
    assert ensured(version, engineer) is None


def test_a_job_that_failed_is_followed_by_another(version: ModelVersion, engineer: User) -> None:
    first = ensured(version, engineer)
    Job.objects.all().update(state="failed")
    second = ensured(version, engineer)

    assert first is not None
    assert second is not None
    assert first.pk != second.pk


def test_a_version_without_a_manifest_has_nothing_to_check(engineer: User) -> None:
    version = make_version("1.0.0", manifest=[], manifest_digest="")

    assert ensured(version, engineer) is None
    with pytest.raises(ValidationError):
        checks.run(version, user=engineer)


def test_checks_are_run_again_on_demand_by_those_who_may_ask_for_promotions(
    version: ModelVersion, engineer: User
) -> None:
    keep(version)
    keep(version, "smoke_test")
    job = checks.run(version, user=engineer)

    assert checks.under_way(version) == job
    assert job.payload["checks"] == ["artifacts", "smoke_test"]
    with pytest.raises(PermissionDenied):
        checks.run(version, user=make_user(Role.VIEWER))
    assert AuditEntry.objects.filter(event="permission.denied").count() == 1


def test_a_result_renews_the_evidence_of_open_promotions(version: ModelVersion, engineer: User) -> None:
    opened = promotion.open_for(version, "Staging", user=engineer)
    before = opened.evidence_digest
    keep(version)

    after = Promotion.objects.get(pk=opened.pk).evidence_digest
    assert after != before
    keep(version)  # the same once more changes nothing
    assert Promotion.objects.get(pk=opened.pk).evidence_digest == after
