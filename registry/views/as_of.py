"""What was in Production at an instant: of one model, and of all."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.csv_cells import neutral
from registry import access, as_of, asked_instants, instants, labels, selectors
from registry.asked_instants import Asked

_PER_PAGE = 50
_SEARCH_LIMIT = 200
_CSV_LIMIT = 10_000
_COLUMNS = (
    "at",
    "model",
    "version",
    "since",
    "until",
    "how",
    "by",
    "approved_by",
    "promotion",
    "evidence_digest",
    "artifact_digest",
)


@require_safe
def model_production(request: HttpRequest, name: str) -> HttpResponse:
    """Show what was in Production of one model at an instant, and every time that something was."""
    model = access.get_model(name, user=signed_in(request))
    asked = asked_instants.of(request)
    page = Paginator(as_of.arrivals(model), _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "model": model,
        "tab": "production",
        "asked": asked,
        "offsets": instants.OFFSETS,
        "permalink": request.build_absolute_uri(f"{request.path}?at={asked.link}"),
        "row": _row(as_of.production(model, asked.at)),
        "page": page,
        "rows": [_row(one) for one in as_of.periods(page.object_list, asked.at)],
    }
    status = 422 if asked.error else 200
    return render(request, "registry/model_production.html", context, status=status)


@require_safe
def production(request: HttpRequest) -> HttpResponse:
    """Show what was in Production of every model at an instant; `?format=csv` downloads it."""
    asked = asked_instants.of(request)
    search = request.GET.get("q", "").strip()[:_SEARCH_LIMIT]
    found = selectors.models(search, user=signed_in(request))
    if request.GET.get("format") == "csv" and not asked.error:
        return _csv(as_of.productions(found[:_CSV_LIMIT], asked.at), asked)
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "asked": asked,
        "offsets": instants.OFFSETS,
        "q": search,
        "page": page,
        "rows": [_row(one) for one in as_of.productions(page.object_list, asked.at)],
    }
    return render(request, "registry/production.html", context, status=422 if asked.error else 200)


def _row(serving: as_of.Serving) -> dict[str, Any]:
    """One answer with its words."""
    return {
        "serving": serving,
        "how": labels.move(serving.how or ""),
        "until_how": labels.move(serving.until_how or ""),
    }


def _csv(answers: list[as_of.Serving], asked: Asked) -> HttpResponse:
    name = f"production-{asked.at:%Y%m%dT%H%M%SZ}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(_COLUMNS)
    for one in answers:
        writer.writerow(
            _cell(value)
            for value in (
                one.at.isoformat(),
                one.model.name,
                one.version.version if one.version else "",
                one.since.isoformat() if one.since else "",
                one.until.isoformat() if one.until else "",
                one.how,
                one.by,
                ", ".join(one.approved_by),
                one.promotion,
                one.evidence_digest,
                one.artifact_digest,
            )
        )
    return response


def _cell(value: object) -> str:
    """Return a value as text that no spreadsheet takes for a formula."""
    return "" if value is None else neutral(str(value))
