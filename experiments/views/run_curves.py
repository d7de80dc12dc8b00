"""The curves of one run as figures, and their points as tables and files."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experiments import access, charts
from experiments.curves import Drawing, drawing
from experiments.models import Run
from experiments.points_table import PointsTable
from experiments.selectors import run_metrics
from experiments.series import Series

_ROWS = 100


@require_safe
def chart(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return the curves of `?group=` as a Plotly figure."""
    _who, row = access.run_for(request, run_id)
    group, series = _series(request, row)
    figure = charts.figure(group, series, drawing_of(request))
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
    found = run_metrics.series_of(row, request.GET.get("group", ""))
    if found is None:
        raise Http404(_("This run has no such metric."))
    return found


def drawing_of(request: HttpRequest) -> Drawing:
    """Return how the address says that curves are drawn."""
    return drawing(request.GET.dict())


def _csv(row: Run, group: charts.Group, rows: PointsTable) -> StreamingHttpResponse:
    lines = rows.csv(group.keys)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{row.run_id[:12]}.csv"'
    return response
