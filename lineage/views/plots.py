"""One plot of a commit: its figure, and its lines as a table or file."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experiments.models import Repository
from lineage import access, plot_figures
from lineage.models import HistoryCommit
from lineage.plot_drawing import Drawn
from lineage.selectors import plots as selectors

_ROWS = 100


@require_safe
def figure(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Return the plot of `?ref=`, with that of `?base=` if one is named, as a Plotly figure."""
    drawn = _asked(request, name, number)[-1]
    return HttpResponse(plot_figures.figure(drawn), content_type="application/json")


@require_safe
def points(request: HttpRequest, name: str, number: int) -> HttpResponse | StreamingHttpResponse:
    """Show the lines of the same plot as a table; with `?format=csv` all of them as a file."""
    repository, commit, base, drawn = _asked(request, name, number)
    if request.GET.get("format") == "csv":
        return _csv(commit, number, drawn)
    page = Paginator(plot_figures.rows(drawn), _ROWS).get_page(request.GET.get("page"))
    embedded = "HX-Request" in request.headers
    context: dict[str, Any] = {
        "repository": repository,
        "commit": commit,
        "base": base,
        "number": number,
        "drawn": drawn,
        "names": plot_figures.names(drawn),
        "page": page,
        "embedded": embedded,
    }
    template = "lineage/_plot_points.html" if embedded else "lineage/plot_points.html"
    return render(request, template, context)


def _asked(
    request: HttpRequest, name: str, number: int
) -> tuple[Repository, HistoryCommit, HistoryCommit | None, Drawn]:
    _who, repository = access.repository_for(request, name)
    base_ref = request.GET.get("base", "").strip()
    commit = access.commit_of(repository, request.GET.get("ref", "").strip())
    base = access.commit_of(repository, base_ref) if base_ref else None
    drawn = selectors.drawn_at(commit, base, number) if commit else None
    if commit is None or drawn is None or not drawn.lines:
        raise Http404(_("This commit has no such plot."))
    return repository, commit, base, drawn


def _csv(commit: HistoryCommit, number: int, drawn: Drawn) -> StreamingHttpResponse:
    response = StreamingHttpResponse(plot_figures.csv(drawn), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="plot-{commit.sha[:12]}-{number}.csv"'
    return response
