"""The page of how a repository is kept up to date: the schedule, and the webhook."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import require
from accounts.roles import Permission
from experiments.access import Viewer
from experiments.models import Repository
from experiments.repositories import target
from lineage import access
from lineage import updates as operations
from lineage.update_forms import ScheduleForm


@require_http_methods(["GET", "HEAD", "POST"])
def updates(request: HttpRequest, name: str) -> HttpResponse:
    """Show schedule and webhook; POST changes the schedule."""
    who, repository = access.repository_for(request, name)
    plan = operations.plan_of(repository)
    if request.method != "POST":
        form = ScheduleForm(initial={"minutes": plan.minutes or ""}, current=plan.minutes)
        return _page(request, who, repository, {"form": form})
    # Refused and recorded whatever the form says.
    require(who.user, Permission.REPOSITORY_CONNECT, target=target(repository))
    form = ScheduleForm(request.POST, current=plan.minutes)
    if form.is_valid():
        try:
            operations.schedule(repository, minutes=form.cleaned_data["minutes"], user=who.user)
        except ValidationError as error:
            form.add_error("minutes", error.messages)
        else:
            messages.success(request, _("The schedule of %(name)s is changed.") % {"name": name})
            return redirect("lineage:updates", name)
    return _page(request, who, repository, {"form": form}, status=422)


@never_cache
@require_POST
def hook(request: HttpRequest, name: str) -> HttpResponse:
    """Make a webhook, or a new secret for it, and show the secret, once."""
    who, repository = access.repository_for(request, name)
    secret = operations.make_hook(repository, user=who.user)
    return _page(request, who, repository, {"secret": secret})


@require_POST
def remove_hook(request: HttpRequest, name: str) -> HttpResponse:
    """Take the webhook away."""
    who, repository = access.repository_for(request, name)
    operations.remove_hook(repository, user=who.user)
    messages.success(request, _("%(name)s has no webhook any more.") % {"name": name})
    return redirect("lineage:updates", name)


def _page(
    request: HttpRequest, who: Viewer, repository: Repository, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    plan = operations.plan_of(repository)
    shown = {
        "repository": repository,
        "tab": "updates",
        "plan": plan,
        "form": ScheduleForm(initial={"minutes": plan.minutes or ""}, current=plan.minutes),
        "address": request.build_absolute_uri(reverse("lineage:push", args=[repository.name])),
        "refusal": who.refusal(Permission.REPOSITORY_CONNECT),
        **context,
    }
    return render(request, "lineage/updates.html", shown, status=status)
