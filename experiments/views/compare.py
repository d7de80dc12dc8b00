"""Runs beside each other: their table, and the runs that can be added to it."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from experiments import (
    access,
    compare_curves,
    compare_export,
    compare_labels,
    compare_plots,
    compare_request,
    compare_rows,
)
from experiments.compare_address import CompareAddress
from experiments.compare_plots import Marked
from experiments.curves import drawing
from experiments.forms import CurveForm
from experiments.live import Live, Part
from experiments.selectors import compare as selectors
from experiments.selectors import compare_curves as curve_selectors
from experiments.selectors import compare_offers
from experiments.selectors.compare import Comparison

_SECONDS = 5
_PARTS = [
    Part("compare-runs", "experiments/_compare_runs.html"),
    Part("compare-news", "experiments/_compare_news.html"),
    Part("compare-table", "experiments/_compare_table.html", tag="table", look="table compare-table"),
]


@require_safe
@gzip_page
def compare(request: HttpRequest) -> HttpResponse:
    """Compare the runs of `?runs=`; while one of them goes on, the table keeps itself up to date."""
    who = access.viewer(request)
    found = _found(request, who)
    address = CompareAddress(request.GET, found.ids)
    rows, fewer = compare_rows.shown(found.rows, only=found.asked.rows, search=found.asked.search)
    page = Paginator(rows, selectors.per_page(found)).get_page(request.GET.get("page"))
    how = drawing(_words(request))
    context: dict[str, Any] = {
        "found": found,
        "address": request.build_absolute_uri(str(address)),
        "columns": [_column(one, address, who) for one in found.runs],
        "page": page,
        "lines": selectors.lines(found, list(page.object_list)),
        "differing": sum(row.differs for row in found.rows),
        "fewer": fewer,
        "points": compare_labels.POINTS.items(),
        "rows_choices": compare_labels.ROWS.items(),
        "kept": address.kept("q", "point", "rows"),
        "all_kept": address.kept(),
        "goals_url": _goals(found),
        "files_url": address.to("experiments:compare-files"),
        "importance_url": address.to("experiments:compare-importance"),
        "export_url": address.to("experiments:compare-export"),
        "all_rows_url": address.to(rows="all"),
        "different_url": address.to(rows="different"),
        "offers": compare_offers.offers(found, address, request.GET.get("add", "")),
        "most": compare_request.MAX_RUNS,
        "curves": _curves(request, found, address),
        "how": how,
        **_plots(request, found, address),
        "form": CurveForm.showing(how),
    }
    live = Live(request, _PARTS, context, every=_SECONDS if found.is_live else 0)
    return (
        live.answer()
        if live.is_poll
        else render(request, "experiments/compare.html", {"live": live, **context})
    )


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Return the table as a file: the rows that the page shows, on all its pages."""
    found = _found(request, access.viewer(request))
    rows, _fewer = compare_rows.shown(found.rows, only=found.asked.rows, search=found.asked.search)
    response = StreamingHttpResponse(
        compare_export.lines(found, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="comparison.csv"'
    return response


def _found(request: HttpRequest, who: access.Viewer) -> Comparison:
    asked = compare_request.parse(request.GET.getlist("runs"), _words(request))
    return selectors.compare(asked, who.user)


def _curves(request: HttpRequest, found: Comparison, address: CompareAddress) -> compare_curves.Curves:
    lengths = curve_selectors.lengths([one.run.pk for one in found.runs])
    baseline = found.baseline.run.run_id if found.baseline else ""
    return compare_curves.curves(lengths, address, _words(request), baseline)


def _plots(request: HttpRequest, found: Comparison, address: CompareAddress) -> dict[str, Any]:
    marked = [Marked(str(one.run), one.colour, str(one.run.pk), one.is_baseline) for one in found.runs]
    words = _words(request)
    plots = compare_plots.plots(
        found.rows,
        marked,
        across=words.get("across", ""),
        up=words.get("up", ""),
        parallel=request.GET.getlist("axis"),
        search=found.asked.search,
    )
    return {
        "plots": plots,
        "plots_kept": address.kept("across", "up"),
        "parallel_kept": address.kept("axis"),
        "parallel_names": [axis.name for axis in plots.parallel] if plots else [],
        "most_axes": compare_plots.MAX_AXES,
    }


def _goals(found: Comparison) -> str:
    """Return where it is said which values of the metrics are better."""
    names = list(dict.fromkeys(one.run.experiment.experiment_id for one in found.runs))
    return (
        reverse("experiments:goals", args=names) if len(names) == 1 else reverse("experiments:general-goals")
    )


def _words(request: HttpRequest) -> dict[str, str]:
    return request.GET.dict()


def _column(one: selectors.Compared, address: CompareAddress, who: access.Viewer) -> dict[str, Any]:
    run_id, may_run = one.run.run_id, who.may(Permission.JOB_SUBMIT)
    cloned = f"?from_run={run_id}"
    return {
        "one": one,
        "remove_url": address.without(run_id),
        "baseline_url": "" if one.is_baseline else address.to(baseline=run_id),
        "launch_url": _page("experiments:launch", one.repository, cloned) if may_run else "",
        "sweep_url": _page("experiments:sweep", one.repository, cloned) if may_run else "",
        "register_url": _elsewhere("registry:register", f"?run={run_id}")
        if who.may(Permission.VERSION_REGISTER)
        else "",
    }


def _page(view: str, repository: str, query: str) -> str:
    return _elsewhere(view, query, repository) if repository else ""


def _elsewhere(view: str, query: str, *arguments: str) -> str:
    """Return an address that this installation may not have; empty then."""
    try:
        return reverse(view, args=arguments) + query
    except NoReverseMatch:
        return ""
