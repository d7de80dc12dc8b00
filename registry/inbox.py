"""The promotions by whose turn it is."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from registry import selectors
from registry.models import Promotion


@dataclass(frozen=True)
class Tab:
    """One tab of the inbox; `count` is None where counting says nothing (what is done only grows)."""

    key: str
    label: str
    rows: QuerySet[Promotion]
    count: int | None


def tabs(user: User, permissions: Collection[Permission]) -> list[Tab]:
    """Return the tabs as `user` sees them: their turn, somebody else's turn, done."""
    mine, others = needs_review_by(user, permissions), waiting_on_others(user, permissions)
    done = selectors.promotions().exclude(state=Promotion.State.OPEN)
    return [
        Tab("needs-review", _("Needs my review"), mine, mine.count()),
        Tab("waiting", _("Waiting on others"), others, others.count()),
        Tab("done", _("Done"), done, None),
    ]


def needs_review_by(user: User, permissions: Collection[Permission]) -> QuerySet[Promotion]:
    """Return the open promotions that `user` may decide about, the oldest first."""
    waiting = selectors.open_promotions()
    if Permission.PROMOTION_REVIEW not in permissions:
        return waiting.none()
    return waiting.exclude(requested_by=user)


def waiting_on_others(user: User, permissions: Collection[Permission]) -> QuerySet[Promotion]:
    """Return the open promotions that somebody else has to decide about, the oldest first."""
    waiting = selectors.open_promotions()
    return waiting.filter(requested_by=user) if Permission.PROMOTION_REVIEW in permissions else waiting
