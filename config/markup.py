"""HTML of the values and states that appear on many pages. Template tags: `config.templatetags.interface`.

What a table has in each of its hundreds of cells is put together without `format_html`, which takes ten times
as long, and escaped by Python's own `escape`, which is what Django's calls once it has looked for lazy texts.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any

import heroicons
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config import badges, formatting
from experiments import metric_goals
from experiments.file_sizes import file_size

_FOCUS = mark_safe(' tabindex="0"')


def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """Return a heroicon as inline SVG. Without a `label` it is decoration and hidden from screen readers."""
    drawing = _drawing(str(name), int(size))
    if not label:
        return drawing
    return format_html('{}<span class="visually-hidden">{}</span>', drawing, label)


@lru_cache(maxsize=256)
def _drawing(name: str, size: int) -> SafeString:
    style = "micro" if size <= 16 else "mini" if size <= 20 else "outline"
    svg = heroicons._render_icon(style, name, size, {"class": "icon", "focusable": "false"})
    return mark_safe(re.sub(r"\n\s*", "", svg))  # noqa: S308 - the file of a package, no input


def version(value: object) -> SafeString:
    """Return a semantic version: core bold, pre-release normal, build muted."""
    core, pre, build = formatting.version_parts(value)
    return format_html(
        '<span class="version"><b>{}</b>{}{}</span>',
        core,
        format_html('<span class="version-pre">{}</span>', pre) if pre else "",
        format_html('<span class="version-build">{}</span>', build) if build else "",
    )


def stage_badge(stage: object) -> SafeString:
    """Return a stage as icon, word and colour."""
    badge = badges.find_stage(stage)
    return format_html(
        '<span class="stage" data-stage="{}">{}{}</span>', str(stage).lower(), icon(badge.icon), badge.word
    )


def stage_icon(stage: object) -> SafeString:
    """Return the icon of a stage alone, for places that write its word themselves."""
    return icon(badges.find_stage(stage).icon)


def _state(kind: str, state: object) -> SafeString:
    badge = badges.find(kind, state)
    return format_html(
        '<span class="state" data-kind="{}" data-state="{}" data-tone="{}">{}<span>{}</span></span>',
        kind,
        str(state).lower(),
        badge.tone,
        icon(badge.icon),
        badge.word,
    )


def job_state(state: object) -> SafeString:
    """Return the state of a job: queued, running, succeeded, failed, cancelled or lost."""
    return _state("job", state)


def step_state(state: object) -> SafeString:
    """Return the state of a step of a job: waiting, running, done, skipped or failed."""
    return _state("step", state)


def step_icon(state: object) -> SafeString:
    """Return the icon of a step's state with its word for screen readers, as the stepper wants it."""
    badge = badges.find("step", state)
    return icon(badge.icon, label=str(badge.word))


def run_status(state: object) -> SafeString:
    """Return the status of an MLflow run: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED."""
    return _state("run", state)


def gate_state(state: object) -> SafeString:
    """Return the state of a gate: passed (or True), failed (or False), waived, pending (or None)."""
    if state is None:
        return _state("gate", "pending")
    if isinstance(state, bool):
        return _state("gate", "passed" if state else "failed")
    return _state("gate", state)


def promotion_state(state: object) -> SafeString:
    """Return the state of a promotion."""
    return _state("promotion", state)


def copy_button(text: object, label: str = "") -> SafeString:
    """Return a button that copies `text`; it does not show where there is no JavaScript."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="{}" data-scripted>{}</button>',
        text,
        label or _("Copy"),
        icon("square-2-stack"),
    )


def digest(value: str | None, length: int = 12, copy: bool = True) -> SafeString:
    """Return the beginning of a digest, SHA or id; the whole of it in the title and on the clipboard."""
    if not value:
        return no_value()
    text, short = str(value), str(value)[: int(length)]
    return format_html(
        '<span class="digest"><code title="{}">{}</code>{}</span>',
        text,
        short,
        copy_button(text, _("Copy %(text)s") % {"text": short}) if copy else "",
    )


def metric(value: float | str | None, focus: bool = True) -> SafeString:
    """Return a number with four significant digits; the exact one on hover, on focus and when it is copied.

    :param value: text is what JSON has no number for (``NaN``, ``Infinity``), as the mirror keeps it
    :param focus: whether the keyboard stops here; False in long tables, where it would stop too often
    """
    if value is None or value == "":
        return no_value()
    number, exact = _number(value), escape(str(value))
    text = exact if number is None else formatting.significant(number)
    if number is None or text.replace(formatting.MINUS, "-") == exact or not math.isfinite(number):
        return mark_safe(f'<data class="metric" value="{exact}">{text}</data>')  # noqa: S308 - escaped
    stop = _FOCUS if focus else ""
    return mark_safe(  # noqa: S308 - escaped
        f'<data class="metric" value="{exact}" title="{exact}"{stop}>{text}</data>'
    )


def _number(value: float | str) -> float | None:
    """Return the number that `value` is or spells; None where it spells none."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return None


