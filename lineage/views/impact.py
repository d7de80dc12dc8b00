"""The page of what a cause reached."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.audit_export import Export
from lineage import asked_causes, impact, impact_export, node_search
from lineage.asked_causes import CauseError
from lineage.impact import Impact
from registry import asked_instants, instants
from registry.stages import Stage

_PER_PAGE = 50


@require_safe
def impact_page(request: HttpRequest) -> HttpResponseBase:
    """Show which versions a cause reached; `?format=csv` downloads them."""
    user, at = signed_in(request), asked_instants.of(request)
    if text := request.GET.get("q", "").strip()[: node_search.LONGEST]:
        return _searched(request, text)
    stage = request.GET.get("stage", "")
    stage = stage if stage in set(Stage) else ""
    context: dict[str, Any] = {
        "asked": at,
        "offsets": instants.OFFSETS,
        "stage": stage,
        "stages": [one.value for one in Stage],
    }
    try:
        cause = asked_causes.of(request.GET, user=user)
    except (CauseError, Http404) as error:
        status = 404 if isinstance(error, Http404) else 422
        return render(request, "lineage/impact.html", {**context, "problem": str(error)}, status=status)
    if cause is None:
        return render(request, "lineage/impact.html", context)
    if request.GET.get("format") == "csv" and not at.error:
        return _sent(impact_export.export(cause, user=user, at=at.then, stage=stage))
    found = impact.of(cause.keys, user=user, at=at.then, stage=stage)
    context |= {"cause": cause, "impact": found, **_page(request, found)}
    return render(request, "lineage/impact.html", context, status=422 if at.error else 200)


def _page(request: HttpRequest, found: Impact) -> dict[str, Any]:
    page = Paginator(found.versions, _PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "rows": impact.rows(page.object_list, found.limits)}


def _searched(request: HttpRequest, text: str) -> HttpResponseBase:
    """Go to the one cause that was meant, or let choose."""
    user = signed_in(request)
    choices = asked_causes.choices(text, user=user)
    if len(choices) == 1:
        return redirect(f"{reverse('lineage:impact')}?{urlencode(choices[0].query)}")
    context = {"q": text, "choices": choices, "asked": asked_instants.of(request)}
    return render(request, "lineage/impact.html", context)


def _sent(made: Export) -> StreamingHttpResponse:
    response = StreamingHttpResponse(made.chunks, content_type=made.content_type)
    response["Content-Disposition"] = content_disposition_header(True, made.name)
    add_never_cache_headers(response)  # each is noted in the trail
    return response
