"""The table of runs in groups."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from experiments import run_groups
from experiments.access import Viewer
from experiments.forms import RunFilterForm
from experiments.run_columns import Column, Offer
from experiments.run_groups import Group, Grouping
from experiments.selectors import run_groups as selectors
from experiments.views.run_toolbar import found, toolbar


def page(
    request: HttpRequest, who: Viewer, form: RunFilterForm, offer: Offer, columns: tuple[Column, ...]
) -> HttpResponse:
    """Show what the metrics among `columns` are in each group of the runs that pass the filter."""
    wanted = form.wanted()
    matches, fault = found(wanted)
    keys = run_groups.keys(request.GET.getlist("group"))
    grouping = Grouping(keys, run_groups.measured(columns), [], more=False)
    if not fault:
        grouping = selectors.grouped(matches, keys, grouping.metrics, wanted)
    context: dict[str, Any] = {
        **toolbar(request, who, form, offer, columns),
        "grouping": grouping,
        "rows": [(group, _address(group, request)) for group in grouping.groups],
        "fault": fault,
        "filtered": not wanted.is_empty,
    }
    return render(request, "experiments/run_groups.html", context, status=400 if fault else 200)


def _address(group: Group, request: HttpRequest) -> str:
    """Return the query that shows the runs of a group; empty where no filter finds them."""
    if not group.query:
        return ""
    kept = {key: request.GET.getlist(key) for key in ("experiment", "status", "columns", "runs")}
    return urlencode(
        {"q": group.query, **{key: values for key, values in kept.items() if values}}, doseq=True
    )
