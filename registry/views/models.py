"""The list of models, and the page of one model."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from registry import access, bypass, drift_selectors, promotion_rows, rollback_offer, selectors, stage_facts
from registry.version_table import rows_of, table_of

_PER_PAGE = 50
_SEARCH_LIMIT = 200
_BYPASSES_SHOWN = 5


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Show every model with what is in its stages now."""
    search = request.GET.get("q", "").strip()[:_SEARCH_LIMIT]
    found = selectors.models(search, user=signed_in(request))
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": selectors.model_rows(page), "q": search}
    return render(request, "registry/models.html", context)


@require_safe
def model(request: HttpRequest, name: str) -> HttpResponse:
    """Show what is in each stage of one model, and every version of it."""
    user = signed_in(request)
    found = access.get_model(name, user=user)
    cards = selectors.stage_cards(found)
    production = next(iter(cards[0].versions), None)
    page = Paginator(selectors.versions_of(found), _PER_PAGE).get_page(request.GET.get("page"))
    waiting = list(promotion_rows.light(selectors.open_promotions(found, user=user))[:_PER_PAGE])
    context: dict[str, Any] = {
        "model": found,
        "alerts": drift_selectors.alerts(signed_in(request), found),
        "cards": [(card, rows_of(card.versions, production)) for card in cards],
        "page": page,
        "table": table_of(list(page), production),
        "promotions": waiting,
        "promotion_rows": promotion_rows.of(waiting),
        "facts": stage_facts.of(version for card in cards for version in card.versions),
        "bypasses": list(bypass.unreviewed(found)[:_BYPASSES_SHOWN]),
        "rollback": rollback_offer.of(found, production, access.permissions_on(user, found)),
    }
    return render(request, "registry/model.html", context)
