"""Promotions: who may do what, what a decision changes, and what must stay true under concurrency."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.access import permissions_of
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job, Outbox
from registry import history, promotion, selectors, trail_targets
from registry.models import ModelVersion, Promotion
from tests.people import make_user
from tests.promotions import approve, set_rules
from tests.promotions import bring as promoted
from tests.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policies(db) -> None:
    """One approval and no gates: those have tests of their own."""
    set_rules()


def test_an_approval_moves_the_version_and_says_who_when_and_why():
    version, engineer, reviewer = make_version(), make_user(Role.ENGINEER), make_user(Role.REVIEWER)
    request = promotion.open_for(version, "Staging", user=engineer, comment="Better on blurred receipts")

    approve(request, reviewer)

    version.refresh_from_db()
    request.refresh_from_db()
    event = version.stage_events.get()
    assert version.stage == "Staging"
    assert request.state == Promotion.State.APPROVED
    assert (event.from_stage, event.to_stage, event.by_name) == ("Development", "Staging", reviewer.username)
    assert event.reason == "Better on blurred receipts"
    assert list(AuditEntry.objects.order_by("sequence").values_list("event", flat=True))[-3:-1] == [
        "promotion.approved",
        "version.stage_changed",
    ]


def test_an_approval_queues_the_mirror_in_mlflow_once():
    version = promoted(make_version(), "Staging")
    job = Job.objects.get(kind="apply")
    assert job.payload == {"model": "receipt-ocr", "promotion": version.promotions.get().pk}
    assert Outbox.objects.filter(job=job).count() == 1


def test_a_new_production_version_archives_the_incumbent():
    old = promoted(make_version("1.0.0"), "Staging", "Production")
    new = promoted(make_version("1.1.0"), "Staging", "Production")

    old.refresh_from_db()
    assert (old.stage, new.stage) == ("Archived", "Production")
    assert old.stage_events.last().reason == "Replaced by 1.1.0."


def test_nobody_approves_their_own_request_and_the_attempt_is_recorded():
    both = make_user(Role.ENGINEER, Role.REVIEWER)
    request = promotion.open_for(make_version(), "Staging", user=both)

    with pytest.raises(PermissionDenied, match="own request"):
        approve(request, both)

    assert AuditEntry.objects.filter(event="permission.denied", data__why="requester").exists()
    request.refresh_from_db()
    assert request.state == Promotion.State.OPEN


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.AUDITOR])
def test_only_reviewers_and_administrators_decide(role):
    request = promotion.open_for(make_version(), "Staging", user=make_user(Role.ENGINEER))
    with pytest.raises(PermissionDenied):
        approve(request, make_user(role))


def test_an_approval_of_other_evidence_does_not_count():
    request = promotion.open_for(make_version(), "Staging", user=make_user(Role.ENGINEER))
    with pytest.raises(promotion.ConflictError, match="not the one you reviewed"):
        approve(request, make_user(Role.REVIEWER), evidence_digest="0" * 64)


def test_evidence_that_changed_after_the_request_is_named():
    version = make_version()
    request = promotion.open_for(version, "Staging", user=make_user(Role.ENGINEER))
    ModelVersion.objects.filter(pk=version.pk).update(manifest_digest="f" * 64)

    with pytest.raises(promotion.ConflictError, match="these facts changed: artifacts"):
        approve(request, make_user(Role.REVIEWER))
    version.refresh_from_db()
    assert version.stage == "Development"


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_a_refusal_needs_a_reason_and_closes_the_request(verdict):
    reviewer = make_user(Role.REVIEWER)
    request = promotion.open_for(make_version(), "Staging", user=make_user(Role.ENGINEER))
    digest = request.evidence_digest
    with pytest.raises(ValidationError):
        promotion.review(request, verdict, user=reviewer, evidence_digest=digest, comment=" ")
    promotion.review(
        request, verdict, user=reviewer, evidence_digest=digest, comment="CER rose on long amounts"
    )
    request.refresh_from_db()
    assert request.state in (Promotion.State.REJECTED, Promotion.State.CHANGES_REQUESTED)
    with pytest.raises(promotion.ConflictError, match="decided already"):
        approve(request, reviewer)


def test_only_the_requester_or_an_administrator_withdraws():
    engineer = make_user(Role.ENGINEER)
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    with pytest.raises(PermissionDenied):
        promotion.withdraw(request, user=make_user(Role.ENGINEER))
    promotion.withdraw(request, user=engineer)
    request.refresh_from_db()
    assert request.state == Promotion.State.WITHDRAWN


@pytest.mark.parametrize("to_stage", ["Production", "Development", "Archived", "production", "<b>"])
def test_a_move_outside_the_table_is_refused(to_stage):
    with pytest.raises(ValidationError, match="cannot be promoted"):
        promotion.open_for(make_version(), to_stage, user=make_user(Role.ENGINEER))


def test_a_release_candidate_does_not_go_to_production():
    candidate = promoted(make_version("1.1.0-rc1"), "Staging")
    with pytest.raises(ValidationError, match="release candidate"):
        promotion.open_for(candidate, "Production", user=make_user(Role.ENGINEER))


def test_a_version_has_one_open_request_per_stage():
    version, engineer = make_version(), make_user(Role.ENGINEER)
    promotion.open_for(version, "Staging", user=engineer)
    with pytest.raises(ValidationError, match="open promotion"):
        promotion.open_for(version, "Staging", user=engineer)


def test_the_database_itself_refuses_a_second_production_version():
    promoted(make_version("1.0.0"), "Staging", "Production")
    other = make_version("1.1.0")
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=other.pk).update(stage="Production")


def test_an_audit_failure_undoes_the_decision(monkeypatch):
    request = promotion.open_for(make_version(), "Staging", user=make_user(Role.ENGINEER))
    reviewer = make_user(Role.REVIEWER)
    written = trail.record

    def fail_at_the_stage_change(event, **arguments):
        if event == "version.stage_changed":
            raise OSError("disk full")
        return written(event, **arguments)

    monkeypatch.setattr(trail, "record", fail_at_the_stage_change)
    with pytest.raises(OSError, match="disk full"):
        approve(request, reviewer)

    request.refresh_from_db()
    assert request.state == Promotion.State.OPEN
    assert request.version.stage_events.count() == 0
    assert request.reviews.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_candidates_approved_at_once_exactly_one_is_in_production():
    engineer = make_user(Role.ENGINEER)
    reviewers = [make_user(Role.REVIEWER) for _ in range(8)]
    candidates = [promoted(make_version(number), "Staging") for number in ("1.0.0", "1.1.0")]
    requests = [promotion.open_for(version, "Production", user=engineer) for version in candidates]

    def attempt(index: int) -> str:
        try:
            approve(requests[index % 2], reviewers[index])
        except promotion.ConflictError:
            return "conflict"
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))

    assert outcomes.count("approved") == 1
    assert ModelVersion.objects.filter(stage="Production").count() == 1
    assert trail.verify() is None


def test_a_version_with_the_longest_name_and_number_is_promoted_and_has_its_history():
    version = make_version(f"1.0.0-{'b' * 122}", model="가" * 200)
    twin = make_version(f"1.0.0-{'b' * 121}c", model="가" * 200)
    assert trail_targets.version_id(version) != trail_targets.version_id(twin)
    opened = promotion.open_for(version, "Staging", user=make_user(Role.ENGINEER))
    promotion.review(opened, "approve", user=make_user(Role.REVIEWER), evidence_digest=opened.evidence_digest)
    events = [entry.event for entry in selectors.entries_about(version, refusals=True)]
    assert events[:2] == ["promotion.opened", "promotion.reviewed"]
    assert "version.stage_changed" in events
    assert not selectors.entries_about(twin, refusals=True).exists()


def test_who_was_refused_is_told_to_readers_of_the_audit_trail_only():
    version = make_version()
    with pytest.raises(PermissionDenied):
        promotion.open_for(version, "Staging", user=make_user(Role.VIEWER))
    assert history.of(version, permissions_of(make_user(Role.ENGINEER))) == []
    assert [entry.text for entry in history.of(version, permissions_of(make_user(Role.AUDITOR)))] == [
        "was refused"
    ]


def test_the_promotion_page_tells_refusals_to_readers_of_the_audit_trail_only():
    opened = promotion.open_for(make_version(), "Staging", user=make_user(Role.ENGINEER))
    with pytest.raises(PermissionDenied):
        promotion.review(
            opened, "approve", user=make_user(Role.VIEWER), evidence_digest=opened.evidence_digest
        )
    assert len(history.of_promotion(opened, permissions_of(make_user(Role.REVIEWER)))) == 1
    assert len(history.of_promotion(opened, permissions_of(make_user(Role.AUDITOR)))) == 2
