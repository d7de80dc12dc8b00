"""Making a release candidate final, and having the files of a version inspected again."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import signed_in
from accounts.models import User
from accounts.roles import Permission
from registry import access, finalising, inspection
from registry.conflicts import ConflictError
from registry.forms import FinaliseForm
from registry.models import ModelVersion


@require_http_methods(["GET", "HEAD", "POST"])
def finalise(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Say what becomes of the candidate, and ask; POST queues it."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    if request.method != "POST":
        return _page(request, user, found, FinaliseForm())
    form = FinaliseForm(request.POST)
    if not form.is_valid():
        return _page(request, user, found, form, status=422)
    try:
        return redirect(finalising.finalise(found, user=user, reason=form.cleaned_data["reason"]))
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            for message in messages:
                form.add_error(field if field in form.fields else None, message)
        return _page(request, user, found, form, status=422)
    except ConflictError as error:
        form.add_error(None, str(error))
        return _page(request, user, found, form, status=409)


@require_POST
def inspect(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Queue an inspection of the version's files and go to its job."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    return redirect(inspection.request(found, user=user))


def _page(
    request: HttpRequest, user: User, version: ModelVersion, form: FinaliseForm, status: int = 200
) -> HttpResponse:
    final = str(finalising.final_of(version))
    rows = ModelVersion.objects.select_related("model").filter(model=version.model_id, version=final)
    existing = rows.first()
    allowed = Permission.VERSION_REGISTER in access.permissions_on(user, version.model)
    refusal = "" if allowed else access.explain_on(Permission.VERSION_REGISTER, version.model)
    context = {
        "version": version,
        "final": final,
        "existing": existing,
        "form": form,
        "refusal": refusal or finalising.refusal(version, existing),
        "approved": finalising.approval_in_staging(version),
        "needs_reason": bool(form.errors) or finalising.needs_reason(version),
    }
    return render(request, "registry/finalise.html", context, status=status)
