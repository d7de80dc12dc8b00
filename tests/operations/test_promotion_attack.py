"""Promotions under attack: crowds, own requests, lost roles, old evidence, failing trails."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import users
from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import deadlines, promotion, promotion_renewal, rollback
from registry.models import ModelVersion, Notice, Promotion, Review, StageEvent
from tests.crowds import at_once
from tests.people import make_user
from tests.promotions import approve, bring, set_rules
from tests.versions import make_version

pytestmark = pytest.mark.django_db

CROWD = 50


def opened(version: ModelVersion | None = None, to_stage: str = "Staging", **changes: Any) -> Promotion:
    user = changes.pop("user", None) or make_user(Role.ENGINEER)
    return promotion.open_for(version or make_version(), to_stage, user=user, **changes)


@pytest.fixture
def reviewers(transactional_db: None) -> list[User]:
    set_rules()
    return [make_user(Role.REVIEWER) for _ in range(CROWD)]


def assert_one_winner(outcomes: list[Any]) -> None:
    winners = [one for one in outcomes if not isinstance(one, Exception)]
    assert len(winners) == 1, outcomes
    assert all(isinstance(one, promotion.ConflictError) for one in outcomes if one not in winners), outcomes
    assert trail.verify() is None


def test_of_fifty_approvals_at_once_one_moves_the_version(reviewers: list[User]) -> None:
    request = opened()
    outcomes = at_once([partial(approve, request, one) for one in reviewers])
    assert_one_winner(outcomes)
    assert Review.objects.count() == 1
    assert StageEvent.objects.count() == 1
    assert Job.objects.filter(kind="apply").count() == 1


def test_of_fifty_approvals_of_which_three_are_needed_three_are_kept(reviewers: list[User]) -> None:
    set_rules(approvals=3)
    request = opened()
    outcomes = at_once([partial(approve, request, one) for one in reviewers])
    assert sum(isinstance(one, Review) for one in outcomes) == 3
    assert StageEvent.objects.count() == 1
    assert trail.verify() is None


def test_of_two_candidates_that_fifty_approve_at_once_one_is_in_production(reviewers: list[User]) -> None:
    candidates = [bring(make_version(number), "Staging") for number in ("1.0.0", "1.1.0")]
    requests = [opened(version, "Production") for version in candidates]
    outcomes = at_once([partial(approve, requests[index % 2], one) for index, one in enumerate(reviewers)])
    assert_one_winner(outcomes)
    assert ModelVersion.objects.filter(stage="Production").count() == 1
    assert ModelVersion.objects.filter(stage="Staging").count() == 1
    assert AuditEntry.objects.filter(event="promotion.approved").count() == 3


def test_of_fifty_requests_for_the_same_move_at_once_one_is_opened(reviewers: list[User]) -> None:
    version = make_version()
    engineers = [make_user(Role.ENGINEER) for _ in range(CROWD)]
    outcomes = at_once([partial(promotion.open_for, version, "Staging", user=one) for one in engineers])
    assert sum(isinstance(one, Promotion) for one in outcomes) == 1
    assert Promotion.objects.count() == 1
    assert trail.verify() is None


def test_rollbacks_and_approvals_at_once_leave_one_version_in_production(reviewers: list[User]) -> None:
    old = bring(make_version("1.0.0"), "Staging", "Production")
    bring(make_version("1.1.0"), "Staging", "Production")
    request = opened(bring(make_version("1.2.0"), "Staging"), "Production")
    acts: list[Any] = [partial(approve, request, one) for one in reviewers[:10]]
    acts += [
        partial(rollback.roll_back, old.model, old, user=one, reason="Worse") for one in reviewers[10:20]
    ]
    outcomes = at_once(acts)
    assert ModelVersion.objects.filter(stage="Production").count() == 1
    assert sum(isinstance(one, Promotion) for one in outcomes) == 1
    assert trail.verify() is None


def test_an_approval_and_the_end_of_time_at_once_decide_once(reviewers: list[User]) -> None:
    request = opened()
    assert request.expires_at is not None
    later = request.expires_at + timedelta(seconds=1)
    approvals: list[Any] = [partial(approve, request, one) for one in reviewers[:8]]
    ends: list[Any] = [lambda: deadlines.expire(request, later)] * 8
    outcomes = at_once([one for pair in zip(approvals, ends, strict=True) for one in pair])
    request.refresh_from_db()
    request.version.refresh_from_db()
    expired = [one for one in outcomes if one is True]
    approved = [one for one in outcomes if isinstance(one, Review)]
    assert len(expired) + len(approved) == 1
    assert request.state == ("expired" if expired else "approved")
    assert request.version.stage == ("Development" if expired else "Staging")
    decided = AuditEntry.objects.filter(event__in=["promotion.expired", "promotion.approved"])
    assert decided.count() == 1


def test_whose_role_is_taken_between_page_and_click_is_refused() -> None:
    set_rules()
    request, reviewer = opened(), make_user(Role.REVIEWER)
    loaded = User.objects.prefetch_related("groups").get(pk=reviewer.pk)
    assert [group.name for group in loaded.groups.all()] == ["reviewer"]
    users.set_roles(reviewer, [Role.VIEWER], by=None)
    with pytest.raises(PermissionDenied, match="review promotions"):
        approve(request, loaded)
    assert AuditEntry.objects.filter(event="permission.denied", data__why="revoked").exists()
    assert_untouched(request)


def test_whose_account_is_switched_off_or_deleted_during_the_request_is_refused() -> None:
    set_rules()
    request = opened()
    for end in (lambda user: users.set_active(user, False, by=None), lambda user: user.delete()):
        reviewer = make_user(Role.REVIEWER)
        loaded = User.objects.prefetch_related("groups").get(pk=reviewer.pk)
        end(reviewer)
        with pytest.raises(PermissionDenied):
            approve(request, loaded)
        assert_untouched(request)


def test_a_role_taken_while_the_approval_waits_for_the_trail_is_seen(monkeypatch: Any) -> None:
    set_rules()
    request, reviewer = opened(), make_user(Role.REVIEWER)
    written = trail.record

    def revoke_first(event: Any, **arguments: Any) -> Any:
        if event == "promotion.reviewed":
            reviewer.groups.clear()
        return written(event, **arguments)

    monkeypatch.setattr(trail, "record", revoke_first)
    loaded = User.objects.get(pk=reviewer.pk)
    with pytest.raises(PermissionDenied):
        approve(request, loaded)
    assert_untouched(request)


def test_nobody_approves_their_own_request_under_another_name() -> None:
    set_rules()
    both = make_user(Role.ENGINEER, Role.REVIEWER, username="clerk")
    request = opened(user=both)
    loaded = User.objects.get(pk=both.pk)
    both.username = "somebody-else"
    both.save()
    for identity in (loaded, both, User.objects.get(pk=both.pk)):
        with pytest.raises(PermissionDenied, match="own request"):
            approve(request, identity)
    # Nor with an account that took the name of the requester over.
    with pytest.raises(PermissionDenied, match="own request"):
        approve(request, make_user(Role.REVIEWER, username="Clerk"))
    denied = AuditEntry.objects.filter(event="permission.denied", data__why="requester")
    assert denied.count() == 4
    assert_untouched(request)


def assert_untouched(request: Promotion) -> None:
    request.refresh_from_db()
    request.version.refresh_from_db()
    assert request.state == Promotion.State.OPEN
    assert request.version.stage == "Development"
    assert not request.reviews.exists()
    assert not AuditEntry.objects.filter(event="promotion.reviewed").exists()


def test_evidence_that_was_renewed_since_is_a_conflict_that_names_what_changed() -> None:
    set_rules()
    request = opened()
    old = request.evidence_digest
    ModelVersion.objects.update(manifest_digest="f" * 64, fingerprint="0" * 12)
    promotion_renewal.renew(request, user=make_user(Role.ENGINEER))
    with pytest.raises(promotion.ConflictError) as refusal:
        approve(request, make_user(Role.REVIEWER), evidence_digest=old)
    assert set(refusal.value.reasons) == {"artifacts", "fingerprint"}
    for verdict in ("reject", "request_changes"):
        with pytest.raises(promotion.ConflictError):
            promotion.review(
                request, verdict, user=make_user(Role.REVIEWER), evidence_digest=old, comment="no"
            )


EVENTS = [
    "promotion.reviewed",
    "promotion.approved",
    "version.stage_changed",
    "job.submitted",
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_entry_that_cannot_be_written_undoes_the_whole_decision(event: str, monkeypatch: Any) -> None:
    set_rules()
    request = opened()
    before = Job.objects.count()
    written = trail.record

    def fail(given: Any, **arguments: Any) -> Any:
        if given == event:
            raise OSError("disk full")
        return written(given, **arguments)

    monkeypatch.setattr(trail, "record", fail)
    with pytest.raises(OSError, match="disk full"):
        approve(request, make_user(Role.REVIEWER))
    assert_untouched(request)
    assert Job.objects.count() == before
    assert not Notice.objects.filter(user=request.requested_by).exists()


def test_a_version_that_moved_on_cannot_be_approved_for_where_it_was_to_go() -> None:
    set_rules()
    request = opened()
    ModelVersion.objects.update(stage="Archived", stage_since=timezone.now())
    with pytest.raises(promotion.ConflictError, match="is in Archived by now"):
        approve(request, make_user(Role.REVIEWER))
