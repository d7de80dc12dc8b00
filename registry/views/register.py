"""Making a version from a run: the form, its live proposal, and the fragment on the run's page."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from experiments import access as run_access
from experiments import run_page
from experiments.jobs import WrongStateError
from experiments.live import Live
from experiments.models import Run
from registry import access, labels, register_page, registration, selectors
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
    given = {name: request.GET[name] for name in ("choice", "version", "reason") if name in request.GET}
    given["model"] = request.GET.get("model") or run.experiment.name
    return _page(request, run, RegisterForm(initial=given), given)


def _registered(request: HttpRequest, run: Run) -> HttpResponse:
    form = RegisterForm(request.POST)
    written = {name: str(request.POST.get(name, "")) for name in form.fields}
    if form.is_valid():
        given = form.cleaned_data
        try:
            job = registration.register(
                run,
                given["model"],
                user=signed_in(request),
                reason=given["reason"],
                **register_page.asked(given),
            )
            return redirect(job)
        except ValidationError as error:
            _take_over(form, error)
        except (ConflictError, WrongStateError) as error:
            form.add_error(None, str(error))
            return _page(request, run, form, written, status=409)
    return _page(request, run, form, written, status=422)


def _take_over(form: RegisterForm, error: ValidationError) -> None:
    for name, messages in error.message_dict.items():
        field = {"bump": "choice"}.get(name, name)
        for message in messages:
            form.add_error(field if field in form.fields else None, message)


def _page(
    request: HttpRequest, run: Run, form: RegisterForm, given: dict[str, str], status: int = 200
) -> HttpResponse:
    user, model_name = signed_in(request), given["model"]
    # What is proposed beside a model that they do not see must not tell of its versions.
    # (Nothing is called by NUL, and PostgreSQL cannot even ask for it.)
    hidden = "\0" in model_name or model_name in access.hidden_names(user)
    shown = "" if hidden else model_name
    proposal = registration.propose(run, shown)
    choices = register_page.choices(proposal, given.get("choice", ""))
    given = {**given, "choice": next(one.value for one in choices if one.checked)}
    context = {
        "run": run,
        "form": form,
        "proposal": proposal,
        "choices": choices,
        "result": register_page.result(run, shown, proposal, given),
        "reasons": reasons_apart(proposal.reasons),
        "required": labels.bump(proposal.required),
        "models": access.visible(user).values_list("name", flat=True)[:_MODELS_OFFERED],
        "refusal": _refusal(request, run, model_name),
        "model_name": model_name,
    }
    return render(request, _template(request), context, status=status)


def _template(request: HttpRequest) -> str:
    """Return the page, or the part of it that a change of the form changes."""
    if not request.headers.get("HX-Request"):
        return "registry/register.html"
    wants_result = request.headers.get("HX-Target") == "registration-result"
    return "registry/_registration_result.html" if wants_result else "registry/_registration_parts.html"


@require_safe
def run_versions(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show the versions made from a run and the way to make one: a page of the run, or a part of another."""
    who, run = run_access.run_for(request, run_id)
    context = {
        "run": run,
        "versions": selectors.versions_of_run(run_id, user=who.user),
        "refusal": _refusal(request, run, ""),
    }
    if "HX-Request" in request.headers and not Live.polls(request):
        return render(request, "registry/_run_versions.html", context)
    return run_page.answer(
        request, "registry/run_versions.html", {**run_page.context(who, run, "versions"), **context}
    )


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
