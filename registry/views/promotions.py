"""The inbox of promotions, the review page, and what can be done there."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import explain, permissions_of, signed_in
from accounts.roles import Permission
from registry import access, comparison, history, inbox, labels, promotion, selectors, verdict
from registry.forms import PromotionForm, ReviewForm
from registry.models import Promotion
from registry.stages import Stage
from registry.version_facts import categories, key_metrics, metadata_changes, metadata_of

_PER_PAGE = 50


@require_safe
def promotions(request: HttpRequest) -> HttpResponse:
    """Show the promotions by whose turn it is."""
    user = signed_in(request)
    tabs = inbox.tabs(user, permissions_of(user))
    current = next((tab for tab in tabs if tab.key == request.GET.get("tab")), tabs[0])
    page = Paginator(current.rows, _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "registry/promotions.html", {"tabs": tabs, "current": current, "page": page})


@require_safe
def promotion_page(request: HttpRequest, number: int) -> HttpResponse:
    """Show everything a reviewer needs to decide; `?confirm` asks for the version that is to be typed."""
    return _page(request, access.get_promotion(number), ReviewForm())


@require_http_methods(["GET", "HEAD", "POST"])
def open_promotion(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for a version to be moved to the stage named by `to`."""
    found = access.get_version(name, version)
    form = PromotionForm(request.POST or None, initial={"to": request.GET.get("to", "")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            opened = promotion.open_for(found, given["to"], user=signed_in(request), comment=given["comment"])
            messages.success(request, _("The promotion is open for review."))
            return redirect(opened)
        except ValidationError as error:
            _take_over(form, error)
    to_stage = form["to"].value() or ""
    production = selectors.production(found.model_id)
    context = {
        "version": found,
        "form": form,
        "to": to_stage if to_stage in promotion.possible_targets(found) else "",
        "to_label": labels.stage(to_stage),
        "targets": [(stage, labels.stage(stage)) for stage in promotion.possible_targets(found)],
        "production": production,
        "metrics": key_metrics(found, production),
        "missing": [one for one in categories(metadata_of(found)) if not one.is_complete],
        "refusal": _refusal(request),
    }
    status = 422 if form.errors else 200
    return render(request, "registry/open_promotion.html", context, status=status)


@require_POST
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Take a verdict."""
    found = access.get_promotion(number)
    form = ReviewForm(request.POST, must_type=_must_type(found))
    if not form.is_valid():
        return _page(request, found, form, status=422)
    given = form.cleaned_data
    try:
        promotion.review(
            found,
            given["verdict"],
            user=signed_in(request),
            evidence_digest=given["evidence_digest"],
            comment=given["comment"],
        )
    except ValidationError as error:
        _take_over(form, error)
        return _page(request, found, form, status=422)
    except promotion.ConflictError as error:
        return _page(request, access.get_promotion(number), form, conflict=str(error), status=409)
    messages.success(request, _("Your review is recorded."))
    return redirect(found)


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a request back."""
    found = access.get_promotion(number)
    try:
        promotion.withdraw(found, user=signed_in(request))
    except promotion.ConflictError as error:
        return _page(request, access.get_promotion(number), ReviewForm(), conflict=str(error), status=409)
    messages.success(request, _("The request is withdrawn."))
    return redirect(found)


def _refusal(request: HttpRequest) -> str:
    """Return why this person cannot open a promotion; empty where they can."""
    allowed = Permission.PROMOTION_OPEN in permissions_of(signed_in(request))
    return "" if allowed else explain(Permission.PROMOTION_OPEN)


def _must_type(found: Promotion) -> str:
    """Return what has to be typed before an approval counts: what goes to Production is named by hand."""
    return found.version.version if found.to_stage == Stage.PRODUCTION else ""


def _take_over(form: Any, error: ValidationError) -> None:
    for name, texts in error.message_dict.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)


def _page(
    request: HttpRequest, found: Promotion, form: ReviewForm, *, conflict: str = "", status: int = 200
) -> HttpResponse:
    user = signed_in(request)
    permissions = permissions_of(user)
    baseline = selectors.compared_with(found)
    context = {
        "promotion": found,
        "version": found.version,
        "incumbent": found.incumbent,
        "baseline": baseline,
        "state": labels.promotion_state(found.state),
        "verdict": verdict.of(found, user, permissions),
        "is_requester": found.requested_by_id == user.pk,
        "comparison": comparison.of(found.version, baseline),
        "completeness": categories(metadata_of(found.version)),
        "changes": metadata_changes(found.version, baseline) if baseline else [],
        "events": history.of_promotion(found, permissions),
        "reviews": [(review, labels.verdict(review.verdict)) for review in found.reviews.all()],
        "form": form,
        "must_type": _must_type(found),
        "confirming": "confirm" in request.GET or "confirm" in form.errors,
        "conflict": conflict,
    }
    return render(request, "registry/promotion.html", context, status=status)
