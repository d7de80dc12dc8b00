"""Production goes back to a version that served before; and the emergency way past the review."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import signed_in
from accounts.roles import Permission
from registry import access, bypass, labels, rollback, selectors
from registry.conflicts import ConflictError
from registry.models import ModelVersion, RegisteredModel
from registry.review_forms import BypassForm, RollbackForm
from registry.version_facts import key_metrics
from registry.views.form_errors import take_over


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for the reason, with the previous good version chosen already, and roll back.

    `?to=` chooses another version.
    """
    user = signed_in(request)
    model = access.get_model(name, user=user)
    serving = selectors.production(model.pk)
    candidates = rollback.candidates(model)
    form = _rollback_form(request, serving, candidates)
    conflict = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        chosen = next(one for one in candidates if one.version == given["to_version"])
        try:
            done = rollback.roll_back(
                model, chosen, user=user, reason=given["reason"], serving=given["serving"]
            )
            messages.success(request, _("Production is rolled back."))
            return redirect(done)
        except ValidationError as error:
            take_over(form, error)
        except ConflictError as error:
            conflict = str(error)
    context = {
        "model": model,
        "serving": serving,
        "serving_metrics": key_metrics(serving) if serving else [],
        "choices": _choices(form, candidates, serving),
        "form": form,
        "conflict": conflict,
        "refusal": _refusal(request, Permission.PROMOTION_ROLLBACK, model),
    }
    status = 409 if conflict else 422 if form.errors else 200
    return render(request, "registry/rollback.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def emergency(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Put a version into place without a review. For administrators."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    refusal = _refusal(request, Permission.PROMOTION_BYPASS, found.model)
    if refusal and request.method != "POST":
        raise PermissionDenied(refusal)
    stages = bypass.possible_targets(found)
    form = BypassForm(
        request.POST or None,
        stages=[(stage, labels.stage(stage)) for stage in stages],
        must_type=found.version,
        initial={"to": stages[-1] if stages else ""},
    )
    conflict = ""
    if request.method == "POST" and (form.is_valid() or refusal):
        given = form.cleaned_data
        try:
            done = bypass.bypass(found, given.get("to", ""), user=user, reason=given.get("reason", "-"))
            messages.success(request, _("The version is in place; somebody else has to look at it now."))
            return redirect(done)
        except ValidationError as error:
            take_over(form, error)
        except ConflictError as error:
            conflict = str(error)
    context = {
        "version": found,
        "model": found.model,
        "serving": selectors.production(found.model_id),
        "stages": stages,
        "form": form,
        "must_type": found.version,
        "conflict": conflict,
    }
    status = 409 if conflict else 422 if form.errors else 200
    return render(request, "registry/bypass.html", context, status=status)


def _rollback_form(
    request: HttpRequest, serving: ModelVersion | None, candidates: list[ModelVersion]
) -> RollbackForm:
    wanted = request.GET.get("to", "")
    known = [one.version for one in candidates]
    chosen = wanted if wanted in known else known[0] if known else ""
    return RollbackForm(
        request.POST or None,
        versions=[(one, one) for one in known],
        initial={"to_version": chosen, "serving": serving.version if serving else ""},
    )


def _choices(
    form: RollbackForm, candidates: list[ModelVersion], serving: ModelVersion | None
) -> list[tuple[ModelVersion, Any, bool]]:
    """Return each version that can serve again, its key metrics, and whether it is chosen."""
    chosen = form["to_version"].value()
    return [(one, key_metrics(one, serving), one.version == chosen) for one in candidates]


def _refusal(request: HttpRequest, permission: Permission, model: RegisteredModel) -> str:
    """Return why this person may not; empty where they may."""
    if permission in access.permissions_on(signed_in(request), model):
        return ""
    return access.explain_on(permission, model)
