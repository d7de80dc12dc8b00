"""The list of models, and the page of one model."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry import access, selectors
from registry.models import ModelVersion
from registry.version_facts import MetricFact, key_metrics

_PER_PAGE = 50
_SEARCH_LIMIT = 200


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Show every model with what is in its stages now."""
    search = request.GET.get("q", "").strip()[:_SEARCH_LIMIT]
    page = Paginator(selectors.model_rows(search), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "registry/models.html", {"page": page, "q": search})


@require_safe
def model(request: HttpRequest, name: str) -> HttpResponse:
    """Show what is in each stage of one model, and every version of it."""
    found = access.get_model(name)
    stages = selectors.in_stage(found)
    production = next(iter(stages["Production"]), None)
    page = Paginator(selectors.versions_of(found), _PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "model": found,
        "production": _with_metrics(stages["Production"], None),
        "staging": _with_metrics(stages["Staging"], production),
        "page": page,
        "rows": _with_metrics(page, production),
        "promotions": selectors.open_promotions(found),
    }
    return render(request, "registry/model.html", context)


def _with_metrics(
    versions: Any, production: ModelVersion | None
) -> list[tuple[ModelVersion, list[MetricFact]]]:
    rows = []
    for version in versions:
        baseline = production if production and production.pk != version.pk else None
        rows.append((version, key_metrics(version, baseline)))
    return rows
