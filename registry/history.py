"""Everything that happened to a version, as one timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from audit.events import Event
from audit.models import AuditEntry
from registry import selectors
from registry.models import ModelVersion, Promotion

_LOOKS = {
    Event.VERSION_REGISTERED: ("cube", ""),
    Event.VERSION_STAGE_CHANGED: ("arrow-right-circle", "good"),
    Event.PROMOTION_OPENED: ("arrow-up-circle", ""),
    Event.PROMOTION_REVIEWED: ("chat-bubble-left-ellipsis", ""),
    Event.PROMOTION_APPROVED: ("check-circle", "good"),
    Event.PROMOTION_APPLIED: ("arrow-path", "good"),
    Event.PROMOTION_REJECTED: ("x-circle", "bad"),
    Event.PROMOTION_CHANGES_REQUESTED: ("pencil-square", "warn"),
    Event.PROMOTION_WITHDRAWN: ("arrow-uturn-left", ""),
    Event.PERMISSION_DENIED: ("lock-closed", "bad"),
}


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline.

    :ivar text: what the actor did, without the actor
    :ivar body: what they wrote
    :ivar promotion: number of the promotion it belongs to
    """

    anchor: str
    icon: str
    tone: str
    actor: str
    text: str
    at: datetime
    body: str = ""
    promotion: str = ""
    stages: tuple[str, str] | None = None


def of(version: ModelVersion) -> list[TimelineEntry]:
    """Return what happened to `version` and its promotions, the newest first. Two queries."""
    return [_entry(entry) for entry in reversed(selectors.entries_about(version))]


def of_promotion(promotion: Promotion) -> list[TimelineEntry]:
    """Return what happened to one promotion, the oldest first. One query."""
    entries = AuditEntry.objects.filter(target_kind="promotion", target_id=str(promotion.pk))
    return [_entry(entry) for entry in entries.order_by("sequence")]


def _entry(entry: AuditEntry) -> TimelineEntry:
    icon, tone = _LOOKS.get(Event(entry.event), ("information-circle", ""))
    data: dict[str, Any] = entry.data
    moved = (str(data["from"]), str(data["to"])) if entry.event == Event.VERSION_STAGE_CHANGED else None
    return TimelineEntry(
        anchor=f"event-{entry.sequence}",
        icon=icon,
        tone=tone,
        actor=entry.actor_name,
        text=_words(entry),
        at=entry.at,
        body=str(data.get("comment") or data.get("reason") or ""),
        promotion=entry.target_id if entry.target_kind == "promotion" else str(data.get("promotion") or ""),
        stages=moved,
    )


def _words(entry: AuditEntry) -> str:
    words = {
        Event.VERSION_REGISTERED: _("registered the version"),
        Event.VERSION_STAGE_CHANGED: _("moved it"),
        Event.PROMOTION_OPENED: _("asked for a promotion"),
        Event.PROMOTION_REVIEWED: _("reviewed: %(verdict)s")
        % {"verdict": str(entry.data.get("verdict", "")).replace("_", " ")},
        Event.PROMOTION_APPROVED: _("completed the approval"),
        Event.PROMOTION_APPLIED: _("brought the stage to MLflow"),
        Event.PROMOTION_REJECTED: _("rejected the promotion"),
        Event.PROMOTION_CHANGES_REQUESTED: _("asked for changes"),
        Event.PROMOTION_WITHDRAWN: _("withdrew the request"),
        Event.PERMISSION_DENIED: _("was refused"),
    }
    return words.get(Event(entry.event), entry.event)
