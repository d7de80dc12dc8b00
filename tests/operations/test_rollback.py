"""Rolling Production back, and putting a version into place past the review."""

from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import bypass, checks, promotion, rollback
from registry.models import Member, ModelVersion, Promotion
from tests.crowds import at_once
from tests.people import make_user
from tests.promotions import bring, set_rules
from tests.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def served(db: None) -> list[ModelVersion]:
    """Three versions that served one after the other; the last one still does."""
    set_rules()
    return [bring(make_version(number), "Staging", "Production") for number in ("1.0.0", "1.1.0", "1.2.0")]


@pytest.fixture
def reviewer(db: None) -> User:
    return make_user(Role.REVIEWER)


def stages(versions: list[ModelVersion]) -> list[str]:
    return [ModelVersion.objects.get(pk=version.pk).stage for version in versions]


def test_the_previous_version_serves_again_at_once(served: list[ModelVersion], reviewer: User) -> None:
    model = served[0].model
    assert rollback.candidates(model) == [served[1], served[0]]
    made = rollback.roll_back(model, served[1], user=reviewer, reason=" It cannot read euros. ")
    assert stages(served) == ["Archived", "Production", "Archived"]
    assert (made.kind, made.state, made.comment) == ("rollback", "approved", "It cannot read euros.")
    assert made.incumbent == served[2]
    assert Job.objects.get(key=f"apply:promotion:{made.pk}").payload["promotion"] == made.pk
    events = made.stage_events.order_by("pk")
    assert [(event.how, event.by_name) for event in events] == [
        ("replacement", reviewer.username),
        ("rollback", reviewer.username),
    ]
    assert events[1].reason == "It cannot read euros."
    entry = AuditEntry.objects.get(event="production.rolled_back")
    assert entry.data["from"] == "1.2.0"
    assert entry.data["to"] == "1.1.0"
    assert trail.verify() is None


def test_a_version_that_was_rolled_back_from_comes_last(served: list[ModelVersion], reviewer: User) -> None:
    model = served[0].model
    rollback.roll_back(model, served[1], user=reviewer, reason="x")
    assert rollback.candidates(model) == [served[0], served[2]]
    rollback.roll_back(model, served[2], user=reviewer, reason="It was the network after all")
    assert stages(served) == ["Archived", "Archived", "Production"]
    assert rollback.candidates(model) == [served[0], served[1]]


def test_changed_artifacts_keep_a_version_from_coming_back(
    served: list[ModelVersion], reviewer: User
) -> None:
    old = served[1]
    checks.store(old, "artifacts", False, "They differ.", {}, manifest_digest=old.manifest_digest)
    assert rollback.candidates(old.model) == [served[0]]
    with pytest.raises(ValidationError, match="not those that were registered"):
        rollback.roll_back(old.model, old, user=reviewer, reason="x")
    checks.store(old, "artifacts", True, "They are back.", {}, manifest_digest=old.manifest_digest)
    assert rollback.candidates(old.model) == [served[1], served[0]]


def test_what_was_never_approved_for_production_cannot_come_back(
    served: list[ModelVersion], reviewer: User
) -> None:
    never = make_version("0.9.0", stage="Archived")
    staging = bring(make_version("1.3.0"), "Staging")
    imported = make_version("0.8.0", stage="Archived", imported=True)
    for version in (never, staging, imported):
        with pytest.raises(ValidationError, match="never approved"):
            rollback.roll_back(never.model, version, user=reviewer, reason="x")
    with pytest.raises(ValidationError, match="another model"):
        rollback.roll_back(never.model, make_version(model="other"), user=reviewer, reason="x")
    with pytest.raises(promotion.ConflictError, match="already"):
        rollback.roll_back(never.model, served[2], user=reviewer, reason="x")


