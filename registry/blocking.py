"""Why a promotion cannot be approved by anybody now. No database."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments import sentences
from registry import evidence, labels
from registry.evidence import Collected
from registry.gates.gate import Judged, Status
from registry.models import Promotion

EVIDENCE, STAGE, EXPIRED, TOO_EARLY = "evidence", "stage", "expired", "too_early"
GATE_FAILED, GATE_PENDING = "gate_failed", "gate_pending"


@dataclass(frozen=True)
class Reason:
    """One thing that stands in the way.

    :ivar kind: one of the words at the head of this module
    :ivar text: one sentence in the active language
    :ivar anchor: what it is about: ``gate:`` and a name, ``evidence``, ``policy`` or ``stage``
    """

    kind: str
    text: str
    anchor: str

    def __str__(self) -> str:
        return self.text


def reasons(
    promotion: Promotion, found: Collected, waived: Collection[str], now: datetime
) -> tuple[Reason, ...]:
    """Return everything that keeps the open `promotion` from being approved, the gravest first.

    :param found: what is true now; `evidence.collect`
    :param waived: names of the gates that an administrator has waived
    """
    return (
        *_expired(promotion, now),
        *_elsewhere(promotion),
        *_changed(promotion, found),
        *_gates(found.judged, waived),
        *_too_early(promotion, found, now),
    )


def _expired(promotion: Promotion, now: datetime) -> Iterable[Reason]:
    if promotion.expires_at is not None and promotion.expires_at <= now:
        yield Reason(EXPIRED, _("The request has expired; a new one is needed."), "policy")


def _elsewhere(promotion: Promotion) -> Iterable[Reason]:
    version = promotion.version
    if version.stage != promotion.from_stage:
        text = _("%(version)s is in %(stage)s by now.")
        words = {"version": version.version, "stage": labels.stage(version.stage)}
        yield Reason(STAGE, text % words, "stage")


def _changed(promotion: Promotion, found: Collected) -> Iterable[Reason]:
    if found.digest == promotion.evidence_digest:
        return
    names = named(evidence.changes(promotion.evidence, found.snapshot))
    text = _("Since the evidence was taken these facts changed: %(names)s. It has to be renewed.")
    yield Reason(EVIDENCE, text % {"names": names}, "evidence")


def _gates(judged: Iterable[Judged], waived: Collection[str]) -> Iterable[Reason]:
    for one in judged:
        if not one.blocks or one.gate in waived:
            continue
        kind = GATE_PENDING if one.result.status is Status.PENDING else GATE_FAILED
        text = f"{labels.gate(one.gate)}: {sentences.translated(one.result.reason)}"
        yield Reason(kind, text, f"gate:{one.gate}")


def _too_early(promotion: Promotion, found: Collected, now: datetime) -> Iterable[Reason]:
    hours = found.rules.minimum_hours
    ready = promotion.version.stage_since + timedelta(hours=hours)
    if hours and now < ready:
        text = ngettext(
            "It has to be in %(stage)s for %(hours)d hour first, until %(instant)s.",
            "It has to be in %(stage)s for %(hours)d hours first, until %(instant)s.",
            hours,
        )
        words = {
            "stage": labels.stage(promotion.version.stage),
            "hours": hours,
            "instant": ready.strftime("%Y-%m-%d %H:%M %Z"),
        }
        yield Reason(TOO_EARLY, text % words, "policy")


def named(changed: Iterable[str]) -> str:
    """Return the names of changed parts of the evidence in the active language, in one line."""
    return ", ".join(dict.fromkeys(map(labels.evidence, changed)))
