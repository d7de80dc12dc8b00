"""Whether a promotion can be approved by a person, and every reason why not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from registry import access, blocking, evidence, promotion_people
from registry.blocking import Reason
from registry.gates.gate import Judged
from registry.models import Promotion, Review, Waiver
from registry.policy_rules import Rules


@dataclass(frozen=True)
class StaleReview:
    """An approval that does not count any more.

    :ivar changed: names of what has changed since it was given, see `labels.evidence`
    """

    review: Review
    changed: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What has changed since, in the active language."""
        return _("Approved before these facts changed: %(names)s.") % {"names": blocking.named(self.changed)}


@dataclass(frozen=True)
class Renewal:
    """One renewal of the evidence, as the trail tells.

    :ivar before: digest of the evidence that it replaced
    :ivar changed: names of what had changed
    """

    before: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What the verdict box says.

    :ivar blocking: why the promotion cannot be approved by anybody now
    :ivar personal: why this person cannot decide; empty where they can
    :ivar approvals: how many different people have approved this evidence
    :ivar needed: how many have to
    :ivar gates: every gate of the policy; of a decided promotion as they stood then
    :ivar waivers: every waiver that was given, also of gates that pass by now
    :ivar stale: approvals of older evidence
    :ivar changed: names of what has changed since the evidence was taken
    :ivar has_approved: whether this person's approval counts already
    :ivar rules: the policy that holds; None once it is decided
    """

    state: str
    blocking: tuple[Reason, ...]
    personal: str
    approvals: int
    needed: int
    gates: tuple[Judged, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    stale: tuple[StaleReview, ...] = ()
    changed: tuple[str, ...] = ()
    has_approved: bool = False
    rules: Rules | None = None

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
        return self.can_decide and not self.blocking and not self.has_approved

    @property
    def missing(self) -> int:
        """How many approvals are still needed."""
        return max(0, self.needed - self.approvals)

    @property
    def is_last_approval(self) -> bool:
        """Whether one more approval changes the stage."""
        return self.missing <= 1


def of(
    promotion: Promotion,
    user: User,
    permissions: Collection[Permission],
    *,
    renewals: Sequence[Renewal] | None = None,
) -> Verdict:
    """Return the verdict on `promotion` as `user` meets it.

    :param permissions: what `user` may do to the model, see `access.permissions_on`
    :param renewals: every renewal of the evidence, the oldest first, where the caller has read the trail;
        saves the query that finds out what has changed since an approval
    :returns: after two queries if it is decided, else at most sixteen, whatever the numbers
    """
    reviews = list(promotion.reviews.all())
    waivers = tuple(promotion.waivers.all())
    if promotion.state != Promotion.State.OPEN:
        return _decided(promotion, reviews, waivers, renewals)
    found = evidence.collect(promotion.version, promotion.to_stage)
    changed = evidence.changes(promotion.evidence, found.snapshot)
    valid = _approvals(promotion, reviews)
    waived = {waiver.gate for waiver in waivers}
    return Verdict(
        state=promotion.state,
        blocking=blocking.reasons(promotion, found, waived, timezone.now()),
        personal=_personal(promotion, user, permissions, found.rules),
        approvals=promotion_people.different(valid),
        needed=found.rules.approvals,
        gates=found.judged,
        waivers=waivers,
        stale=_stale(promotion, reviews, renewals),
        changed=tuple(changed),
        has_approved=any(review.reviewer_id == user.pk for review in valid),
        rules=found.rules,
    )


def _decided(
    promotion: Promotion,
    reviews: Sequence[Review],
    waivers: tuple[Waiver, ...],
    renewals: Sequence[Renewal] | None,
) -> Verdict:
    return Verdict(
        state=promotion.state,
        blocking=(),
        personal="",
        approvals=promotion_people.different(_approvals(promotion, reviews)),
        needed=evidence.needed_in(promotion.evidence),
        gates=evidence.judged_in(promotion.evidence),
        waivers=waivers,
        stale=_stale(promotion, reviews, renewals),
    )


def _approvals(promotion: Promotion, reviews: Sequence[Review]) -> list[Review]:
    return [
        review
        for review in reviews
        if review.verdict == Review.Verdict.APPROVE and review.evidence_digest == promotion.evidence_digest
    ]


def _stale(
    promotion: Promotion, reviews: Sequence[Review], renewals: Sequence[Renewal] | None
) -> tuple[StaleReview, ...]:
    """Return the approvals of older evidence. One query if there are any, and no `renewals` are given."""
    older = [
        review
        for review in reviews
        if review.verdict == Review.Verdict.APPROVE and review.evidence_digest != promotion.evidence_digest
    ]
    if not older:
        return ()
    if renewals is not None:
        return tuple(StaleReview(review, _since(review, renewals)) for review in older)
    digests = {review.evidence_digest for review in older}
    seen = dict(promotion.snapshots.filter(digest__in=digests).values_list("digest", "facts"))
    return tuple(
        StaleReview(review, tuple(evidence.changes(seen.get(review.evidence_digest, {}), promotion.evidence)))
        for review in older
    )


def _since(review: Review, renewals: Sequence[Renewal]) -> tuple[str, ...]:
    """Return what has changed from the first renewal after the evidence that was reviewed."""
    names: set[str] = set()
    found = False
    for renewal in renewals:
        found = found or renewal.before == review.evidence_digest
        names |= set(renewal.changed) if found else set()
    return tuple(sorted(names))


def _personal(promotion: Promotion, user: User, permissions: Collection[Permission], rules: Rules) -> str:
    if Permission.PROMOTION_REVIEW not in permissions:
        return access.explain_on(Permission.PROMOTION_REVIEW, promotion.version.model)
    why = promotion_people.requesters(promotion, rules).reason_against(user)
    if why == promotion_people.REQUESTER:
        return _("You asked for this promotion, so another reviewer has to decide.")
    if why:
        return promotion_people.sentence_against(why)
    return promotion_people.outside_groups(user, rules)