@pytest.mark.parametrize("reason", ["", " ", "x" * 2001])
def test_a_rollback_needs_a_reason(served: list[ModelVersion], reviewer: User, reason: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        rollback.roll_back(served[0].model, served[0], user=reviewer, reason=reason)
    assert list(refusal.value.message_dict) == ["reason"]


def test_whoever_saw_something_else_in_production_looks_again(
    served: list[ModelVersion], reviewer: User
) -> None:
    model = served[0].model
    with pytest.raises(promotion.ConflictError, match=r"Meanwhile 1\.2\.0"):
        rollback.roll_back(model, served[0], user=reviewer, reason="x", serving="1.1.0")
    rollback.roll_back(model, served[0], user=reviewer, reason="x", serving="1.2.0")


def test_owners_and_reviewers_of_a_model_roll_back_and_engineers_do_not(served: list[ModelVersion]) -> None:
    engineer, owner = make_user(Role.ENGINEER), make_user(Role.ENGINEER)
    Member.objects.create(model=served[0].model, user=owner, part="owner")
    with pytest.raises(PermissionDenied):
        rollback.roll_back(served[0].model, served[0], user=engineer, reason="x")
    rollback.roll_back(served[0].model, served[0], user=owner, reason="x")


def test_candidates_take_few_queries(served: list[ModelVersion], django_assert_num_queries: Any) -> None:
    model = served[0].model
    with django_assert_num_queries(4):
        assert len(rollback.candidates(model)) == 2


@pytest.mark.django_db(transaction=True)
def test_of_twenty_rollbacks_at_once_one_is_done() -> None:
    set_rules()
    old = bring(make_version("1.0.0"), "Staging", "Production")
    bring(make_version("1.1.0"), "Staging", "Production")
    people = [make_user(Role.REVIEWER) for _ in range(20)]
    outcomes = at_once([partial(rollback.roll_back, old.model, old, user=one, reason="x") for one in people])
    assert sum(isinstance(one, Promotion) for one in outcomes) == 1
    assert sum(isinstance(one, promotion.ConflictError) for one in outcomes) == 19
    assert trail.verify() is None


def test_a_bypass_moves_at_once_and_waits_for_somebody_else() -> None:
    set_rules()
    boss = make_user(Role.ADMINISTRATOR)
    old = bring(make_version("1.0.0"), "Staging", "Production")
    hotfix = make_version("1.0.1")
    waiting = promotion.open_for(hotfix, "Staging", user=make_user(Role.ENGINEER))
    made = bypass.bypass(hotfix, "Production", user=boss, reason="The till stands still")

    assert stages([old, hotfix]) == ["Archived", "Production"]
    assert (made.kind, made.state) == ("bypass", "approved")
    assert list(bypass.unreviewed()) == [made]
    assert list(bypass.unreviewed(hotfix.model)) == [made]
    assert Job.objects.filter(key=f"apply:promotion:{made.pk}").exists()
    assert AuditEntry.objects.get(event="promotion.bypassed").data["reason"] == "The till stands still"
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn"

    with pytest.raises(PermissionDenied, match="Somebody else"):
        bypass.follow_up(made, user=boss, comment="Fine by me")
    second = make_user(Role.REVIEWER)
    bypass.follow_up(made, user=second, comment="It was right.")
    assert not bypass.unreviewed().exists()
    with pytest.raises(promotion.ConflictError):
        bypass.follow_up(made, user=second, comment="again")
    entry = AuditEntry.objects.get(event="promotion.followed_up")
    assert (entry.actor_name, entry.data["comment"]) == (second.username, "It was right.")


def test_a_bypassed_version_comes_back_only_after_somebody_has_looked_at_the_bypass() -> None:
    set_rules()
    hotfix = make_version("1.0.1")
    made = bypass.bypass(hotfix, "Production", user=make_user(Role.ADMINISTRATOR), reason="x")
    bring(make_version("1.1.0"), "Staging", "Production")
    assert rollback.candidates(hotfix.model) == []
    bypass.follow_up(made, user=make_user(Role.REVIEWER), comment="It was right.")
    assert rollback.candidates(hotfix.model) == [hotfix]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.AUDITOR, Role.VIEWER])
def test_only_administrators_bypass(role: Role) -> None:
    with pytest.raises(PermissionDenied):
        bypass.bypass(make_version(), "Production", user=make_user(role), reason="x")
    assert AuditEntry.objects.filter(event="permission.denied").exists()


@pytest.mark.parametrize(
    ("number", "to_stage", "reason", "field"),
    [
        ("1.0.0", "Archived", "x", "to"),
        ("1.0.0", "<b>", "x", "to"),
        ("1.0.0-rc1", "Production", "x", "to"),
        ("1.0.0", "Production", " ", "reason"),
    ],
)
def test_even_an_emergency_has_rules(number: str, to_stage: str, reason: str, field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        bypass.bypass(make_version(number), to_stage, user=make_user(Role.ADMINISTRATOR), reason=reason)
    assert list(refusal.value.message_dict) == [field]


@pytest.mark.parametrize("event", ["production.rolled_back", "version.stage_changed", "job.submitted"])
def test_a_rollback_that_cannot_be_recorded_is_none(
    served: list[ModelVersion], reviewer: User, event: str, monkeypatch: Any
) -> None:
    written = trail.record

    def fail(given: Any, **arguments: Any) -> Any:
        if given == event:
            raise OSError("disk full")
        return written(given, **arguments)

    monkeypatch.setattr(trail, "record", fail)
    with pytest.raises(OSError, match="disk full"):
        rollback.roll_back(served[0].model, served[0], user=reviewer, reason="x")
    assert stages(served) == ["Archived", "Archived", "Production"]
    assert not Promotion.objects.filter(kind="rollback").exists()