def delta(
    value: float | str | None, baseline: float | str | None, goal: str = "", tolerance: float = 0.0
) -> SafeString:
    """Return the signed difference to a baseline with its direction, and a word that judges it.

    Where one side is absent or not finite there is no difference to show.

    :param goal: `max` or `min`, what the metric wants to be; anything else judges nothing
    :param tolerance: absolute difference up to which both count as the same
    """
    mine, theirs = (None if side is None else _number(side) for side in (value, baseline))
    if mine is None or theirs is None or not math.isfinite(mine - theirs):
        return no_value()
    verdict = metric_goals.verdict(mine, theirs, goal=goal, tolerance=tolerance)
    difference = mine - theirs
    arrow = "arrow-up" if difference > 0 else "arrow-down" if difference < 0 else "equals"
    return format_html(
        '<span class="delta" data-verdict="{}">{}<data value="{}">{}</data> <span>{}</span></span>',
        verdict,
        icon(arrow),
        difference,
        formatting.signed(difference),
        badges.VERDICTS[verdict],
    )


def when(moment: datetime | None, focus: bool = True) -> SafeString:
    """Return a moment as relative text, absolute with its zone on hover and focus."""
    if moment is None:
        return no_value()
    iso, absolute = moment.isoformat(timespec="seconds"), escape(_absolute(moment))
    text, stop = escape(formatting.relative_time(moment, timezone.now())), _FOCUS if focus else ""
    return mark_safe(  # noqa: S308 - escaped
        f'<time datetime="{iso}" title="{absolute}" data-relative{stop}>{text}</time>'
    )


def moment(value: datetime | None) -> SafeString:
    """Return a moment in absolute form, for audit and print."""
    if value is None:
        return no_value()
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), _absolute(value))


def _absolute(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"


def duration(length: float | timedelta | None) -> SafeString:
    """Return a length of time, given in seconds or as a timedelta."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if seconds is None:
        return no_value()
    return mark_safe(f'<span class="num">{escape(formatting.duration(seconds))}</span>')  # noqa: S308 - escaped


def filesize(size: int | None) -> SafeString:
    """Return a number of bytes in a readable unit, the exact number on hover."""
    if size is None:
        return no_value()
    return format_html('<span class="num" title="{} B">{}</span>', f"{size:,}", file_size(size))


def progress(value: float | None, total: float | None, label: str) -> SafeString:
    """Return a progress bar; without a `total` it only shows that something moves."""
    if not total or value is None:
        return format_html('<progress class="bar" aria-label="{}"></progress>', label)
    return format_html(
        '<progress class="bar" value="{}" max="{}" aria-label="{}"></progress>', value, total, label
    )


def chart_data(figure: str | Mapping[str, Any], element_id: str) -> SafeString:
    """Return a Plotly figure (its JSON text, or a mapping) as the data block that `data-chart` points to."""
    text = figure if isinstance(figure, str) else json.dumps(figure, separators=(",", ":"))
    # "<" could end the script element early; JSON reads the escape as the same character.
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return format_html(
        '<script type="application/json" id="{}">{}</script>',
        element_id,
        mark_safe(safe),  # noqa: S308 - escaped above
    )


def no_value() -> SafeString:
    """Return the dash that stands for an absent value, with words for screen readers."""
    return mark_safe(  # noqa: S308 - escaped
        f'<span class="no-value"><span aria-hidden="true">{formatting.NO_VALUE}</span>'
        f'<span class="visually-hidden">{escape(_("no value"))}</span></span>'
    )
