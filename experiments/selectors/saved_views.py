"""The saved arrangements of the table of runs that a person sees."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import User
from experiments.models import SavedView

_SHOWN = 200


@dataclass(frozen=True)
class ViewTab:
    """One view as the table offers it.

    :ivar own: whether it is the reader's
    :ivar current: whether it was opened last
    :ivar changed: whether the table is arranged in another way than it says, though it was opened last
    """

    view: SavedView
    own: bool
    current: bool
    changed: bool

    @property
    def query(self) -> str:
        """The query of the address that opens it."""
        return f"{self.view.query}&view={self.view.pk}".lstrip("&")


def visible(user: User) -> QuerySet[SavedView]:
    """Return the views of `user` and those that others share, by name."""
    return SavedView.objects.filter(Q(owner=user) | Q(shared=True)).order_by("name", "pk")


def tabs(user: User, opened: str, arrangement: str) -> list[ViewTab]:
    """Return the views that `user` sees, their own first. One query.

    :param opened: what the address says of the view that was opened last
    :param arrangement: how the table is arranged now
    """
    made = []
    for view in visible(user)[:_SHOWN]:
        current = str(view.pk) == opened
        made.append(ViewTab(view, view.owner_id == user.pk, current, current and view.query != arrangement))
    return sorted(made, key=lambda tab: not tab.own)
