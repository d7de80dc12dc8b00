"""Chore: end requests that nobody decided in time, and remind those who can act of the others."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit import trail
from audit.events import Event
from registry import notices, policies, promotion_locks, promotion_people, trail_targets
from registry.conflicts import ConflictError
from registry.models import Notice, Promotion
from registry.policy_rules import Rules

#: Promotions looked at in one go; the rest follow the next time.
BATCH = 500


def keep() -> None:
    """Do what is due. Idempotent; each promotion is a transaction of its own."""
    now = timezone.now()
    for promotion in _overdue(now):
        expire(promotion, now)
    for promotion in _waiting():
        remind(promotion, now)


def expire(promotion: Promotion, now: datetime) -> bool:
    """End `promotion` if its time is up and nobody was faster; return whether it was ended here."""
    try:
        with transaction.atomic():
            promotion = promotion_locks.lock_open(promotion)
            if promotion.expires_at is None or promotion.expires_at > now:
                return False
            promotion.state, promotion.decided_at = Promotion.State.EXPIRED, now
            promotion.save(update_fields=["state", "decided_at"])
            notices.tell_requester(Notice.Kind.EXPIRED, promotion)
            trail.record(
                Event.PROMOTION_EXPIRED,
                actor=trail.SYSTEM,
                target=trail_targets.of_promotion(promotion),
                data={"expires_at": promotion.expires_at},
            )
    except ConflictError:  # decided in the meantime
        return False
    return True


def remind(promotion: Promotion, now: datetime) -> bool:
    """Remind those who can act, if nothing has happened for long; return whether they were reminded."""
    model = promotion.version.model
    rules = policies.rules_of(policies.current(model, promotion.to_stage), promotion.to_stage)
    if not _is_silent(promotion, rules, now):
        return False
    with transaction.atomic():
        # Whoever changes the row first reminds; a second worker finds another time there.
        rows = Promotion.objects.filter(
            pk=promotion.pk, state=Promotion.State.OPEN, reminded_at=promotion.reminded_at
        )
        if not rows.update(reminded_at=now):
            return False
        people = promotion_people.reviewers(promotion, rules)
        notices.tell(Notice.Kind.REMINDER, promotion, people, text=promotion.comment)
    return True


def _overdue(now: datetime) -> Iterator[Promotion]:
    rows = Promotion.objects.filter(state=Promotion.State.OPEN, expires_at__lte=now)
    yield from rows.select_related("version__model").order_by("pk")[:BATCH]


def _waiting() -> Iterator[Promotion]:
    rows = Promotion.objects.filter(state=Promotion.State.OPEN).defer("evidence")
    yield from rows.select_related("version__model").order_by("-reminded_at", "pk")[:BATCH]


def _is_silent(promotion: Promotion, rules: Rules, now: datetime) -> bool:
    if rules.reminder_days is None:
        return False
    since = now - timedelta(days=rules.reminder_days)
    if promotion.opened_at > since or (promotion.reminded_at and promotion.reminded_at > since):
        return False
    recent = (
        promotion.reviews.filter(at__gt=since).exists() or promotion.comments.filter(at__gt=since).exists()
    )
    return not recent
