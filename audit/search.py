"""Finding entries: a filter, and a window over what passes it, by number instead of by page."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from audit import chain
from audit.events import Event
from audit.models import AuditEntry

SIZE = 50
_NAMES = ("actor_name", "target_name", "model_name")


@dataclass(frozen=True)
class Filter:
    """Which entries are wanted; what is empty asks for nothing.

    :ivar person: whole name of who did it
    :ivar event: an event (``promotion.opened``), or all that begin so (``promotion``)
    :ivar target: kind of what it was done to (``version``), or kind and id (``version:receipt-ocr@1.0.0``)
    :ivar since: first instant
    :ivar until: first instant that is too late
    :ivar text: part of a name of a person, a target or a model
    """

    person: str = ""
    model: str = ""
    event: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything pass."""
        return self == Filter()

    def as_data(self) -> dict[str, Any]:
        """Return what it asks for as JSON, for the trail."""
        asked = {name: value for name, value in asdict(self).items() if value}
        return {
            name: chain.instant(value) if isinstance(value, datetime) else value
            for name, value in asked.items()
        }


@dataclass(frozen=True)
class Window:
    """Some entries, newest first; `older` and `newer` are the numbers from which to go on, None at an end."""

    entries: list[AuditEntry]
    older: int | None
    newer: int | None

    @property
    def last(self) -> int:
        """Number of the last entry shown, 0 where there is none."""
        return self.entries[-1].sequence if self.entries else 0


def groups() -> list[str]:
    """Return the first words of events, in the order of the list: what things events are about."""
    return list(dict.fromkeys(event.partition(".")[0] for event in Event))


def matching(wanted: Filter) -> QuerySet[AuditEntry]:
    """Return the entries that pass, in no particular order."""
    kind, _, identifier = wanted.target.partition(":")
    conditions = Q()
    if wanted.person:
        conditions &= Q(actor_name=wanted.person)
    if wanted.model:
        conditions &= Q(model_name=wanted.model)
    if wanted.event:
        conditions &= Q(event__in=_events(wanted.event))
    if kind:
        conditions &= Q(target_kind=kind)
    if identifier:
        conditions &= Q(target_id=identifier)
    if wanted.since:
        conditions &= Q(at__gte=wanted.since)
    if wanted.until:
        conditions &= Q(at__lt=wanted.until)
    if wanted.text:
        named = Q()
        for name in _NAMES:
            named |= Q(**{f"{name}__icontains": wanted.text})
        conditions &= named
    return AuditEntry.objects.filter(conditions)


def window(wanted: Filter, *, before: int | None = None, after: int | None = None) -> Window:
    """Return up to `SIZE` entries that pass, newest first. One query.

    Args:
        wanted: the filter.
        before: only older ones than this number.
        after: only newer ones than this number, the oldest of them; `before` then counts for nothing.
    """
    found = matching(wanted)
    if after is not None:
        rows = list(found.filter(sequence__gt=after).order_by("sequence")[: SIZE + 1])
        entries, more = rows[:SIZE][::-1], len(rows) > SIZE
        return Window(
            entries, entries[-1].sequence if entries else None, entries[0].sequence if more else None
        )
    if before is not None:
        found = found.filter(sequence__lt=before)
    rows = list(found.order_by("-sequence")[: SIZE + 1])
    entries, more = rows[:SIZE], len(rows) > SIZE
    newer = entries[0].sequence if entries and before is not None else None
    return Window(entries, entries[-1].sequence if more else None, newer)


def _events(wanted: str) -> list[str]:
    return [event.value for event in Event if event == wanted or event.partition(".")[0] == wanted]
