"""What the verdict box of a promotion says first: where it stands, in one sentence. No database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from registry.models import Promotion, Review
from registry.verdict import Verdict

_State, _Kind = Promotion.State, Promotion.Kind


@dataclass(frozen=True)
class Standing:
    """Where a promotion stands.

    :ivar tone: ``open``, ``good``, ``warn``, ``bad`` or empty
    :ivar icon: name of a heroicon
    :ivar text: one more sentence, or empty
    :ivar by: who brought it there, where a person did
    :ivar quote: what they wrote, in Markdown
    :ivar is_moving: whether a job brings it on without anybody doing anything
    :ivar can_ask_again: whether a new request is the way on
    :ivar needs_follow_up: whether a bypass waits for somebody who looks at it
    """

    tone: str
    icon: str
    title: str
    text: str = ""
    by: str = ""
    at: datetime | None = None
    quote: str = ""
    is_moving: bool = False
    can_ask_again: bool = False
    needs_follow_up: bool = False


def of(promotion: Promotion, verdict: Verdict, reviews: Sequence[Review], *, ended_by: str = "") -> Standing:
    """Return where `promotion` stands for the person whose `verdict` it is.

    :param reviews: all of it, the oldest first
    :param ended_by: who withdrew it, as the trail tells
    """
    if verdict.is_open:
        return _open(verdict)
    if promotion.state in (_State.APPROVED, _State.APPLIED):
        return _decided_for(promotion)
    return _decided_against(promotion, reviews, ended_by)


def _open(verdict: Verdict) -> Standing:
    if verdict.blocking:
        count = len(verdict.blocking)
        text = ngettext("%(count)d thing stands in the way.", "%(count)d things stand in the way.", count) % {
            "count": count
        }
        return Standing("bad", "x-circle", _("Cannot be approved"), text)
    if verdict.has_approved:
        text = ngettext(
            "You approved it; %(count)d more approval is needed.",
            "You approved it; %(count)d more approvals are needed.",
            verdict.missing,
        ) % {"count": verdict.missing}
        return Standing("open", "clock", _("Waits for another reviewer"), text)
    if verdict.can_decide:
        text = _("Your approval decides.") if verdict.is_last_approval else ""
        return Standing("open", "inbox", _("Ready for your decision"), text)
    return Standing("open", "clock", _("Waits for another reviewer"), verdict.personal)


def _decided_for(promotion: Promotion) -> Standing:
    by = "" if promotion.kind == _Kind.REQUEST else promotion.requested_by_name
    if promotion.state == _State.APPLIED:
        return _applied(promotion, by)
    if promotion.problem:
        title = _("Approved, but not applied to MLflow")
        if promotion.kind == _Kind.ROLLBACK:
            title = _("Rolled back here, but not in MLflow")
        return Standing("bad", "x-circle", title, by=by, at=promotion.decided_at)
    titles = {
        _Kind.REQUEST.value: _("Approved; MLflow is being brought to the same state"),
        _Kind.ROLLBACK.value: _("Rolled back; MLflow is being brought to the same state"),
        _Kind.BYPASS.value: _("Put in place without a review; MLflow is being brought to the same state"),
    }
    return Standing(
        "bad" if _waits_for_follow_up(promotion) else "good",
        "arrow-path",
        titles[promotion.kind],
        by=by,
        at=promotion.decided_at,
        is_moving=True,
        needs_follow_up=_waits_for_follow_up(promotion),
    )


def _applied(promotion: Promotion, by: str) -> Standing:
    at = promotion.applied_at
    if promotion.kind == _Kind.ROLLBACK:
        return Standing("good", "arrow-uturn-left", _("Rolled back and applied to MLflow"), by=by, at=at)
    if promotion.kind != _Kind.BYPASS:
        return Standing("good", "check-circle", _("Approved and applied to MLflow"), by=by, at=at)
    if _waits_for_follow_up(promotion):
        title = _("Put in place without a review")
        text = _("Somebody else has to look at it afterwards.")
        return Standing("bad", "bolt", title, text, by=by, at=at, needs_follow_up=True)
    return Standing(
        "warn",
        "bolt",
        _("Put in place without a review, and reviewed afterwards"),
        by=promotion.followed_up_by,
        at=promotion.followed_up_at,
        quote=promotion.follow_up,
    )


def _decided_against(promotion: Promotion, reviews: Sequence[Review], ended_by: str) -> Standing:
    at = promotion.decided_at
    if promotion.state == _State.WITHDRAWN:
        return Standing("", "arrow-uturn-left", _("Withdrawn"), by=ended_by, at=at, can_ask_again=True)
    if promotion.state == _State.EXPIRED:
        text = _("Nobody decided in time, so the request ended by itself.")
        return Standing("warn", "clock", _("Expired"), text, at=at, can_ask_again=True)
    rejected = promotion.state == _State.REJECTED
    wanted = Review.Verdict.REJECT if rejected else Review.Verdict.REQUEST_CHANGES
    last = next((review for review in reversed(reviews) if review.verdict == wanted), None)
    return Standing(
        "bad" if rejected else "warn",
        "hand-thumb-down" if rejected else "pencil-square",
        _("Rejected") if rejected else _("Changes requested"),
        by=last.reviewer_name if last else "",
        at=at,
        quote=last.comment if last else "",
        can_ask_again=True,
    )


def _waits_for_follow_up(promotion: Promotion) -> bool:
    return promotion.kind == _Kind.BYPASS and promotion.followed_up_at is None
