"""Pages of data: what a repository tracks and makes, its versions over time, and who uses one of them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lineage import access, import_sources, labels
from lineage.models import DataVersion
from lineage.selectors import data as selectors
from lineage.selectors import data_timeline, data_uses

_IMPORT = DataVersion.Kind.IMPORT


@require_safe
def data(request: HttpRequest, name: str) -> HttpResponse:
    """List the data sets and outputs of a repository; `?q=` and `?kind=` narrow it."""
    _who, repository = access.repository_for(request, name)
    text, kind = request.GET.get("q", "").strip(), request.GET.get("kind", "")
    rows = selectors.found(repository, text, kind if kind in DataVersion.Kind.values else "")
    context = {
        "page": selectors.page_of(rows, access.commit_of(repository, ""), request.GET.get("page")),
        "state": selectors.state_of(repository),
        "text": text,
        "kind": kind,
        "kinds": labels.DATA_KINDS,
    }
    return _page(request, "lineage/data.html", repository, context)


@require_safe
def versions(request: HttpRequest, name: str) -> HttpResponse:
    """Show the versions of the data at `?path=` over time."""
    _who, repository = access.repository_for(request, name)
    path = request.GET.get("path", "")
    tip = access.commit_of(repository, "")
    page = data_timeline.page_of(repository, path, tip, request.GET.get("page"))
    if not page.paginator.count:
        raise Http404
    context = {"path": path, "page": page, "others": selectors.other_names(repository, path)}
    return _page(request, "lineage/data_versions.html", repository, context)


@require_safe
def version(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Show one version of data, and who uses it."""
    who, row = access.data_for(request, name, pk)
    context = {
        "data": row,
        "before": data_timeline.before(row, access.commit_of(row.repository, "")),
        "uses": data_uses.uses(row, user=who.user),
        "source": import_sources.of([row.hash]).get(row.hash) if row.kind == _IMPORT else None,
    }
    return _page(request, "lineage/data_version.html", row.repository, context)


def _page(request: HttpRequest, template: str, repository: Any, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"repository": repository, "tab": "data", **context})
