"""Whether a promotion can be approved by a person, and every reason why not."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.access import explain
from accounts.models import User
from accounts.roles import Permission
from registry import labels, promotion
from registry.models import Promotion, Review


@dataclass(frozen=True)
class Verdict:
    """What the verdict box says.

    :ivar blocking: why the promotion cannot be approved by anybody now
    :ivar personal: why this person cannot decide; empty where they can
    :ivar approvals: approvals given so far on this evidence
    """

    state: str
    blocking: tuple[str, ...]
    personal: str
    approvals: int
    needed: int = promotion.APPROVALS_NEEDED

    @property
    def is_open(self) -> bool:
        """Whether the promotion still waits for a decision."""
        return self.state == Promotion.State.OPEN

    @property
    def can_decide(self) -> bool:
        """Whether this person may give a verdict now."""
        return self.is_open and not self.personal

    @property
    def can_approve(self) -> bool:
        """Whether an approval by this person would count."""
        return self.can_decide and not self.blocking


def of(request: Promotion, user: User, permissions: Collection[Permission]) -> Verdict:
    """Return the verdict on `request` as `user` meets it. Three queries at most."""
    is_open = request.state == Promotion.State.OPEN
    return Verdict(
        state=request.state,
        blocking=tuple(_blocking(request)) if is_open else (),
        personal=_personal(request, user, permissions) if is_open else "",
        approvals=sum(
            review.verdict == Review.Verdict.APPROVE and review.evidence_digest == request.evidence_digest
            for review in request.reviews.all()
        ),
    )


def _blocking(request: Promotion) -> list[str]:
    changed = promotion.staleness(request)
    if not changed:
        return []
    text = _("The evidence changed since the request was opened: %(names)s. A new request is needed.")
    return [text % {"names": ", ".join(map(labels.evidence, changed))}]


def _personal(request: Promotion, user: User, permissions: Collection[Permission]) -> str:
    if Permission.PROMOTION_REVIEW not in permissions:
        return explain(Permission.PROMOTION_REVIEW)
    if request.requested_by_id == user.pk:
        return _("You asked for this promotion, so another reviewer has to decide.")
    return ""
