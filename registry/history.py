"""Everything that happened to a version or to a promotion, as one timeline."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission
from audit.events import Event
from audit.models import AuditEntry
from registry import labels, selectors, trail_targets
from registry.models import ModelVersion, Promotion

_LOOKS = {
    Event.VERSION_REGISTERED: ("cube", "", _("registered the version")),
    Event.VERSION_IMPORTED: ("arrow-down-tray", "", _("took the version over from MLflow")),
    Event.VERSION_FINALISED: ("check-badge", "", _("made the candidate final")),
    Event.VERSION_MIRRORED: ("arrow-path", "", _("entered the version in MLflow")),
    Event.VERSION_STAGE_CHANGED: ("arrow-right-circle", "active", _("moved")),
    Event.CHECK_RECORDED: ("beaker", "", _("checked the artifacts")),
    Event.VERSION_REPRODUCED: ("arrow-path", "active", _("rebuilt the version")),
    Event.EVIDENCE_EXPORTED: ("arrow-down-tray", "", _("took the evidence along")),
    Event.DEPLOYMENT_RECORDED: ("server", "active", _("recorded that it serves")),
    Event.DEPLOYMENT_RETIRED: ("stop-circle", "", _("recorded that it no longer serves")),
    Event.CARD_REVISED: ("document-text", "", _("edited the model card")),
    Event.CARD_SUBMITTED: ("document-text", "", _("handed the model card in for review")),
    Event.CARD_APPROVED: ("document-check", "good", _("approved the model card")),
    Event.CARD_RETURNED: ("document-minus", "warn", _("returned the model card")),
    Event.DRIFT_FOUND: (
        "exclamation-triangle",
        "warn",
        _("found a change in MLflow that nobody decided here"),
    ),
    Event.DRIFT_REPAIRED: ("wrench", "good", _("set MLflow back to what was decided")),
    Event.DRIFT_ACCEPTED: ("check", "warn", _("accepted the change in MLflow")),
    Event.DRIFT_GONE: ("check", "", _("found the change in MLflow gone")),
    Event.PROMOTION_OPENED: ("arrow-up-circle", "", _("asked for the promotion")),
    Event.PROMOTION_REVIEWED: ("chat-bubble-left-ellipsis", "", _("reviewed")),
    Event.PROMOTION_COMMENTED: ("chat-bubble-left", "", _("commented")),
    Event.PROMOTION_EVIDENCE_RENEWED: ("arrow-path", "warn", _("renewed the evidence")),
    Event.GATE_WAIVED: ("lock-open", "warn", _("waived the gate")),
    Event.PROMOTION_APPROVED: ("check-circle", "good", _("completed the approval")),
    Event.PROMOTION_APPLIED: ("check-badge", "good", _("brought the stage to MLflow")),
    Event.PROMOTION_NOT_APPLIED: ("x-circle", "bad", _("could not bring the stage to MLflow")),
    Event.PROMOTION_REJECTED: ("x-circle", "bad", _("closed the promotion as rejected")),
    Event.PROMOTION_CHANGES_REQUESTED: ("pencil-square", "warn", _("closed the promotion until it changes")),
    Event.PROMOTION_WITHDRAWN: ("arrow-uturn-left", "", _("withdrew the request")),
    Event.PROMOTION_EXPIRED: ("clock", "warn", _("let the request expire")),
    Event.PROMOTION_BYPASSED: ("bolt", "bad", _("put the version there without a review")),
    Event.PROMOTION_FOLLOWED_UP: ("check", "good", _("reviewed the bypass afterwards")),
    Event.PRODUCTION_ROLLED_BACK: ("arrow-uturn-left", "warn", _("rolled Production back")),
    Event.PERMISSION_DENIED: ("lock-closed", "bad", _("was refused")),
}
_REVIEWS = {
    "approve": ("hand-thumb-up", "good"),
    "request_changes": ("pencil-square", "warn"),
    "reject": ("hand-thumb-down", "bad"),
}
# They repeat the words of the review that brought them about.
_ECHOES = {Event.PROMOTION_REJECTED, Event.PROMOTION_CHANGES_REQUESTED}
# What happens to a version while a promotion of it waits belongs to that promotion's story.
_OF_THE_VERSION = (
    Event.CHECK_RECORDED,
    Event.CARD_REVISED,
    Event.CARD_SUBMITTED,
    Event.CARD_APPROVED,
    Event.CARD_RETURNED,
)
_SPOKEN = {Event.PROMOTION_REVIEWED, Event.PROMOTION_COMMENTED}


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline.

    :ivar event: value of an `audit.events.Event`
    :ivar text: what the actor did, without the actor
    :ivar subject: the version that was moved, where it need not be the one of the page
    :ivar body: what they wrote
    :ivar is_speech: whether `body` is Markdown that a person wrote to others
    :ivar about: what a comment or a waiver is about (``gate:metrics``); empty: the promotion
    :ivar changed: names of the facts that are others now, where evidence was renewed
    :ivar evidence: digest of the evidence that it rests on
    :ivar replaced: digest of the evidence that was renewed
    :ivar promotion: number of the promotion it belongs to
    """

    anchor: str
    icon: str
    tone: str
    actor: str
    text: str
    at: datetime
    event: str = ""
    subject: str = ""
    body: str = ""
    is_speech: bool = False
    about: str = ""
    changed: tuple[str, ...] = ()
    evidence: str = ""
    replaced: str = ""
    promotion: str = ""
    stages: tuple[str, str] | None = None

    @property
    def about_label(self) -> str:
        """What the remark is about, in words."""
        kind, _colon, name = self.about.partition(":")
        return labels.gate(name) if kind == "gate" else name


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
    found = entries_of_promotion(promotion)
    if Permission.AUDIT_READ not in permissions:
        found = [entry for entry in found if entry.event != Event.PERMISSION_DENIED]
    # What the requester wrote stands at the head of the page.
    return [_entry(entry, quiet=entry.event == Event.PROMOTION_OPENED) for entry in found]


