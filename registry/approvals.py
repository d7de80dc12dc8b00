"""Who has reviewed a promotion, on which evidence, and whose approval is still missing. No database."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry import labels
from registry.models import Promotion, Review
from registry.verdict import Verdict

_LOOKS = {
    Review.Verdict.APPROVE.value: ("good", "check-circle"),
    Review.Verdict.REQUEST_CHANGES.value: ("warn", "pencil-square"),
    Review.Verdict.REJECT.value: ("bad", "x-circle"),
}


@dataclass(frozen=True)
class Given:
    """One review.

    :ivar words: what the reviewer did
    :ivar is_stale: whether it is an approval of other evidence, which does not count
    :ivar changed: names of what has changed since, see `labels.evidence`
    """

    review: Review
    words: str
    tone: str
    icon: str
    is_stale: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approvals:
    """All reviews, and the count.

    :ivar given: by how many people this evidence is approved
    :ivar groups: names of the groups whose approvals count; empty: of everybody who may review
    """

    given: int
    needed: int
    reviews: tuple[Given, ...]
    groups: str = ""

    @property
    def slots(self) -> list[bool]:
        """For each approval that is needed whether it is given."""
        return [number < self.given for number in range(max(self.needed, self.given))]

    @property
    def missing(self) -> range:
        """One number for each approval that is still needed."""
        return range(max(0, self.needed - self.given))


def of(promotion: Promotion, verdict: Verdict, reviews: Sequence[Review]) -> Approvals:
    """Return the reviews of `promotion` in their order, stale ones marked."""
    changed = {stale.review.pk: stale.changed for stale in verdict.stale}
    return Approvals(
        verdict.approvals,
        verdict.needed,
        tuple(_given(review, promotion, changed.get(review.pk, ())) for review in reviews),
        ", ".join(verdict.rules.groups) if verdict.rules else "",
    )


def _given(review: Review, promotion: Promotion, changed: tuple[str, ...]) -> Given:
    tone, icon = _LOOKS[review.verdict]
    approves = review.verdict == Review.Verdict.APPROVE
    stale = approves and review.evidence_digest != promotion.evidence_digest
    return Given(
        review,
        labels.verdict(review.verdict),
        "" if stale else tone,
        "arrow-path" if stale else icon,
        stale,
        changed,
    )
