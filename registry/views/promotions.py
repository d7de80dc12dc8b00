"""The inbox of promotions, the review page, and the page on which a promotion is asked for."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import permissions_of, signed_in
from accounts.roles import Permission
from registry import access, inbox, labels, policies, promotion, promotion_rows, selectors
from registry.forms import PromotionForm
from registry.models import ModelVersion
from registry.version_facts import categories, key_metrics, metadata_of
from registry.views import promotion_page as page_of
from registry.views.form_errors import take_over

_PER_PAGE = 50


@require_safe
def promotions(request: HttpRequest) -> HttpResponse:
    """Show the promotions by whose turn it is."""
    user = signed_in(request)
    tabs = inbox.tabs(user, permissions_of(user))
    current = next((tab for tab in tabs if tab.key == request.GET.get("tab")), tabs[0])
    page = Paginator(promotion_rows.light(current.rows), _PER_PAGE).get_page(request.GET.get("page"))
    context = {"tabs": tabs, "current": current, "page": page, "rows": promotion_rows.of(page)}
    return render(request, "registry/promotions.html", context)


@require_safe
def promotion_page(request: HttpRequest, number: int) -> HttpResponse:
    """Show everything a reviewer needs to decide; `?confirm` asks for the version that is to be typed."""
    return page_of.show(request, access.get_promotion(number, user=signed_in(request)))


@require_http_methods(["GET", "HEAD", "POST"])
def open_promotion(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for a version to be moved to the stage named by `to`."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    form = PromotionForm(request.POST or None, initial={"to": request.GET.get("to", "")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            opened = promotion.open_for(found, given["to"], user=user, comment=given["comment"])
            messages.success(request, _("The promotion is open for review."))
            return redirect(opened)
        except ValidationError as error:
            take_over(form, error)
    to_stage = form["to"].value() or ""
    possible = to_stage if to_stage in promotion.possible_targets(found) else ""
    production = selectors.production(found.model_id)
    context = {
        "version": found,
        "form": form,
        "to": possible,
        "to_label": labels.stage(to_stage),
        "targets": [(stage, labels.stage(stage)) for stage in promotion.possible_targets(found)],
        "rules": policies.rules_of(policies.current(found.model, possible), possible) if possible else None,
        "production": production,
        "metrics": key_metrics(found, production),
        "missing": [one for one in categories(metadata_of(found)) if not one.is_complete],
        "refusal": refusal(request, found),
    }
    status = 422 if form.errors else 200
    return render(request, "registry/open_promotion.html", context, status=status)


def refusal(request: HttpRequest, version: ModelVersion) -> str:
    """Return why this person cannot open a promotion; empty where they can."""
    permissions = access.permissions_on(signed_in(request), version.model)
    if Permission.PROMOTION_OPEN in permissions:
        return ""
    return access.explain_on(Permission.PROMOTION_OPEN, version.model)
