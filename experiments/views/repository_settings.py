"""The settings of one repository: how much of it runs at a time, and whether results are pushed to it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.roles import Permission
from experiments import access, repositories
from experiments import repository_settings as operations
from experiments.models import Repository
from experiments.repository_forms import SettingsForm, add_errors


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, name: str) -> HttpResponse:
    """Show the settings; POST changes them."""
    who, row = access.repository_for(request, name)
    if request.method != "POST":
        values = {"job_limit": row.job_limit, "push_allowed": row.push_allowed}
        return _page(request, who, row, SettingsForm(initial=values))
    # Refused and recorded whatever the form says.
    require(who.user, Permission.REPOSITORY_CONNECT, target=repositories.target(row))
    form = SettingsForm(request.POST)
    if form.is_valid():
        try:
            row = operations.change(row, user=who.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The settings of %(name)s are changed.") % {"name": row.name})
            return redirect(row)
    return _page(request, who, row, form, status=422)


def _page(
    request: HttpRequest, who: access.Viewer, row: Repository, form: SettingsForm, status: int = 200
) -> HttpResponse:
    refusal = who.refusal(Permission.REPOSITORY_CONNECT)
    context = {"repository": row, "form": form, "refusal": refusal}
    return render(request, "experiments/repository_settings.html", context, status=status)
