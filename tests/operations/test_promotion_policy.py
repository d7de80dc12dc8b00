"""What a policy asks of a promotion: approvals, groups, authors, time, gates, waivers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job, Run
from registry import access, evidence, promotion, promotion_renewal, verdict, waivers
from registry.models import ModelVersion, Notice, Policy, Promotion, Waiver
from registry.policy_rules import GateSetting
from tests.people import make_user
from tests.promotions import approve, set_rules
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db


def opened(version: ModelVersion | None = None, **changes: Any) -> Promotion:
    user = changes.pop("user", None) or make_user(Role.ENGINEER)
    return promotion.open_for(version or make_version(), "Staging", user=user, **changes)


def seen_by(request: Promotion, user: Any) -> verdict.Verdict:
    fresh = Promotion.objects.select_related("version__model").get(pk=request.pk)
    return verdict.of(fresh, user, access.permissions_on(user, fresh.version.model))


def test_the_stage_changes_with_the_last_approval_that_the_policy_asks_for() -> None:
    set_rules(approvals=2)
    request = opened()
    first, second = make_user(Role.REVIEWER), make_user(Role.REVIEWER)
    approve(request, first)
    request.refresh_from_db()
    assert request.state == Promotion.State.OPEN
    assert (seen_by(request, second).approvals, seen_by(request, second).needed) == (1, 2)
    approve(request, second)
    request.version.refresh_from_db()
    assert request.version.stage == "Staging"


def test_one_person_approves_once_under_whatever_name() -> None:
    set_rules(approvals=2)
    request, reviewer = opened(), make_user(Role.REVIEWER)
    approve(request, reviewer)
    with pytest.raises(promotion.ConflictError, match="approved this already"):
        approve(request, reviewer)
    name, reviewer.username = reviewer.username, "renamed"
    reviewer.save()
    with pytest.raises(promotion.ConflictError, match="approved this already"):
        approve(request, reviewer)
    reviewer.delete()
    approve(request, make_user(Role.REVIEWER, username=name))
    request.refresh_from_db()
    assert request.state == Promotion.State.OPEN


def test_who_was_deleted_and_came_back_under_the_same_name_is_still_the_requester() -> None:
    set_rules()
    both = make_user(Role.ENGINEER, Role.REVIEWER, username="Clerk")
    request = opened(user=both)
    both.delete()
    request.refresh_from_db()
    with pytest.raises(PermissionDenied, match="own request"):
        approve(request, make_user(Role.REVIEWER, username="clerk"))


def test_only_members_of_the_policys_groups_decide() -> None:
    set_rules(groups=("receipt owners",))
    request, reviewer = opened(), make_user(Role.REVIEWER)
    with pytest.raises(PermissionDenied, match="receipt owners"):
        approve(request, reviewer)
    assert "receipt owners" in seen_by(request, reviewer).personal
    assert AuditEntry.objects.filter(event="permission.denied", data__why="outside the groups").exists()
    reviewer.groups.add(Group.objects.create(name="receipt owners"))
    approve(request, reviewer)


@pytest.mark.parametrize("known_by", ["run", "tag", "job"])
def test_the_author_of_the_run_counts_as_requester(known_by: str) -> None:
    set_rules()
    author = make_user(Role.REVIEWER, username="Run-Author")
    request = opened(authored(known_by, author))
    with pytest.raises(PermissionDenied, match="made the run"):
        approve(request, author)
    assert "made the run" in seen_by(request, author).personal
    approve(request, make_user(Role.REVIEWER))


def test_the_author_of_the_run_decides_where_the_policy_lets_them() -> None:
    set_rules(author_requests=False)
    author = make_user(Role.REVIEWER, username="run-author")
    approve(opened(authored("run", author)), author)


def authored(known_by: str, author: Any) -> ModelVersion:
    run = make_run()
    lineage = {}
    if known_by == "run":
        Run.objects.filter(pk=run.pk).update(user="run-author")
    elif known_by == "tag":
        Run.objects.filter(pk=run.pk).update(tags={"mlflow.user": "run-author"})
    else:
        now = timezone.now()
        who = {"submitted_by": author, "submitted_by_name": "x"}
        job = Job.objects.create(kind="pipeline", created_at=now, not_before=now, **who)
        lineage = {"stagegate.job": str(job.pk)}
    return make_version(run_id=run.run_id, lineage=lineage)


def test_a_version_stays_in_its_stage_for_the_minimum_time() -> None:
    set_rules(minimum_hours=24)
    version = make_version(stage_since=timezone.now() - timedelta(hours=23))
    request, reviewer = opened(version), make_user(Role.REVIEWER)
    with pytest.raises(promotion.ConflictError, match="24 hours"):
        approve(request, reviewer)
    assert [reason.kind for reason in seen_by(request, reviewer).blocking] == ["too_early"]
    ModelVersion.objects.update(stage_since=timezone.now() - timedelta(hours=25))
    approve(request, reviewer)


def test_a_request_ends_at_the_time_that_the_policy_set_when_it_was_opened() -> None:
    set_rules(expires_days=2)
    request = opened()
    assert request.expires_at is not None
    assert request.expires_at - request.opened_at == timedelta(days=2)
    Promotion.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(promotion.ConflictError, match="expired"):
        approve(request, make_user(Role.REVIEWER))


def test_a_request_without_expiry_never_ends() -> None:
    set_rules(expires_days=None)
    assert opened().expires_at is None


def test_a_required_gate_keeps_everybody_from_approving_and_another_one_does_not() -> None:
    set_rules(gates=(GateSetting("card"), GateSetting("smoke_test", required=False)))
    request, reviewer = opened(), make_user(Role.REVIEWER)
    with pytest.raises(promotion.ConflictError) as refusal:
        approve(request, reviewer)
    assert len(refusal.value.reasons) == 1
    found = seen_by(request, reviewer)
    assert [(reason.anchor, reason.kind) for reason in found.blocking] == [("gate:card", "gate_failed")]
    assert not found.can_approve
    assert found.can_decide


def test_a_required_gate_that_waits_for_its_job_blocks_as_well() -> None:
    set_rules(gates=(GateSetting("artifacts"),))
    request = opened()
    assert Job.objects.filter(kind="check").exists()
    with pytest.raises(promotion.ConflictError):
        approve(request, make_user(Role.REVIEWER))
    assert [one.kind for one in seen_by(request, make_user(Role.REVIEWER)).blocking] == ["gate_pending"]


def test_a_rejection_is_taken_whatever_stands_in_the_way() -> None:
    set_rules(gates=(GateSetting("card"),), minimum_hours=5)
    request = opened()
    promotion.review(
        request,
        "reject",
        user=make_user(Role.REVIEWER),
        evidence_digest=request.evidence_digest,
        comment="Not without a card",
    )
    request.refresh_from_db()
    assert request.state == Promotion.State.REJECTED


def test_a_waived_gate_blocks_no_more_and_the_waiver_stays() -> None:
    set_rules(gates=(GateSetting("card"),))
    request, reviewer = opened(), make_user(Role.REVIEWER)
    waivers.waive(request, "card", user=make_user(Role.ADMINISTRATOR, username="boss"), reason="A hot fix")
    approve(request, reviewer)
    request.refresh_from_db()
    assert request.state == Promotion.State.APPROVED
    found = seen_by(request, reviewer)
    assert [(one.gate, one.by_name, one.reason) for one in found.waivers] == [("card", "boss", "A hot fix")]
    assert [one.gate for one in found.gates] == ["card"]
    data = AuditEntry.objects.get(event="gate.waived").data
    assert (data["gate"], data["reason"], data["status"]) == ("card", "A hot fix", "failed")


def test_only_administrators_waive_and_not_for_themselves() -> None:
    set_rules(gates=(GateSetting("card"),))
    boss = make_user(Role.ADMINISTRATOR)
    request = opened(user=boss)
    with pytest.raises(PermissionDenied):
        waivers.waive(request, "card", user=make_user(Role.REVIEWER), reason="x")
    with pytest.raises(PermissionDenied, match="own request"):
        waivers.waive(request, "card", user=boss, reason="x")
    assert AuditEntry.objects.filter(event="permission.denied").count() == 2
    assert not Waiver.objects.exists()


@pytest.mark.parametrize(
    ("gate", "reason", "field"),
    [
        ("card", " ", "reason"),
        ("card", "x" * 2001, "reason"),
        ("no", "x", "gate"),
        ("final_version", "x", "gate"),
    ],
)
def test_a_waiver_that_makes_no_sense_is_refused_by_field(gate: str, reason: str, field: str) -> None:
    set_rules(gates=(GateSetting("card"), GateSetting("final_version")))
    with pytest.raises(ValidationError) as refusal:
        waivers.waive(opened(), gate, user=make_user(Role.ADMINISTRATOR), reason=reason)
    assert list(refusal.value.message_dict) == [field]


def test_a_gate_is_waived_once() -> None:
    set_rules(gates=(GateSetting("card"),))
    request = opened()
    waivers.waive(request, "card", user=make_user(Role.ADMINISTRATOR), reason="x")
    with pytest.raises(promotion.ConflictError, match="waived already"):
        waivers.waive(request, "card", user=make_user(Role.ADMINISTRATOR), reason="y")


def test_a_changed_policy_makes_approvals_stale_until_the_evidence_is_renewed() -> None:
    set_rules(approvals=2)
    request, first, second = opened(), make_user(Role.REVIEWER), make_user(Role.REVIEWER)
    approve(request, first)
    set_rules(approvals=3)
    with pytest.raises(promotion.ConflictError, match="these facts changed: policy"):
        approve(request, second)
    old = request.evidence_digest
    renewed = promotion_renewal.renew(request, user=make_user(Role.ENGINEER))
    assert renewed.evidence_digest != old
    assert renewed.policy == Policy.objects.filter(to_stage="Staging").first()
    found = seen_by(request, second)
    assert (found.approvals, found.needed) == (0, 3)
    assert [(one.review.reviewer, one.changed) for one in found.stale] == [(first, ("policy",))]
    with pytest.raises(promotion.ConflictError, match=r"Since the evidence that you reviewed .*: policy"):
        approve(request, second, evidence_digest=old)
    assert Notice.objects.filter(user=first, kind="evidence_changed", text="policy").exists()


def test_renewing_what_has_not_changed_is_refused_and_needs_the_permission() -> None:
    set_rules()
    request = opened()
    with pytest.raises(promotion.ConflictError, match="up to date"):
        promotion_renewal.renew(request, user=make_user(Role.ENGINEER))
    with pytest.raises(PermissionDenied):
        promotion_renewal.renew(request, user=make_user(Role.REVIEWER))


def test_the_result_of_a_check_renews_the_evidence_by_itself() -> None:
    from registry import checks

    set_rules(approvals=2, gates=(GateSetting("artifacts", required=False),))
    request, reviewer = opened(), make_user(Role.REVIEWER)
    approve(request, reviewer)
    checks.store(
        request.version,
        "artifacts",
        True,
        "All is well.",
        {},
        manifest_digest=request.version.manifest_digest,
    )
    fresh = Promotion.objects.get(pk=request.pk)
    assert fresh.evidence_digest != request.evidence_digest
    assert [snapshot.by_name for snapshot in fresh.snapshots.all()] == [request.requested_by_name, "system"]
    assert [snapshot.changed for snapshot in fresh.snapshots.all()] == [[], ["checks", "gate:artifacts"]]
    assert seen_by(request, reviewer).approvals == 0
    entry = AuditEntry.objects.get(event="promotion.evidence_renewed")
    assert entry.actor_name == "system"
    assert entry.data["before"] == request.evidence_digest
    checks.store(
        request.version,
        "artifacts",
        True,
        "All is well.",
        {},
        manifest_digest=request.version.manifest_digest,
    )
    assert Promotion.objects.get(pk=request.pk).evidence_digest == fresh.evidence_digest


def test_the_evidence_holds_all_that_bears_on_the_decision_under_its_digest() -> None:
    set_rules(gates=(GateSetting("final_version"),))
    request = opened()
    held = request.evidence
    assert {"metadata", "metrics", "manifest_digest", "card", "dvc_lock_digest", "facts", "gates"} <= set(
        held
    )
    assert held["gates"][0]["status"] == "passed"
    assert held["policy"]["number"] == 1
    assert request.evidence_digest == evidence.digest(held)
    stored = Promotion.objects.get(pk=request.pk)
    assert evidence.digest(stored.evidence) == stored.evidence_digest
    assert evidence.judged_in(stored.evidence) == evidence.collect(request.version, "Staging").judged


def test_the_verdict_takes_few_queries_however_much_was_said(django_assert_max_num_queries: Any) -> None:
    set_rules(approvals=5, gates=(GateSetting("card", required=False), GateSetting("metadata", False)))
    request, reader = opened(), make_user(Role.REVIEWER)
    for _ in range(4):
        approve(request, make_user(Role.REVIEWER))
    fresh = Promotion.objects.select_related("version__model").get(pk=request.pk)
    permissions = access.permissions_on(reader, fresh.version.model)
    with django_assert_max_num_queries(16):
        assert verdict.of(fresh, reader, permissions).approvals == 4
