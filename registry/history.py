"""Everything that happened to a version, as one timeline."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission
from audit.events import Event
from audit.models import AuditEntry
from registry import labels, selectors
from registry.models import ModelVersion, Promotion

_LOOKS = {
    Event.VERSION_REGISTERED: ("cube", "", _("registered the version")),
    Event.VERSION_STAGE_CHANGED: ("arrow-right-circle", "active", _("moved")),
    Event.PROMOTION_OPENED: ("arrow-up-circle", "", _("asked for the promotion")),
    Event.PROMOTION_REVIEWED: ("chat-bubble-left-ellipsis", "", _("reviewed")),
    Event.PROMOTION_APPROVED: ("check-circle", "good", _("completed the approval")),
    Event.PROMOTION_APPLIED: ("arrow-path", "good", _("brought the stage to MLflow")),
    Event.PROMOTION_REJECTED: ("x-circle", "bad", _("closed the promotion as rejected")),
    Event.PROMOTION_CHANGES_REQUESTED: ("pencil-square", "warn", _("closed the promotion until it changes")),
    Event.PROMOTION_WITHDRAWN: ("arrow-uturn-left", "", _("withdrew the request")),
    Event.PERMISSION_DENIED: ("lock-closed", "bad", _("was refused")),
}
_REVIEWS = {
    "approve": ("hand-thumb-up", "good"),
    "request_changes": ("pencil-square", "warn"),
    "reject": ("hand-thumb-down", "bad"),
}
# They repeat the words of the review that brought them about.
_ECHOES = {Event.PROMOTION_REJECTED, Event.PROMOTION_CHANGES_REQUESTED}


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline.

    :ivar text: what the actor did, without the actor
    :ivar subject: the version that was moved, where it need not be the one of the page
    :ivar body: what they wrote
    :ivar promotion: number of the promotion it belongs to
    """

    anchor: str
    icon: str
    tone: str
    actor: str
    text: str
    at: datetime
    subject: str = ""
    body: str = ""
    promotion: str = ""
    stages: tuple[str, str] | None = None


def of(version: ModelVersion, permissions: Collection[Permission]) -> list[TimelineEntry]:
    """Return what happened to `version` and its promotions, the newest first. Two queries.

    :param permissions: the reader's; who was refused is shown to those only who may read the audit trail
    """
    found = selectors.entries_about(version, refusals=Permission.AUDIT_READ in permissions)
    return [_entry(entry) for entry in reversed(found)]


def of_promotion(promotion: Promotion, permissions: Collection[Permission]) -> list[TimelineEntry]:
    """Return what happened to one promotion and which versions it moved, the oldest first. One query.

    :param permissions: the reader's, as for `of`
    """
    about = Q(target_kind="promotion", target_id=str(promotion.pk))
    about |= Q(
        event=Event.VERSION_STAGE_CHANGED,
        model_name=promotion.version.model.name,
        data__promotion=promotion.pk,
    )
    found = AuditEntry.objects.filter(about).order_by("sequence")
    if Permission.AUDIT_READ not in permissions:
        found = found.exclude(event=Event.PERMISSION_DENIED)
    entries = [_entry(entry) for entry in found]
    # What the requester wrote stands at the head of the page.
    return [replace(entries[0], body=""), *entries[1:]] if entries else []


def _entry(entry: AuditEntry) -> TimelineEntry:
    event = Event(entry.event)
    icon, tone, words = _LOOKS.get(event, ("information-circle", "", entry.event))
    data: dict[str, Any] = entry.data
    moved = event == Event.VERSION_STAGE_CHANGED
    if event == Event.PROMOTION_REVIEWED:
        icon, tone = _REVIEWS.get(data.get("verdict", ""), (icon, tone))
        words = labels.verdict(data.get("verdict", "")) or words
    return TimelineEntry(
        anchor=f"event-{entry.sequence}",
        icon=icon,
        tone=tone,
        actor=entry.actor_name,
        text=str(words),
        at=entry.at,
        subject=entry.target_name.rpartition("@")[2] if moved else "",
        body="" if event in _ECHOES else str(data.get("comment") or data.get("reason") or ""),
        promotion=entry.target_id if entry.target_kind == "promotion" else str(data.get("promotion") or ""),
        stages=(str(data["from"]), str(data["to"])) if moved else None,
    )
