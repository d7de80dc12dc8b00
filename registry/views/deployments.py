"""Where the versions of a model serve."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import signed_in
from accounts.roles import Permission
from registry import access, deployment_selectors, deployments, selectors
from registry.conflicts import ConflictError
from registry.deployment_forms import DeploymentForm
from registry.models import Deployment, RegisteredModel

_PER_PAGE = 50
_OFFERED = 100


@require_http_methods(["GET", "HEAD", "POST"])
def deployments_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show where versions of a model serve and served; a POST records that one serves now."""
    model = access.get_model(name, user=signed_in(request))
    if request.method != "POST":
        return _page(request, model, DeploymentForm())
    form = DeploymentForm(request.POST)
    if form.is_valid():
        try:
            made = _record(request, model, form)
        except (ValidationError, ConflictError) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            words = {"version": made.version.version, "place": made.environment}
            messages.success(request, _("%(version)s serves in %(place)s.") % words)
            return redirect("registry:deployments", model.name)
    return _page(request, model, form, status=422)


@require_POST
def retire(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Record that a deployment ends now."""
    user = signed_in(request)
    model = access.get_model(name, user=user)
    found = deployment_selectors.get(model, number)
    if found is None:
        raise Http404(_("There is no such deployment."))
    try:
        deployments.retire(found, user=user)
    except ConflictError as error:
        return _page(request, model, DeploymentForm(), problem=str(error), status=409)
    words = {"version": found.version.version, "place": found.environment}
    messages.success(request, _("%(version)s no longer serves in %(place)s.") % words)
    return redirect("registry:deployments", model.name)


def _record(request: HttpRequest, model: RegisteredModel, form: DeploymentForm) -> Deployment:
    given, user = form.cleaned_data, signed_in(request)
    try:
        version = access.get_version(model.name, given["version"], user=user)
    except Http404 as error:
        raise ValidationError({"version": str(error)}) from error
    place = deployments.Place(given["environment"], given["url"], given["note"])
    return deployments.record(version, place, user=user, alongside=given["alongside"])


def _page(
    request: HttpRequest,
    model: RegisteredModel,
    form: DeploymentForm,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    may = Permission.DEPLOYMENT_RECORD in access.permissions_on(signed_in(request), model)
    found = deployment_selectors.of_model(model)
    context = {
        "model": model,
        "tab": "deployments",
        "page": Paginator(found, _PER_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "problem": problem,
        "refusal": "" if may else access.explain_on(Permission.DEPLOYMENT_RECORD, model),
        "versions": list(selectors.versions_of(model)[:_OFFERED]) if may else [],
        "environments": deployment_selectors.environments(model) if may else [],
    }
    return render(request, "registry/deployments.html", context, status=status)
