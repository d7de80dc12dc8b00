"""What differs in MLflow from what was decided about a model, and what people do about it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from accounts.roles import Permission
from registry import access, drift, drift_selectors, import_job, mirror
from registry.conflicts import ConflictError
from registry.drift_access import get_drift
from registry.models import RegisteredModel


@require_safe
def drift_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show the drift of one model."""
    return _page(request, access.get_model(name, user=signed_in(request)))


@require_POST
def repair(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Have MLflow say again what was decided."""
    user = signed_in(request)
    found = get_drift(pk, user=user, model=access.get_model(name, user=user))
    try:
        job = drift.repair(found, user=user)
    except ConflictError as error:
        return _page(request, found.model, problem=str(error), status=409)
    except ValidationError as error:
        return _page(request, found.model, problem=error.messages[0], status=422)
    messages.success(request, _("Job #%(id)d puts it right in MLflow.") % {"id": job.pk})
    return redirect("registry:drift", name)


@require_POST
def accept(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Leave MLflow as it is, with a reason."""
    user = signed_in(request)
    found = get_drift(pk, user=user, model=access.get_model(name, user=user))
    reason = request.POST.get("reason", "")
    try:
        drift.accept(found, user=user, reason=reason)
    except ConflictError as error:
        return _page(request, found.model, problem=str(error), status=409)
    except ValidationError as error:
        fault = {"pk": found.pk, "reason": reason, "message": error.messages[0]}
        return _page(request, found.model, fault=fault, status=422)
    messages.success(request, _("It stays as it is in MLflow until the next decision about this model."))
    return redirect("registry:drift", name)


@require_POST
def apply_again(request: HttpRequest, number: int) -> HttpResponse:
    """Try once more to apply an approved promotion, its artifacts verified anew."""
    user = signed_in(request)
    promotion = access.get_promotion(number, user=user)
    model = promotion.version.model
    try:
        job = mirror.retry(promotion, user=user)
    except ConflictError as error:
        return _page(request, model, problem=str(error), status=409)
    words = {"id": job.pk}
    messages.success(request, _("Job #%(id)d verifies the artifacts and tries once more.") % words)
    return redirect("registry:drift", model.name)


@require_POST
def hash_files(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Have the files of an adopted version hashed and go to the job."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    return redirect(import_job.request(found, user=user) or found)


def _page(
    request: HttpRequest,
    model: RegisteredModel,
    *,
    problem: str = "",
    fault: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    user = signed_in(request)
    may = Permission.DRIFT_RESOLVE in access.permissions_on(user, model)
    context: dict[str, Any] = {
        "model": model,
        "drift": drift_selectors.page(user, model),
        "refusal": "" if may else access.explain_on(Permission.DRIFT_RESOLVE, model),
        "problem": problem,
        "fault": fault,
        "reason_limit": drift.REASON_LIMIT,
        "tab": "drift",
    }
    return render(request, "registry/drift.html", context, status=status)
