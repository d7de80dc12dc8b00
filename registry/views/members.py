"""The members of a model: who has which part in it, and whether it is restricted."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import signed_in
from accounts.roles import Permission
from registry import access, members
from registry.member_forms import MemberForm
from registry.models import RegisteredModel


@require_http_methods(["GET", "HEAD", "POST"])
def members_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show the members of a model; a POST adds one."""
    user = signed_in(request)
    model = access.get_model(name, user=user)
    if request.method != "POST":
        return _page(request, model, MemberForm())
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            person = members.person_called(form.cleaned_data["user"])
            member = members.add(model, person, form.cleaned_data["part"], user=user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            words = {"name": person.username, "part": access.PART_LABELS[access.Part(member.part)]}
            messages.success(request, _("%(name)s is %(part)s now.") % words)
            return redirect("registry:members", model.name)
    return _page(request, model, form, status=422)


@require_POST
def remove(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Take one part in a model away."""
    user = signed_in(request)
    model = access.get_model(name, user=user)
    member = access.get_member(model, pk)
    try:
        members.remove(member, user=user)
    except ValidationError as error:
        return _page(request, model, MemberForm(), problem=error.messages[0], status=422)
    messages.success(request, _("%(name)s is removed.") % {"name": member.user.username})
    return _back(request, model)


@require_POST
def restrict(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a model from those who have no part in it (`restricted=yes`), or open it (`no`)."""
    user = signed_in(request)
    model = access.get_model(name, user=user)
    wanted = {"yes": True, "no": False}.get(request.POST.get("restricted", ""))
    if wanted is None:
        return _page(request, model, MemberForm(), problem=_("Choose yes or no."), status=422)
    members.set_restricted(model, wanted, user=user)
    text = _("Only its members see this model now.") if wanted else _("Everybody sees this model now.")
    messages.success(request, text)
    return _back(request, model)


def _back(request: HttpRequest, model: RegisteredModel) -> HttpResponse:
    """Return to the page, unless what was done has closed it to the person who did it."""
    if access.sees(signed_in(request), model):
        return redirect("registry:members", model.name)
    return redirect("registry:models")


def _page(
    request: HttpRequest, model: RegisteredModel, form: MemberForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    may = Permission.MEMBER_MANAGE in access.permissions_on(signed_in(request), model)
    context: dict[str, Any] = {
        "model": model,
        "members": members.of(model),
        "form": form,
        "people": members.people() if may else [],
        "problem": problem,
        "refusal": "" if may else access.explain_on(Permission.MEMBER_MANAGE, model),
        "tab": "members",
    }
    return render(request, "registry/members.html", context, status=status)
