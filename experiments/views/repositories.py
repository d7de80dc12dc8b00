"""The list of repositories, and connecting another one."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import require
from accounts.roles import Permission
from experiments import access
from experiments import repositories as operations
from experiments.live import Live, Part
from experiments.repository_forms import ConnectForm, add_errors
from experiments.selectors import repository_list as selectors

_SECONDS = 3


@require_safe
def repositories(request: HttpRequest) -> HttpResponse:
    """Show the connected repositories; fetches and jobs show as they go on."""
    who = access.viewer(request)
    context = {"page": selectors.page_of(request.GET.get("page")), "refusal": _refusal(who)}
    live = Live(request, [Part("repositories", "experiments/_repositories.html")], context, every=_SECONDS)
    if live.is_poll:
        return live.answer()
    return render(request, "experiments/repositories.html", {"live": live, **context})


@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Ask for a repository; POST connects it and has it fetched."""
    who = access.viewer(request)
    if request.method != "POST":
        return _form(request, who, ConnectForm())
    # Refused and recorded whatever the form says.
    require(who.user, Permission.REPOSITORY_CONNECT)
    form = ConnectForm(request.POST)
    if form.is_valid():
        try:
            row = operations.connect(user=who.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("%(name)s is connected and is being fetched.") % {"name": row.name})
            return redirect(row)
    return _form(request, who, form, status=422)


def _form(request: HttpRequest, who: access.Viewer, form: ConnectForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "refusal": _refusal(who)}
    return render(request, "experiments/connect.html", context, status=status)


def _refusal(who: access.Viewer) -> str:
    return who.refusal(Permission.REPOSITORY_CONNECT)
