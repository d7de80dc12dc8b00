"""The page of what a cause reached."""

import csv
from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.csv_cells import neutral
from lineage import asked_causes, impact, node_search
from lineage.asked_causes import AskedCause, CauseError
from lineage.impact import Impact, ImpactRow
from registry import asked_instants, instants
from registry.stages import Stage

_PER_PAGE = 50
_CSV_LIMIT = 20_000
_COLUMNS = ("model", "version", "stage_now", "stage_then", "registered_at", "promotions", "deployments")


@require_safe
def impact_page(request: HttpRequest) -> HttpResponse:
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
    found = impact.of(cause.keys, user=user, at=at.then, stage=stage)
    if request.GET.get("format") == "csv" and not at.error:
        return _csv(impact.rows(found.versions[:_CSV_LIMIT], found.limits), cause)
    context |= {"cause": cause, "impact": found, **_page(request, found)}
    return render(request, "lineage/impact.html", context, status=422 if at.error else 200)


def _page(request: HttpRequest, found: Impact) -> dict[str, Any]:
    page = Paginator(found.versions, _PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "rows": impact.rows(page.object_list, found.limits)}


def _searched(request: HttpRequest, text: str) -> HttpResponse:
    """Go to the one cause that was meant, or let choose."""
    user = signed_in(request)
    choices = asked_causes.choices(text, user=user)
    if len(choices) == 1:
        return redirect(f"{reverse('lineage:impact')}?{urlencode(choices[0].query)}")
    context = {"q": text, "choices": choices, "asked": asked_instants.of(request)}
    return render(request, "lineage/impact.html", context)


def _csv(found: Iterable[ImpactRow], cause: AskedCause) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"impact-{cause.short}.csv") or ""
    writer = csv.writer(response)
    writer.writerow(_COLUMNS)
    for row in found:
        version = row.version
        promotions = "; ".join(f"#{one.pk} {one.to_stage} {state}" for one, state in row.promotions)
        deployments = "; ".join(
            f"{one.environment} {'until ' + one.retired_at.isoformat() if one.retired_at else 'serves'}"
            for one in row.deployments
        )
        cells = (version.model.name, version.version, row.stage, row.stage_then)
        writer.writerow(
            neutral(value) for value in (*cells, version.created_at.isoformat(), promotions, deployments)
        )
    return response
