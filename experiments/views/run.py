"""The page of one run, its curves as figures, and their points as a table."""

import csv
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from experiments import access, charts
from experiments.curves import Drawing, drawing
from experiments.forms import CurveForm
from experiments.live import Live, Part
from experiments.models import Run
from experiments.points_table import PointsTable
from experiments.selectors import run as selectors
from experiments.series import Series

_SECONDS = 5
_ROWS = 100
_PARTS = [
    Part("run-head", "experiments/_run_head.html"),
    Part("run-metrics", "experiments/_run_metrics.html"),
    Part("run-curves", "experiments/_run_curves.html"),
]


@require_safe
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show one run; while it goes on, its state, metrics and curves keep themselves up to date."""
    who, row = access.run_for(request, run_id)
    detail = selectors.detail(row, all_charts=request.GET.get("charts") == "all")
    how = _drawing(request)
    context: dict[str, Any] = {
        "run": row,
        "detail": detail,
        "how": how,
        "form": CurveForm.showing(how),
        "versions_url": _versions_url(row),
        "may_run": who.may(Permission.JOB_SUBMIT),
    }
    live = Live(request, _PARTS, context, every=_SECONDS if detail.is_live else 0)
    return (
        live.answer() if live.is_poll else render(request, "experiments/run.html", {"live": live, **context})
    )


@require_safe
def chart(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return the curves of `?group=` as a Plotly figure."""
    _who, row = access.run_for(request, run_id)
    group, series = _series(request, row)
    figure = charts.figure(group, series, _drawing(request))
    return HttpResponse(figure, content_type="application/json")


@require_safe
def points(request: HttpRequest, run_id: str) -> HttpResponse | StreamingHttpResponse:
    """Show the points of `?group=` as a table; with `?format=csv` all of them as a file."""
    _who, row = access.run_for(request, run_id)
    group, series = _series(request, row)
    rows = PointsTable(group.keys, series)
    if request.GET.get("format") == "csv":
        return _csv(row, group, rows)
    sliceable: Any = rows
    page = Paginator(sliceable, _ROWS).get_page(request.GET.get("page"))
    context = {"run": row, "group": group, "page": page}
    embedded = "HX-Request" in request.headers
    template = "experiments/_run_points.html" if embedded else "experiments/run_points.html"
    return render(request, template, {**context, "embedded": embedded})


def _series(request: HttpRequest, row: Run) -> tuple[charts.Group, dict[str, Series]]:
    found = selectors.series_of(row, request.GET.get("group", ""))
    if found is None:
        raise Http404(_("This run has no such metric."))
    return found


def _drawing(request: HttpRequest) -> Drawing:
    return drawing({name: str(value) for name, value in request.GET.items()})


def _csv(row: Run, group: charts.Group, rows: PointsTable) -> StreamingHttpResponse:
    class Echo:
        def write(self, line: str) -> str:
            return line

    def lines() -> Iterator[str]:
        writer = csv.writer(Echo())
        yield writer.writerow(["step", *(_harmless(key) for key in group.keys)])
        for step, values in rows:
            yield writer.writerow([step, *("" if value is None else value for value in values)])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{row.run_id[:12]}.csv"'
    return response


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _versions_url(row: Run) -> str:
    """Return where the versions made from a run are shown: by an app that this one does not know."""
    try:
        return reverse("registry:run-versions", args=[row.run_id])
    except NoReverseMatch:
        return ""
