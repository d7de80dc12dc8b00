"""What can be done on the page of a promotion. Each view calls one operation and goes back to the page."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from experiments import text_diff
from registry import (
    access,
    bypass,
    comments,
    promotion,
    promotion_renewal,
    review_page,
    selectors,
    waivers,
)
from registry.conflicts import ConflictError
from registry.forms import ReviewForm
from registry.models import Promotion
from registry.review_forms import CommentForm, FollowUpForm, WaiveForm
from registry.views.form_errors import take_over
from registry.views.promotion_page import show, subjects, waivable


@require_POST
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Take a verdict."""
    found = access.get_promotion(number, user=signed_in(request))
    form = ReviewForm(request.POST, must_type=review_page.must_type(found))

    def act(given: dict[str, Any]) -> None:
        promotion.review(
            found,
            given["verdict"],
            user=signed_in(request),
            evidence_digest=given["evidence_digest"],
            comment=given["comment"],
        )

    return _done(request, found, "form", form, act, _("Your review is recorded."))


@require_POST
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Take a remark, and go where it stands now."""
    user = signed_in(request)
    found = access.get_promotion(number, user=user)
    form = CommentForm(request.POST, subjects=_subjects(request, found))
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = comments.add(found, given["body"], user=user, anchor=given["anchor"])
            return redirect(f"{found.get_absolute_url()}#comment-{made.pk}")
        except ValidationError as error:
            take_over(form, error)
    return show(request, found, comment_form=form, status=422)


@require_POST
def waive(request: HttpRequest, number: int) -> HttpResponse:
    """Let the promotion pass although a gate does not."""
    found = access.get_promotion(number, user=signed_in(request))
    names = [(name, name) for name in request.POST.getlist("gate")]
    form = WaiveForm(request.POST, gates=names)

    def act(given: dict[str, Any]) -> None:
        waivers.waive(found, given["gate"], user=signed_in(request), reason=given["reason"])

    return _done(request, found, "waive_form", form, act, _("The gate is waived."))


@require_POST
def follow_up(request: HttpRequest, number: int) -> HttpResponse:
    """Take what somebody found who looked at a bypass afterwards."""
    found = access.get_promotion(number, user=signed_in(request))
    form = FollowUpForm(request.POST)

    def act(given: dict[str, Any]) -> None:
        bypass.follow_up(found, user=signed_in(request), comment=given["comment"])

    return _done(request, found, "follow_up_form", form, act, _("Your review is recorded."))


@require_POST
def renew(request: HttpRequest, number: int) -> HttpResponse:
    """Freeze what is true now."""
    found = access.get_promotion(number, user=signed_in(request))
    try:
        promotion_renewal.renew(found, user=signed_in(request))
    except ConflictError as error:
        return _conflict(request, number, error)
    messages.success(request, _("The evidence is renewed; earlier approvals do not count any more."))
    return redirect(found)


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a request back."""
    found = access.get_promotion(number, user=signed_in(request))
    try:
        promotion.withdraw(found, user=signed_in(request))
    except ConflictError as error:
        return _conflict(request, number, error)
    messages.success(request, _("The request is withdrawn."))
    return redirect(found)


@require_safe
def card_changes(request: HttpRequest, number: int) -> HttpResponse:
    """Show how the model card differs from that of the version it is compared with."""
    found = access.get_promotion(number, user=signed_in(request))
    baseline = selectors.compared_with(found)
    old, new = review_page.newest_card_texts(found.version, baseline)
    context = {
        "promotion": found,
        "version": found.version,
        "baseline": baseline,
        "has_card": bool(new),
        "has_old": bool(old),
        "diff": text_diff.of(old, new) if new else None,
    }
    whole = "HX-Request" not in request.headers
    name = "registry/promotion_card.html" if whole else "registry/_card_changes_body.html"
    return render(request, name, context)


def _done(
    request: HttpRequest,
    found: Promotion,
    name: str,
    form: forms.Form,
    act: Callable[[dict[str, Any]], None],
    words: str,
) -> HttpResponse:
    """Do what the form asks for; show the page with the form and what is wrong with it, where it cannot be.

    :param name: what `show` calls the form
    """
    forms_: dict[str, Any] = {name: form}
    if not form.is_valid():
        return show(request, found, status=422, **_completed(request, found, forms_))
    try:
        act(form.cleaned_data)
    except ValidationError as error:
        take_over(form, error)
        return show(request, found, status=422, **_completed(request, found, forms_))
    except ConflictError as error:
        kept = forms_ if name == "form" else {}
        return _conflict(request, found.pk, error, **kept)
    messages.success(request, words)
    return redirect(found)


def _completed(request: HttpRequest, found: Promotion, forms_: dict[str, Any]) -> dict[str, Any]:
    """Give the form of waivers, of which only what was sent is known, all the gates it can be about."""
    form = forms_.get("waive_form")
    if isinstance(form, WaiveForm):
        context = review_page.read(found, signed_in(request))
        form.fields["gate"].choices = waivable(context)  # type: ignore[attr-defined]
    return forms_


def _conflict(request: HttpRequest, number: int, error: ConflictError, **forms_: Any) -> HttpResponse:
    fresh = access.get_promotion(number, user=signed_in(request))
    return show(request, fresh, conflict=str(error), status=409, **forms_)


def _subjects(request: HttpRequest, found: Promotion) -> list[tuple[str, str]]:
    return subjects(review_page.read(found, signed_in(request)))
