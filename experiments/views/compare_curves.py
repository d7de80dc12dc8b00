"""Curves of compared runs: as figures, and their points as a table."""

from itertools import chain
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experiments import access, compare_figures, compare_request
from experiments.compare_address import CompareAddress
from experiments.compare_figures import MAX_OVERLAID, RunCurves
from experiments.csv_lines import MARK
from experiments.curves import drawing
from experiments.points_table import PointsTable
from experiments.selectors import compare_curves as selectors

_ROWS = 100
_FEW_ROWS = 20


@require_safe
def chart(request: HttpRequest) -> HttpResponse:
    """Return the metrics of `?key=` of the compared runs as a Plotly figure."""
    access.viewer(request)
    keys, runs = _curves(request)
    how = drawing(request.GET.dict())
    figure = compare_figures.figure(keys, runs, how, band=request.GET.get("band") == "1")
    return HttpResponse(figure, content_type="application/json")


@require_safe
def points(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Show the points of `?key=` as a table, a column for each run; with `?format=csv` as a file."""
    access.viewer(request)
    [key, *_more], runs = _curves(request)
    with_it = [run for run in runs if key in run.series]
    rows: Any = PointsTable([run.mark for run in with_it], {run.mark: run.series[key] for run in with_it})
    if request.GET.get("format") == "csv":
        lines = chain([MARK], rows.csv([run.name for run in with_it]))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="curves.csv"'
        return response
    embedded = "HX-Request" in request.headers
    page = Paginator(rows, _FEW_ROWS if embedded else _ROWS).get_page(request.GET.get("page"))
    asked = compare_request.parse(request.GET.getlist("runs"), {})
    address = CompareAddress(request.GET, asked.runs)
    context = {
        "key": key,
        "runs": with_it,
        "page": page,
        "embedded": embedded,
        "own_url": address.to("experiments:compare-points"),
        "file_url": address.to("experiments:compare-points", format="csv"),
        "back_url": address.to(key=None),
    }
    name = "_compare_points" if embedded else "compare_points"
    return render(request, f"experiments/{name}.html", context)


def _curves(request: HttpRequest) -> tuple[list[str], list[RunCurves]]:
    keys = [key for key in request.GET.getlist("key") if key][:MAX_OVERLAID]
    words = request.GET.dict()
    runs = selectors.read(compare_request.parse(request.GET.getlist("runs"), words), keys)
    if not any(run.series for run in runs):
        raise Http404(_("None of these runs has such a metric."))
    return keys, runs
