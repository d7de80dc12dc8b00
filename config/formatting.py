"""How values are written: numbers, durations, sizes, relative times, versions. Plain text, no HTML.

Numbers look the same in every language (a decimal point, a comma between thousands), because they are copied
into code and compared across pages; words go through gettext.
"""

import math
import re
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext, ngettext

NO_VALUE = "–"  # noqa: RUF001 - an en dash stands for "no value"
MINUS = "\N{MINUS SIGN}"

_VERSION = re.compile(r"(?P<core>\d+\.\d+\.\d+)(?P<pre>-[0-9A-Za-z.-]+)?(?P<build>\+[0-9A-Za-z.-]+)?")


class VersionParts(NamedTuple):
    """A semantic version cut where its typography changes; `pre` and `build` keep their sign."""

    core: str
    pre: str
    build: str


def version_parts(version: object) -> VersionParts:
    """Cut the text of `version` into core, pre-release and build; what is no version is all core."""
    text = str(version)
    match = _VERSION.fullmatch(text)
    if match is None:
        return VersionParts(text, "", "")
    return VersionParts(match["core"], match["pre"] or "", match["build"] or "")


def significant(value: float | int | None, digits: int = 4) -> str:
    """Write a number with `digits` significant digits; whole numbers of type int are written in full.

    Trailing zeros stay, so that a column of metrics lines up. Below 1e-4 and from 1e9 on the notation is
    scientific. None is a dash.
    """
    if value is None:
        return NO_VALUE
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return _finite(value, digits).replace("-", MINUS)


def _finite(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    # Rounding comes first: 9.99996 has the exponent of 10, not of 9.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if exponent < -4 or exponent >= 9:
        mantissa = f"{value:.{digits - 1}e}".partition("e")[0]
        return f"{mantissa}e{exponent}"
    return f"{value:,.{max(digits - 1 - exponent, 0)}f}"


def signed(value: float, digits: int = 4) -> str:
    """Write a difference with its sign; zero has none."""
    text = significant(float(value), digits)
    return f"+{text}" if value > 0 else text


def duration(seconds: float | None) -> str:
    """Write a length of time, given in seconds, by its two largest units: `0.8 s`, `3 min 05 s`."""
    if seconds is None:
        return NO_VALUE
    if seconds < 0:
        return MINUS + duration(-seconds)
    if seconds < 9.95:
        return gettext("%(value)s s") % {"value": f"{seconds:.1f}"}
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if whole < 60:
        return gettext("%(value)s s") % {"value": whole}
    if whole < 3600:
        return gettext("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": second}
    if whole < 86_400:
        return gettext("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minute}
    return gettext("%(days)d d %(hours)d h") % {"days": days, "hours": hour}


def relative_time(moment: datetime, now: datetime) -> str:
    """Write how long before (or after) `now` the `moment` is, in its largest unit. Both carry a time zone."""
    seconds = round((now - moment).total_seconds())
    distance = abs(seconds)
    if distance < 10:
        return gettext("just now")
    text = {"distance": _distance(distance)}
    return gettext("%(distance)s ago") % text if seconds > 0 else gettext("in %(distance)s") % text


def _distance(seconds: int) -> str:
    """Write a number of whole seconds in its largest unit, rounded down as people count age."""
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    if seconds < 3600:
        count = seconds // 60
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    if seconds < 86_400:
        count = seconds // 3600
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    days = seconds // 86_400
    if days < 30:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if days < 365:
        count = days // 30
        return ngettext("%(count)d month", "%(count)d months", count) % {"count": count}
    count = days // 365
    return ngettext("%(count)d year", "%(count)d years", count) % {"count": count}
