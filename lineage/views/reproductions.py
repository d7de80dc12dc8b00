"""Pages of reproductions: those of a version, the report of one, and the tolerance of a model."""

from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from accounts.models import User
from accounts.roles import Permission
from lineage import reproduction, reproduction_page
from lineage.tolerance_form import ToleranceForm
from registry import access
from registry.models import RegisteredModel
from registry.views.form_errors import take_over
from registry.views.version import TABS


@require_http_methods(["GET", "HEAD", "POST"])
def reproductions(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show what came of rebuilding a version, and what another attempt will do; POST starts one."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    if request.method == "POST":
        return redirect(reproduction.request(found, user=user))
    permissions = access.permissions_on(user, found.model)
    may = Permission.VERSION_REPRODUCE in permissions
    context = {
        "version": found,
        "tab": "checks",
        "tabs": TABS,
        "reproductions": reproduction_page.newest(found),
        "under_way": reproduction.under_way(found),
        "tolerance": reproduction.tolerance_of(found.model),
        "refusal": "" if may else access.explain_on(Permission.VERSION_REPRODUCE, found.model),
    }
    return render(request, "lineage/reproductions.html", context)


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one report, verdict first; `?format=json` downloads it as it was signed."""
    found = reproduction_page.get(pk, user=signed_in(request))
    if request.GET.get("format") == "json":
        signed = {"statement": found.report, "key": found.key, "signature": found.signature}
        response = JsonResponse(signed, json_dumps_params={"indent": 2, "ensure_ascii": False})
        response["Content-Disposition"] = content_disposition_header(True, f"reproduction-{found.pk}.json")
        return response
    context = {"page": reproduction_page.page_of(found), "version": found.version}
    return render(request, "lineage/reproduction.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def tolerance(request: HttpRequest, name: str) -> HttpResponse:
    """Show and set how far rebuilt versions of a model may be from the recorded ones."""
    user = signed_in(request)
    model = access.get_model(name, user=user)
    status = HTTPStatus.OK
    if request.method == "POST":
        form = ToleranceForm(request.POST)
        if form.is_valid() and _is_set(model, form, user):
            return redirect(model)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        form = ToleranceForm.showing(reproduction.tolerance_of(model))
    may = Permission.MODEL_EDIT in access.permissions_on(user, model)
    refusal = "" if may else access.explain_on(Permission.MODEL_EDIT, model)
    context = {"model": model, "form": form, "refusal": refusal}
    return render(request, "lineage/tolerance.html", context, status=status)


def _is_set(model: RegisteredModel, form: ToleranceForm, user: User) -> bool:
    try:
        reproduction.set_tolerance(model, form.wanted(), user=user)
    except ValidationError as error:
        take_over(form, error)
        return False
    return True
