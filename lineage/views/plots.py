"""The plots of a commit: having them read, and of one its figure, and its lines as a table or file."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.roles import Permission
from experiments import harmless
from experiments.access import Viewer
from experiments.models import Repository
from lineage import access, plot_figures, plot_requests
from lineage.models import HistoryCommit
from lineage.plot_drawing import Drawn
from lineage.selectors import pipeline as pipeline_selectors
from lineage.selectors import plots as selectors

_ROWS = 100


@require_http_methods(["GET", "HEAD", "POST"])
def plots(request: HttpRequest, name: str) -> HttpResponse:
    """Show how far the plots of `?ref=` and `?base=` are read, and all once they are; POST has them read."""
    who, repository, commit, base = _sides(request, name)
    embedded = "HX-Request" in request.headers
    if request.method == "POST":
        job = plot_requests.request(repository, commit, base, user=who.user)
        if not embedded:
            messages.success(request, _("Job #%(id)s reads the plots.") % {"id": job.pk})
    if not embedded:
        query = urlencode({"ref": commit.sha, **({"base": base.sha} if base else {})})
        return redirect(f"{reverse('lineage:pipeline', args=[name])}?{query}#plots")
    context = shown(who, repository, commit, base)
    if context["plots_job"]:
        return render(request, "lineage/_plots_reading.html", context)
    response = render(request, "lineage/_plots.html", context)
    response["HX-Retarget"] = "#plots"
    return response


def shown(
    who: Viewer, repository: Repository, commit: HistoryCommit, base: HistoryCommit | None
) -> dict[str, Any]:
    """Return what the plots on a page are made of. Five queries at most."""
    unread = selectors.unread_count(commit, base)
    return {
        "repository": repository,
        "commit": commit,
        "base": base,
        "plots": selectors.drawn(commit, base),
        "plots_missing": commit.snapshot is not None and commit.plots is None,
        "plots_unread": unread,
        "plots_job": plot_requests.under_way(repository, commit, base) if unread.files else None,
        "plots_refusal": who.refusal(Permission.DATA_READ),
        "runs": pipeline_selectors.runs_of(commit),
    }


@require_safe
def figure(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Return the plot of `?ref=`, with that of `?base=` if one is named, as a Plotly figure."""
    drawn = _asked(request, name, number)[-1]
    return HttpResponse(plot_figures.figure(drawn), content_type="application/json")


@require_safe
def image(request: HttpRequest, name: str, oid: str) -> HttpResponse:
    """Return the image of a plot that the object `oid` of Git or DVC holds."""
    _who, repository = access.repository_for(request, name)
    return image_of(repository, oid)


def image_of(repository: Repository, oid: str) -> HttpResponse:
    """Return an image with headers by which a browser does nothing but show it."""
    found = selectors.image(repository, oid)
    if found is None:
        raise Http404(_("There is no such image here."))
    return HttpResponse(bytes(found.packed), content_type=f"image/{found.media}", headers=harmless.HEADERS)


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
    _who, repository, commit, base = _sides(request, name)
    drawn = selectors.drawn_at(commit, base, number)
    if drawn is None or not drawn.lines:
        raise Http404(_("This commit has no such plot."))
    return repository, commit, base, drawn


def _sides(request: HttpRequest, name: str) -> tuple[Viewer, Repository, HistoryCommit, HistoryCommit | None]:
    who, repository = access.repository_for(request, name)
    base_ref = request.GET.get("base", "").strip()
    commit = access.commit_of(repository, request.GET.get("ref", "").strip())
    if commit is None:
        raise Http404(_("This commit has no such plot."))
    return who, repository, commit, access.commit_of(repository, base_ref) if base_ref else None


def _csv(commit: HistoryCommit, number: int, drawn: Drawn) -> StreamingHttpResponse:
    response = StreamingHttpResponse(plot_figures.csv(drawn), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="plot-{commit.sha[:12]}-{number}.csv"'
    return response
