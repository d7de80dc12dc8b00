"""Rules: reading the instant that somebody asks about. No database, no Django."""

import re
from datetime import UTC, datetime, timedelta, timezone

EXAMPLE = "2026-01-31T09:30:00Z"

_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
# A plus that nobody encoded arrives as a space.
_LOST_PLUS = re.compile(r"(\d) (\d\d:?\d\d)$", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_FARTHEST = timedelta(hours=14)
# Before it, some zones would have a year 0, which no date can say.
_EARLIEST = datetime.min.replace(tzinfo=UTC) + _FARTHEST

#: The offsets from UTC that are in use somewhere, from west to east, as ISO 8601 writes them.
OFFSETS: tuple[str, ...] = tuple(
    f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    for minutes in sorted(
        {60 * hour for hour in range(-12, 15)}
        | {-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825}
    )
)


class InstantError(ValueError):
    """The text names no instant that can be asked about; the message says why."""


def parse(text: str, *, offset: str = "", now: datetime) -> datetime:
    """Return the instant that `text` names, in UTC.

    :param text: ISO 8601 date and time, such as ``2026-01-31T09:30:00+09:00``
    :param offset: distance from UTC, such as ``+09:00``, for a text that has none; empty: it has to have one
    :param now: the present; nobody knows what will be later
    :raises InstantError: not such a text, a date or time that does not exist, no zone, or in the future
    """
    found = _SHAPE.fullmatch(_LOST_PLUS.sub(r"\1+\2", text.strip()))
    if found is None:
        raise InstantError(f"Write an instant with its time zone, such as {EXAMPLE}.")
    name = found[8] or offset
    if not name:
        raise InstantError(f"Say in which time zone, such as {EXAMPLE}.")
    moment = _moment(found, zone(name))
    if moment > now:
        raise InstantError("This is in the future.")
    return moment


def zone(text: str) -> timezone:
    """Return the zone that lies `text` from UTC: ``Z``, or such as ``+09:00``.

    :raises InstantError: there is none
    """
    if text == "Z":
        return UTC
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[3]) > 59:
        raise InstantError("There is no such time zone.")
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if distance > _FARTHEST:
        raise InstantError("There is no such time zone.")
    return timezone(-distance if found[1] == "-" else distance)


def _moment(found: re.Match[str], place: timezone) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    micro = int((found[7] or "0").ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=place).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InstantError("There is no such date or time.") from None
    if moment < _EARLIEST:
        raise InstantError("There is no such date or time.")
    return moment
