"""What stands above the table of runs, whether it shows runs or groups: filter, views, grouping, columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.roles import Permission
from experiments import run_edits, run_groups, saved_views, sentences
from experiments.access import Viewer
from experiments.filters import FilterError
from experiments.forms import RunFilterForm
from experiments.models import Run
from experiments.run_columns import Column, Offer
from experiments.selectors import saved_views as view_selectors
from experiments.selectors.run_matches import Matches, RunFilter, matching

#: What of an address names a place in the list.
PLACES = ("after", "before")
_PASSING = frozenset({"columns", "seen", "since", *PLACES})


@dataclass(frozen=True)
class Fault:
    """Why the filter is not understood: the text in front of the fault, the fault, and what is behind it."""

    reason: str
    before: str
    at: str
    behind: str


def found(wanted: RunFilter) -> tuple[Matches, Fault | None]:
    """Return the runs that pass a filter, or none and what is wrong with it."""
    try:
        return matching(wanted), None
    except FilterError as error:
        text = wanted.text
        parts = text[: error.start], text[error.start : error.end], text[error.end :]
        return Matches(Run.objects.none()), Fault(sentences.translated(str(error)), *parts)


def toolbar(
    request: HttpRequest, who: Viewer, form: RunFilterForm, offer: Offer, columns: tuple[Column, ...]
) -> dict[str, Any]:
    """Return what its templates want. One query."""
    arrangement = _arrangement(request)
    tabs = view_selectors.tabs(who.user, request.GET.get("view", ""), arrangement)
    opened = next((tab for tab in tabs if tab.current), None)
    return {
        "form": form,
        "filter_kept": _kept(request, {*_PASSING, "q", "experiment", "status"}),
        "picker_groups": _choices(offer, columns),
        "picker_kept": _kept(request, _PASSING),
        "picker_explicit": columns if "columns" in request.GET else (),
        "group_offer": [*offer.params, *offer.tags],
        "group_keys": run_groups.keys(request.GET.getlist("group")),
        "group_kept": _kept(request, {*_PASSING, "group", "sort"}),
        "view_tabs": tabs,
        "opened_view": opened,
        "may_change_view": opened and (opened.own or who.may(Permission.SAVED_VIEW_MANAGE)),
        "arrangement": arrangement,
    }


def all_pages(request: HttpRequest, name: str, *arguments: str) -> str:
    """Return the address of something about all pages of the table: the filter without place and choice."""
    query = request.GET.copy()
    for key in ("runs", *PLACES):
        query.pop(key, None)
    return f"{reverse(f'experiments:{name}', args=arguments)}?{query.urlencode()}"


def edit_all(request: HttpRequest, who: Viewer, wanted: RunFilter) -> dict[str, Any]:
    """Return what the number of runs wants, to offer that all that pass the filter are edited.

    Nothing is offered to whom may not, and without a filter: whoever means all runs there are chooses them.
    """
    address = ""
    if who.may(Permission.RUN_EDIT) and not wanted.is_empty:
        back = urlencode({"all": "1", "back": all_pages(request, "runs")})
        address = f"{all_pages(request, 'edit-runs')}&{back}"
    return {"edit_all_address": address, "edit_limit": run_edits.MAX_RUNS}


def _arrangement(request: HttpRequest) -> str:
    """Return what a view would keep of the address; nothing where that is too long for one."""
    try:
        return saved_views.arrangement(request.GET.urlencode())
    except ValidationError:
        return ""


def _choices(offer: Offer, columns: tuple[Column, ...]) -> list[tuple[str, list[Column]]]:
    """Return what can be chosen besides what is shown."""
    groups: Iterable[tuple[str, tuple[Column, ...]]] = (
        (_("Metrics"), offer.metrics),
        (_("Parameters"), offer.params),
        (_("Tags"), offer.tags),
    )
    return [(label, [column for column in offered if column not in columns]) for label, offered in groups]


def _kept(request: HttpRequest, without: Iterable[str]) -> list[tuple[str, str]]:
    """Return the fields with which a form keeps the rest of the address."""
    left_out = set(without)
    return [(key, value) for key, values in request.GET.lists() if key not in left_out for value in values]
