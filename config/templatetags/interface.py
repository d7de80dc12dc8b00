"""Template tags of the components that every page shares. Markup and examples: docs/interface.md."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import heroicons
from django import template
from django.forms import BoundField
from django.template.context import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config import badges, formatting

register = template.Library()


@register.simple_tag
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
    return mark_safe(svg)  # noqa: S308 - the file of a package, no input


@register.simple_tag
def version(value: object) -> SafeString:
    """Return a semantic version: core bold, pre-release normal, build muted."""
    core, pre, build = formatting.version_parts(value)
    return format_html(
        '<span class="version"><b>{}</b>{}{}</span>',
        core,
        format_html('<span class="version-pre">{}</span>', pre) if pre else "",
        format_html('<span class="version-build">{}</span>', build) if build else "",
    )


@register.simple_tag
def stage_badge(stage: object) -> SafeString:
    """Return a stage as icon, word and colour."""
    badge = badges.find_stage(stage)
    return format_html(
        '<span class="stage" data-stage="{}">{}{}</span>', str(stage).lower(), icon(badge.icon), badge.word
    )


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


@register.simple_tag
def job_state(state: object) -> SafeString:
    """Return the state of a job: queued, running, succeeded, failed, cancelled or lost."""
    return _state("job", state)


@register.simple_tag
def step_state(state: object) -> SafeString:
    """Return the state of a step of a job: waiting, running, done, skipped or failed."""
    return _state("step", state)


@register.simple_tag
def run_status(state: object) -> SafeString:
    """Return the status of an MLflow run: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED."""
    return _state("run", state)


@register.simple_tag
def gate_state(state: object) -> SafeString:
    """Return the state of a gate: passed (or True), failed (or False), waived, pending (or None)."""
    words = {True: "passed", False: "failed", None: "pending"}
    return _state("gate", words[state] if state is None or isinstance(state, bool) else state)


@register.simple_tag
def promotion_state(state: object) -> SafeString:
    """Return the state of a promotion."""
    return _state("promotion", state)


@register.simple_tag
def copy(text: object, label: str = "") -> SafeString:
    """Return a button that copies `text`; without JavaScript it does not show."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="{}" hidden>{}</button>',
        text,
        label or _("Copy"),
        icon("square-2-stack"),
    )


@register.simple_tag
def digest(value: str | None, length: int = 12, copy_button: bool = True) -> SafeString:
    """Return the beginning of a digest, SHA or id; the whole of it in the title and on the clipboard."""
    if not value:
        return _no_value()
    text = str(value)
    return format_html(
        '<span class="digest"><code title="{}">{}</code>{}</span>',
        text,
        text[: int(length)],
        copy(text, _("Copy %(text)s…") % {"text": text[: int(length)]}) if copy_button else "",
    )


@register.simple_tag
def metric(value: float | None, focus: bool = True) -> SafeString:
    """Return a number with four significant digits; the exact one on hover, on focus and when it is copied.

    :param focus: whether the keyboard stops here; False in long tables, where it would stop too often
    """
    if value is None:
        return _no_value()
    exact, text = str(value), formatting.significant(value)
    if text.replace(formatting.MINUS, "-") == exact:
        return format_html('<data class="metric" value="{}">{}</data>', exact, text)
    stop = mark_safe(' tabindex="0"') if focus else ""
    return format_html('<data class="metric" value="{}" title="{}"{}>{}</data>', exact, exact, stop, text)


@register.simple_tag
def delta(value: float | None, baseline: float | None, goal: str = "", tolerance: float = 0.0) -> SafeString:
    """Return the signed difference to a baseline with its direction, and a word that judges it by `goal`."""
    if value is None or baseline is None:
        return _no_value()
    verdict = badges.verdict(value, baseline, goal=goal, tolerance=tolerance)
    difference = value - baseline
    arrow = "arrow-up" if difference > 0 else "arrow-down" if difference < 0 else "equals"
    return format_html(
        '<span class="delta" data-verdict="{}">{}<data value="{}">{}</data> <span>{}</span></span>',
        verdict,
        icon(arrow),
        difference,
        formatting.signed(difference),
        badges.COMPARISONS[verdict].word,
    )


