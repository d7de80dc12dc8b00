"""What the pages of a version's card show, each with a fixed number of queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from audit.events import Event
from audit.models import AuditEntry
from registry import access, card, card_labels, card_rendering, selectors, trail_targets
from registry.card_labels import Badge
from registry.card_rendering import Shown
from registry.models import CardRevision, ModelVersion

REVISIONS_SHOWN = 100
_NUMBER_DIGITS = 6


@dataclass(frozen=True)
class Returned:
    """Why a revision was sent back, by whom and when."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Section:
    """One required section: its name and purpose in words, and whether the card has it."""

    name: str
    hint: str
    is_there: bool


@dataclass(frozen=True)
class Row:
    """One revision of the list."""

    revision: CardRevision
    badge: Badge


@dataclass(frozen=True)
class Page:
    """The card of a version as somebody meets it.

    :ivar revision: the one that is shown; None: there is no card yet
    :ivar newest: the one that counts
    :ivar refusals: act (``edit``, ``submit``, ``approve``, ``return``) -> why this person cannot do it now
    """

    revision: CardRevision | None
    newest: CardRevision | None
    rows: list[Row]
    shown: Shown | None
    badge: Badge | None
    returned: Returned | None
    production: ModelVersion | None
    refusals: dict[str, str]

    @property
    def sections(self) -> list[Section]:
        """The required sections of what is shown."""
        return sections(self.shown) if self.shown else []

    @property
    def is_newest(self) -> bool:
        """Whether what is shown is what counts."""
        return self.revision is not None and self.revision == self.newest


def of(version: ModelVersion, user: User, number: int | None = None) -> Page:
    """Return the card of `version`. Eight queries at most.

    :param number: an older revision; None shows the newest
    :raises Http404: there is no such revision
    """
    rows = revisions(version)
    newest = rows[0] if rows else None
    revision = newest if number is None else get(version, number)
    permissions = access.permissions_on(user, version.model)
    shown = card_rendering.shown(version, revision.text) if revision else None
    production = selectors.production(version.model_id)
    return Page(
        revision=revision,
        newest=newest,
        rows=[Row(row, card_labels.state(row.state)) for row in rows],
        shown=shown,
        badge=card_labels.state(revision.state) if revision else None,
        returned=_returned(revision) if revision else None,
        production=production if production and production.pk != version.pk else None,
        refusals=_refusals(version, newest, shown, user, permissions),
    )


def revisions(version: ModelVersion) -> list[CardRevision]:
    """Return the newest revisions, at most `REVISIONS_SHOWN`; texts are read where they are needed."""
    rows = CardRevision.objects.filter(version=version).order_by("-number").defer("text")
    found = list(rows[:REVISIONS_SHOWN])
    for revision in found:
        revision.version = version
    return found


def get(version: ModelVersion, number: int) -> CardRevision:
    """Return a revision by its number. One query.

    :raises Http404: there is none
    """
    found = CardRevision.objects.filter(version=version, number=number).first()
    if found is None:
        raise Http404(_("This card has no revision %(number)d.") % {"number": number})
    found.version = version
    return found


def number_of(text: str | None) -> int | None:
    """Return the number of a revision as an address names it; None where it names none.

    :raises Http404: it is no number
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
        raise Http404(_("Revisions are named by their number."))
    return int(text)


def sections(shown: Shown) -> list[Section]:
    """Return the required sections in words, and which of them are there."""
    return [
        Section(card_labels.lacking(name), str(card_labels.HINTS[name]), there)
        for name, there in shown.sections
    ]


def refusals(version: ModelVersion, user: User) -> dict[str, str]:
    """Return why `user` cannot edit or review cards of `version`; empty texts where they can."""
    permissions = access.permissions_on(user, version.model)
    return _refusals(version, None, None, user, permissions)


def _refusals(
    version: ModelVersion,
    newest: CardRevision | None,
    shown: Shown | None,
    user: User,
    permissions: Collection[Permission],
) -> dict[str, str]:
    edit = _without(Permission.MODEL_EDIT, permissions, version)
    review = _without(Permission.PROMOTION_REVIEW, permissions, version)
    found = {"edit": edit, "submit": edit, "approve": review, "return": review}
    if newest is None:
        return found
    if not edit and shown and shown.missing:
        found["submit"] = _("Sections or values are missing.")
    if not review and newest.state == CardRevision.State.IN_REVIEW and user.pk in card.authors(newest):
        found["approve"] = _("You wrote it. Another reviewer has to approve it.")
    return found


def _without(permission: Permission, permissions: Collection[Permission], version: ModelVersion) -> str:
    return "" if permission in permissions else access.explain_on(permission, version.model)


def _returned(revision: CardRevision) -> Returned | None:
    """Return why the revision was sent back last; the trail knows."""
    if revision.state != CardRevision.State.DRAFT:
        return None
    entry = (
        AuditEntry.objects.filter(
            target_kind="version",
            target_id=trail_targets.version_id(revision.version),
            event=Event.CARD_RETURNED,
            data__card=revision.number,
        )
        .order_by("-sequence")
        .first()
    )
    return Returned(entry.actor_name, str(entry.data.get("reason", "")), entry.at) if entry else None
