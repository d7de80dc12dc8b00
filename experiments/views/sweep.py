"""Sweeps: their list, the page of one with its trials and its curve; stopping and resuming it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from experiments import access, compare_request, sweep_actions, sweep_chart, sweeps
from experiments.jobs import WrongStateError
from experiments.live import Live, Part
from experiments.models import Repository, Sweep
from experiments.selectors import sweeps as selectors
from experiments.selectors.sweeps import SweepDetail

_SECONDS = 2
_LIST_SECONDS = 5
_PARTS = [
    Part("sweep-head", "experiments/_sweep_head.html"),
    Part("sweep-chart", "experiments/_sweep_chart.html"),
    Part("sweep-trials", "experiments/_sweep_trials.html"),
]
_ORDERS = {"number": 1, "-number": -1}


@require_safe
def sweep_list(request: HttpRequest) -> HttpResponse:
    """Show the sweeps, newest first (of one repository with `?repository=`)."""
    access.viewer(request)
    name = request.GET.get("repository", "")
    repository = Repository.objects.filter(name=name).first() if name else None
    context = {
        "page": selectors.page_of(request.GET.get("page"), repository),
        "repository": repository,
        "names": Repository.objects.values_list("name", flat=True),
    }
    live = Live(request, [Part("sweeps", "experiments/_sweeps.html")], context, every=_LIST_SECONDS)
    if live.is_poll:
        return live.answer()
    return render(request, "experiments/sweeps.html", {"live": live, **context})


@require_safe
def sweep(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one sweep; it keeps itself up to date until it has ended."""
    who, row = access.sweep_for(request, pk)
    detail = selectors.detail(row)
    context = {
        "sweep": row,
        "detail": detail,
        "trials": _sorted(detail, request.GET.get("sort", "")),
        "compare_url": _about_runs("experiments:compare", detail),
        "importance_url": _about_runs("experiments:compare-importance", detail, metric=row.objective),
        "actions": sweep_actions.of(row, who.user, who.permissions, detail.active),
    }
    live = Live(request, _PARTS, context, every=_SECONDS if detail.is_live else 0)
    if live.is_poll:
        return live.answer()
    return render(request, "experiments/sweep.html", {"live": live, **context})


@require_safe
def chart(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the curve of the values and the best so far, as a figure."""
    _who, row = access.sweep_for(request, pk)
    points = row.trials.filter(value__isnull=False).order_by("number").values_list("number", "value")
    smaller = row.direction == Sweep.Direction.MIN
    drawn = sweep_chart.figure(list(points), objective=row.objective, smaller=smaller)  # type: ignore[arg-type]
    return HttpResponse(drawn, content_type="application/json")


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a sweep start nothing more; with `cancel` its jobs are cancelled, too."""
    who, row = access.sweep_for(request, pk)
    try:
        sweeps.stop(row, user=who.user, cancel="cancel" in request.POST)
    except WrongStateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The sweep starts no further runs."))
    return redirect(row)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a sweep that was stopped."""
    who, row = access.sweep_for(request, pk)
    try:
        sweeps.resume(row, user=who.user)
    except WrongStateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The sweep goes on."))
    return redirect(row)


def _sorted(detail: SweepDetail, sort: str) -> list[Any]:
    if sort in _ORDERS:
        return detail.trials[:: _ORDERS[sort]]
    found = selectors.in_order(detail) if sort in ("value", "-value") else detail.trials
    return found[::-1] if sort == "-value" else found


def _about_runs(view: str, detail: SweepDetail, **more: str) -> str:
    """Return where a page tells about the runs of a sweep; empty for fewer than two."""
    ids = detail.run_ids[: compare_request.MAX_RUNS]
    return f"{reverse(view)}?{urlencode({'runs': ','.join(ids), **more})}" if len(ids) > 1 else ""
