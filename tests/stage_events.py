"""Factories of decisions and stage events for tests, as rows: what the operations make has its own tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from registry.models import ModelVersion, Promotion, Review, StageEvent

START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    """Return the instant `number` days after `START`."""
    return START + timedelta(days=number)


def make_promotion(version: ModelVersion, *, approved_by: tuple[str, ...] = (), **changes: Any) -> Promotion:
    """Create an applied promotion to Production with approvals of its evidence."""
    columns = {
        "version": version,
        "from_stage": "Staging",
        "to_stage": "Production",
        "state": Promotion.State.APPLIED,
        "requested_by_name": "engineer",
        "opened_at": START,
        "decided_at": START,
        "evidence": {"gates": []},
        "evidence_digest": "e" * 64,
    }
    promotion = Promotion.objects.create(**{**columns, **changes})
    for name in approved_by:
        Review.objects.create(
            promotion=promotion,
            reviewer_name=name,
            verdict=Review.Verdict.APPROVE,
            evidence_digest=promotion.evidence_digest,
            at=promotion.decided_at,
        )
    return promotion


def enter(version: ModelVersion, at: datetime, *, how: str = "promotion", **changes: Any) -> StageEvent:
    """Bring `version` to Production at an instant."""
    return _event(version, "Staging", "Production", at, how, changes)


def leave(version: ModelVersion, at: datetime, *, how: str = "replacement", **changes: Any) -> StageEvent:
    """Take `version` from Production at an instant."""
    return _event(version, "Production", "Archived", at, how, changes)


def _event(
    version: ModelVersion, source: str, target: str, at: datetime, how: str, changes: dict[str, Any]
) -> StageEvent:
    columns = {"from_stage": source, "to_stage": target, "at": at, "how": how, "by_name": "reviewer"}
    return StageEvent.objects.create(version=version, **{**columns, **changes})