def entries_of_promotion(promotion: Promotion) -> list[AuditEntry]:
    """Return the audit entries of a promotion, and those of its versions that belong to it, the oldest first.

    One query; the database finds them by target, and what they say is compared here, because no index holds
    what stands in JSON.
    """
    versions = {
        trail_targets.version_id(version)
        for version in (promotion.version, promotion.incumbent)
        if version is not None
    }
    about = Q(target_kind="promotion", target_id=str(promotion.pk))
    about |= Q(
        target_kind="version",
        target_id__in=sorted(versions),
        event__in=[Event.VERSION_STAGE_CHANGED, *_OF_THE_VERSION],
    )
    # Not ordered by the database, which would rather walk the whole trail than sort a few rows.
    found = AuditEntry.objects.filter(about).order_by()
    return sorted(_belonging(found, promotion), key=lambda entry: entry.sequence)


def _belonging(entries: Iterable[AuditEntry], promotion: Promotion) -> Iterable[AuditEntry]:
    own = trail_targets.version_id(promotion.version)
    for entry in entries:
        if entry.target_kind == "promotion":
            yield entry
        elif entry.event == Event.VERSION_STAGE_CHANGED:
            if entry.data.get("promotion") == promotion.pk:
                yield entry
        elif entry.target_id == own and _while_open(promotion, entry.at):
            yield entry


def _while_open(promotion: Promotion, moment: datetime) -> bool:
    return promotion.opened_at <= moment and (promotion.decided_at is None or moment <= promotion.decided_at)


def _entry(entry: AuditEntry, *, quiet: bool = False) -> TimelineEntry:
    event = Event(entry.event)
    icon, tone, words = _LOOKS.get(event, ("information-circle", "", entry.event))
    data: dict[str, Any] = entry.data
    moved = event == Event.VERSION_STAGE_CHANGED
    if event == Event.PROMOTION_REVIEWED:
        icon, tone = _REVIEWS.get(data.get("verdict", ""), (icon, tone))
        words = labels.verdict(data.get("verdict", "")) or words
    if event == Event.CHECK_RECORDED:
        icon, tone = ("shield-check", "good") if data.get("passed") else ("shield-exclamation", "bad")
    gate = str(data.get("gate") or "")
    return TimelineEntry(
        anchor=_anchor(entry, data),
        icon=icon,
        tone=tone,
        actor=entry.actor_name,
        text=str(words),
        at=entry.at,
        event=entry.event,
        subject=entry.target_name.rpartition("@")[2] if moved else "",
        body="" if quiet or event in _ECHOES else _body(data),
        is_speech=event in _SPOKEN,
        about=str(data.get("anchor") or (f"gate:{gate}" if gate else "")),
        changed=tuple(map(str, data.get("changed") or ())) if _lists(data.get("changed")) else (),
        evidence=str(data.get("evidence_digest") or "") if event in _SPOKEN else "",
        replaced=str(data.get("before") or ""),
        promotion=entry.target_id if entry.target_kind == "promotion" else str(data.get("promotion") or ""),
        stages=(str(data["from"]), str(data["to"])) if moved else None,
    )


def _anchor(entry: AuditEntry, data: dict[str, Any]) -> str:
    number = data.get("number") if entry.event == Event.PROMOTION_COMMENTED else None
    return f"comment-{number}" if number else f"event-{entry.sequence}"


def _body(data: dict[str, Any]) -> str:
    found = (data.get(name) for name in ("environment", "comment", "body", "reason", "summary", "problem"))
    return next((str(text) for text in found if text), "")


def _lists(value: Any) -> bool:
    return isinstance(value, list | tuple)
