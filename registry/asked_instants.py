"""The instant that the address of a page asks about, as its form shows it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone

from experiments import sentences
from registry import instants


@dataclass(frozen=True)
class Asked:
    """The instant that the address asks about, as its form shows it.

    :ivar at: the instant; the present where none was asked about, or none that exists
    :ivar typed: date and time for the form
    :ivar offset: distance from UTC for the form
    :ivar error: why the instant could not be taken
    :ivar is_now: whether the answer is about the present
    """

    at: datetime
    typed: str
    offset: str
    error: str
    is_now: bool

    @property
    def link(self) -> str:
        """The instant as a permanent address names it, to the microsecond where it has any."""
        return f"{self.at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"

    @property
    def then(self) -> datetime | None:
        """The instant; None for the present."""
        return None if self.is_now else self.at


def of(request: HttpRequest) -> Asked:
    """Return the instant that `at` and `zone` of the query ask about."""
    text, offset = request.GET.get("at", "").strip(), request.GET.get("zone", "").strip()
    now = timezone.now()
    zone = offset if offset in instants.OFFSETS else "+00:00"
    if not text:
        return Asked(now, _typed(now, zone), zone, "", is_now=True)
    try:
        moment = instants.parse(text, offset=offset, now=now)
    except instants.InstantError as error:
        return Asked(now, text[:40], zone, sentences.translated(str(error)), is_now=True)
    return Asked(moment, _typed(moment, zone), zone, "", is_now=False)


def _typed(moment: datetime, zone: str) -> str:
    """Return an instant as a form field for date and time takes it, in the zone of that offset."""
    local = moment.astimezone(instants.zone(zone))
    return local.strftime("%Y-%m-%dT%H:%M:%S")
