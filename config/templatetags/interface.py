"""Template tags of the components that every page shares. Markup and examples: docs/interface.md."""

from typing import Any

from django import template
from django.forms import BoundField
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config import markup

register = template.Library()

register.simple_tag(markup.icon)
register.simple_tag(markup.version)
register.simple_tag(markup.stage_badge)
register.simple_tag(markup.stage_icon)
register.simple_tag(markup.job_state)
register.simple_tag(markup.step_state)
register.simple_tag(markup.step_icon)
register.simple_tag(markup.run_status)
register.simple_tag(markup.gate_state)
register.simple_tag(markup.promotion_state)
register.simple_tag(markup.copy_button, name="copy")
register.simple_tag(markup.digest)
register.simple_tag(markup.metric)
register.simple_tag(markup.delta)
register.simple_tag(markup.when)
register.simple_tag(markup.moment)
register.simple_tag(markup.duration)
register.simple_tag(markup.filesize)
register.simple_tag(markup.progress)
register.simple_tag(markup.chart_data)

_CONTROL_CLASSES = {"checkbox": "form-check-input", "select": "form-select", "selectmultiple": "form-select"}
_GROUPS = {"radioselect", "checkboxselectmultiple"}


@register.inclusion_tag("components/empty_state.html")
def empty_state(
    title: str, text: str = "", action: str = "", url: str = "", command: str = "", icon: str = "inbox"
) -> dict[str, str]:
    """Show one sentence, one action and one command where a list has nothing to list."""
    return {"title": title, "text": text, "action": action, "url": url, "command": command, "icon": icon}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, note: str = "", mono: bool = False) -> dict[str, Any]:
    """Show one form field with label, help and errors.

    :param note: a few words beside the label, such as a unit or "optional"
    :param mono: whether the value is read letter by letter
    """
    kind = bound.widget_type
    classes = [_CONTROL_CLASSES.get(kind, "form-control")]
    classes += ["font-monospace"] * mono + ["is-invalid"] * bool(bound.errors)
    if kind in _GROUPS:
        # The options of a group take their class from the widget alone; the widget is this form's own copy.
        bound.field.widget.attrs["class"] = "form-check-input"
    attrs: dict[str, str | bool] = {} if kind in _GROUPS else {"class": " ".join(classes)}
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attrs),
        "kind": kind,
        "grouped": kind in _GROUPS,
        "note": note,
    }


@register.inclusion_tag("components/page_links.html", takes_context=True)
def page_links(context: Context, page: Any, name: str = "page") -> dict[str, Any]:
    """Show links to the pages of a Django `Page`, keeping the rest of the query."""

    def link(number: int | str) -> str:
        return query_replace(context, **{name: number}) if isinstance(number, int) else ""

    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return {
        "page": page,
        "links": [(number, link(number)) for number in numbers],
        "previous": link(page.number - 1) if page.has_previous() else "",
        "following": link(page.number + 1) if page.has_next() else "",
    }


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
    context: Context,
    key: str,
    label: str,
    numeric: bool = False,
    param: str = "sort",
    default: str = "",
    smaller: bool = False,
) -> SafeString:
    """Return a column heading that sorts by `key` and says how it sorts now.

    :param numeric: align right, and sort descending first
    :param param: name in the query; `key` means ascending, `-key` descending
    :param default: the order in force where the query names none
    :param smaller: smaller numbers are better, so sort ascending first
    """
    current = context["request"].GET.get(param) or default
    state = {key: "ascending", f"-{key}": "descending"}.get(current, "none")
    first, second = (f"-{key}", key) if numeric and not smaller else (key, f"-{key}")
    arrow = {"ascending": "arrow-up", "descending": "arrow-down", "none": "chevron-up-down"}[state]
    return format_html(
        '<th scope="col" aria-sort="{}" class="{}"><a class="sort" href="{}">{}{}</a></th>',
        state,
        "num" if numeric else "",
        query_replace(
            context,
            **{param: second if current == first else first, "page": None, "after": None, "before": None},
        ),
        label,
        markup.icon(arrow),
    )
