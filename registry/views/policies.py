"""Policies: what promotions need, for everybody to read and for administrators to change."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import explain, permissions_of, signed_in
from accounts.models import User
from accounts.roles import Permission
from experiments import sentences
from registry import access, labels, policies, policy_reading, policy_words
from registry.conflicts import ConflictError
from registry.models import RegisteredModel
from registry.policies import Effective
from registry.policy_forms import PolicyForm
from registry.policy_rules import DEFAULTS, PolicyError
from registry.stages import Stage

_MODELS_SHOWN = 50


@require_safe
def policies_page(request: HttpRequest) -> HttpResponse:
    """List the policies of the installation, and the models that have their own."""
    user = signed_in(request)
    page = Paginator(policy_reading.of_models(user), _MODELS_SHOWN).get_page(request.GET.get("page"))
    context = {"installation": policy_reading.installation(), "page": page}
    return render(request, "registry/policies.html", context)


@require_safe
def policy(request: HttpRequest, stage: str, name: str = "") -> HttpResponse:
    """Show what holds for one stage of a model (without `name`: of the installation), and its history."""
    user = signed_in(request)
    model = access.get_model(name, user=user) if name else None
    found = policies.effective(model, _stage(stage))
    gates = policy_words.gates(found.rules)
    context = {
        **_common(user, found),
        "lines": policy_words.general(found.rules),
        "gates": [gate for gate in gates if gate.required is not None],
        "unasked": [gate for gate in gates if gate.required is None],
        "steps": policy_reading.steps(model, found.to_stage),
    }
    return render(request, "registry/policy.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_policy(request: HttpRequest, stage: str, name: str = "") -> HttpResponse:
    """Show the form of a policy; POST makes its next number."""
    user = signed_in(request)
    model = access.get_model(name, user=user) if name else None
    found = policies.effective(model, _stage(stage))
    if request.method != "POST":
        return _form_page(request, user, found, PolicyForm(found.rules, found.number))
    form = PolicyForm(found.rules, found.number, request.POST)
    status = _changed(form, found, user) if form.is_valid() else HTTPStatus.UNPROCESSABLE_ENTITY
    if status != HTTPStatus.OK:
        return _form_page(request, user, found, form, status)
    messages.success(request, _("The policy is changed."))
    return redirect(address(model, found.to_stage))


def address(model: RegisteredModel | None, to_stage: str) -> str:
    """Return the address of a policy's page."""
    if model is None:
        return reverse("registry:policy", args=[to_stage])
    return reverse("registry:model-policy", args=[model.name, to_stage])


def _changed(form: PolicyForm, found: Effective, user: User) -> HTTPStatus:
    given = form.cleaned_data
    try:
        policies.change(
            found.model,
            found.to_stage,
            form.rules(),
            user=user,
            reason=given["reason"],
            expected=given["expected"],
        )
    except PolicyError as error:
        form.refuse({error.field: [sentences.translated(str(error))]})
        return HTTPStatus.UNPROCESSABLE_ENTITY
    except ValidationError as error:
        form.refuse(error.message_dict)
        return HTTPStatus.UNPROCESSABLE_ENTITY
    except ConflictError as error:
        form.add_error(None, str(error))
        return HTTPStatus.CONFLICT
    return HTTPStatus.OK


def _form_page(
    request: HttpRequest, user: User, found: Effective, form: PolicyForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {**_common(user, found), "form": form}
    return render(request, "registry/policy_form.html", context, status=status)


def _common(user: User, found: Effective) -> dict[str, Any]:
    model = found.model
    own = address(model, found.to_stage)
    return {
        "found": found,
        "model": model,
        "stage": found.to_stage,
        "stage_word": labels.stage(found.to_stage),
        "address": own,
        "edit_address": f"{own}edit/",
        "stages": [(stage, labels.stage(stage), address(model, stage)) for stage in DEFAULTS],
        "refusal": _refusal(user, model),
        "tab": "policies",
    }


def _refusal(user: User, model: RegisteredModel | None) -> str:
    """Return why this person cannot change the policy; empty where they can."""
    if model is None:
        may = Permission.POLICY_EDIT in permissions_of(user)
        return "" if may else explain(Permission.POLICY_EDIT)
    may = Permission.POLICY_EDIT in access.permissions_on(user, model)
    return "" if may else access.explain_on(Permission.POLICY_EDIT, model)


def _stage(text: str) -> str:
    if text not in {stage.value for stage in DEFAULTS}:
        raise Http404(_("Policies exist for Staging and Production."))
    return Stage(text).value
