"""Making a version from a run: the form, its live proposal, and the fragment on the run's page."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from experiments.jobs import WrongStateError
from experiments.models import Run
from registry import access, labels, registration, selectors
from registry.forms import RegisterForm
from registry.promotion import ConflictError
from registry.version_facts import reasons_apart

_MODELS_OFFERED = 200


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Show the proposed version with its reasons; POST queues the registration."""
    run = access.get_run(request.GET.get("run", ""))
    if request.method == "POST":
        return _registered(request, run)
    name = request.GET.get("model") or run.experiment.name
    return _page(request, run, RegisterForm(initial={"model": name}), name)


def _registered(request: HttpRequest, run: Run) -> HttpResponse:
    form = RegisterForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            job = registration.register(
                run,
                given["model"],
                user=signed_in(request),
                version=given["version"],
                reason=given["reason"],
            )
            return redirect(job)
        except ValidationError as error:
            _take_over(form, error)
        except (ConflictError, WrongStateError) as error:
            form.add_error(None, str(error))
            return _page(request, run, form, given["model"], status=409)
    return _page(request, run, form, request.POST.get("model", ""), status=422)


def _take_over(form: RegisterForm, error: ValidationError) -> None:
    for name, messages in error.message_dict.items():
        for message in messages:
            form.add_error(name if name in form.fields else None, message)


def _page(
    request: HttpRequest, run: Run, form: RegisterForm, model_name: str, status: int = 200
) -> HttpResponse:
    user = signed_in(request)
    # What is proposed beside a model that they do not see must not tell of its versions.
    proposal = registration.propose(run, "" if model_name in access.hidden_names(user) else model_name)
    context = {
        "run": run,
        "form": form,
        "proposal": proposal,
        "reasons": reasons_apart(proposal.reasons),
        "required": labels.bump(proposal.required),
        "models": access.visible(user).values_list("name", flat=True)[:_MODELS_OFFERED],
        "refusal": _refusal(request, run, model_name),
    }
    template = "registry/_proposal.html" if request.headers.get("HX-Request") else "registry/register.html"
    return render(request, template, context, status=status)


@require_safe
def run_versions(request: HttpRequest, run_id: str) -> HttpResponse:
    """The fragment of the run's page: versions made from it, and the way to make one."""
    run = access.get_run(run_id)
    context = {
        "run": run,
        "versions": selectors.versions_of_run(run_id, user=signed_in(request)),
        "refusal": _refusal(request, run, ""),
    }
    return render(request, "registry/_run_versions.html", context)


def _refusal(request: HttpRequest, run: Run, model_name: str) -> str:
    """Return why this person cannot register this run now; empty where they can.

    :param model_name: as a version of what; empty: of whatever they may
    """
    refusal = access.refusal_to_register(signed_in(request), model_name)
    if refusal:
        return refusal
    if not registration.is_registrable(run):
        return _("Only a run that finished can become a version.")
    return ""