@register.simple_tag
def when(moment: datetime | None, focus: bool = True) -> SafeString:
    """Return a moment as relative text, absolute with its zone on hover and focus."""
    if moment is None:
        return _no_value()
    local = timezone.localtime(moment)
    absolute = f"{date_format(local, 'Y-m-d H:i:s')} {local.tzname()}"
    stop = mark_safe(' tabindex="0"') if focus else ""
    return format_html(
        '<time datetime="{}" title="{}" data-relative{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        absolute,
        stop,
        formatting.relative_time(moment, timezone.now()),
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """Return a moment in absolute form, for audit and print."""
    if value is None:
        return _no_value()
    local = timezone.localtime(value)
    text = f"{date_format(local, 'Y-m-d H:i:s')} {local.tzname()}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), text)


@register.simple_tag
def duration(length: float | timedelta | None) -> SafeString:
    """Return a length of time, given in seconds or as a timedelta."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    return _no_value() if seconds is None else format_html('<span class="num">{}</span>', formatting.duration(seconds))


@register.simple_tag
def filesize(size: int | None) -> SafeString:
    """Return a number of bytes in a readable unit, the exact number on hover."""
    if size is None:
        return _no_value()
    return format_html('<span class="num" title="{:,} B">{}</span>', size, formatting.file_size(size))


@register.simple_tag
def progress(value: float | None, total: float | None, label: str) -> SafeString:
    """Return a progress bar; without a `total` it only shows that something moves."""
    if not total or value is None:
        return format_html('<progress class="progress-bar-native" aria-label="{}"></progress>', label)
    return format_html(
        '<progress class="progress-bar-native" value="{}" max="{}" aria-label="{}"></progress>', value, total, label
    )


@register.simple_tag
def chart_data(figure: str | Mapping[str, Any] | None, element_id: str) -> SafeString:
    """Return a Plotly figure (its JSON text, or a mapping) as the data block that `data-chart` points to."""
    text = figure if isinstance(figure, str) else json.dumps(figure, separators=(",", ":"))
    # "<" cannot end the script element early; JSON reads the escape as the same character.
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return format_html('<script type="application/json" id="{}">{}</script>', element_id, mark_safe(safe))  # noqa: S308


@register.inclusion_tag("components/empty_state.html")
def empty_state(
    title: str,
    text: str = "",
    action: str = "",
    url: str = "",
    command: str = "",
    icon: str = "inbox",  # noqa: A002 - the name a template author expects
) -> dict[str, str]:
    """Show one sentence, one action and one command where a list has nothing to list."""
    return {"title": title, "text": text, "action": action, "url": url, "command": command, "icon": icon}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "", mono: bool = False) -> dict[str, Any]:
    """Show one form field with label, help and errors."""
    kind = bound.widget_type
    css = {"checkbox": "form-check-input", "select": "form-select", "selectmultiple": "form-select"}
    classes = [css.get(kind, "form-control"), "font-monospace" if mono else "", "is-invalid" if bound.errors else ""]
    grouped = kind in {"radioselect", "checkboxselectmultiple"}
    attrs = {} if grouped else {"class": " ".join(filter(None, classes))}
    return {"field": bound, "control": bound.as_widget(attrs=attrs), "kind": kind, "grouped": grouped, "hint": hint}


@register.inclusion_tag("components/page_links.html", takes_context=True)
def page_links(context: Context, page: Any, name: str = "page") -> dict[str, Any]:
    """Show links to the pages of a Django `Page`, keeping the rest of the query."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    links = [
        (number, query_replace(context, **{name: number}) if isinstance(number, int) else "") for number in numbers
    ]
    previous = query_replace(context, **{name: page.number - 1}) if page.has_previous() else ""
    following = query_replace(context, **{name: page.number + 1}) if page.has_next() else ""
    return {"page": page, "links": links, "previous": previous, "following": following}


@register.simple_tag(takes_context=True)
def query_replace(context: Context, **changes: object) -> str:
    """Return the query of this page's address with some keys replaced; None or "" takes a key away."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def sort_header(
    context: Context, key: str, label: str, numeric: bool = False, param: str = "sort", default: str = ""
) -> SafeString:
    """Return a column heading that sorts by `key`, descending first for numbers, and says how it sorts now."""
    current = context["request"].GET.get(param) or default
    state = {key: "ascending", f"-{key}": "descending"}.get(current, "none")
    first, second = (f"-{key}", key) if numeric else (key, f"-{key}")
    url = query_replace(context, **{param: second if current == first else first, "page": None})
    arrow = {"ascending": "arrow-up", "descending": "arrow-down", "none": "chevron-up-down"}[state]
    return format_html(
        '<th scope="col" aria-sort="{}"{}><a class="sort" href="{}">{}{}</a></th>',
        state,
        mark_safe(' class="num"') if numeric else "",
        url,
        label,
        icon(arrow),
    )


def _no_value() -> SafeString:
    return format_html(
        '<span class="no-value"><span aria-hidden="true">{}</span><span class="visually-hidden">{}</span></span>',
        formatting.NO_VALUE,
        _("no value"),
    )
