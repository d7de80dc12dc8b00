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
    def exact(self) -> str:
        """The instant for the form to keep beside `typed`, of whole seconds; empty: that says it all."""
        return "" if self.is_now or not self.at.microsecond else self.link

    @property
    def then(self) -> datetime | None:
        """The instant; None for the present."""
        return None if self.is_now else self.at


def of(request: HttpRequest) -> Asked:
    """Return the instant that `at` and `zone` of the query ask about.

    A form sends `exact` as well, the instant that it was shown with: that counts unless the field was edited.
    """
    text, offset = request.GET.get("at", "").strip(), request.GET.get("zone", "").strip()
    now = timezone.now()
    zone = offset if offset in instants.OFFSETS else "+00:00"
    if not text:
        return Asked(now, _typed(now, zone), zone, "", is_now=True)
    try:
        moment = instants.parse(text, offset=offset, now=now)
    except instants.InstantError as error:
        return Asked(now, text[:40], zone, sentences.translated(str(error)), is_now=True)
    if offset:
        moment = _unedited(moment, request.GET.get("exact", ""), now)
    return Asked(moment, _typed(moment, zone), zone, "", is_now=False)


def _unedited(moment: datetime, text: str, now: datetime) -> datetime:
    """Return the instant that `text` names, if a form shows it as `moment`, else `moment`."""
    try:
        exact = instants.parse(text, now=now)
    except instants.InstantError:
        return moment
    return exact if exact.replace(microsecond=0) == moment else moment


def _typed(moment: datetime, zone: str) -> str:
    """Return an instant as a form field for date and time takes it, in the zone of that offset."""
    local = moment.astimezone(instants.zone(zone)).replace(tzinfo=None)
    return local.isoformat(timespec="seconds")
