"""The tab of a version that shows what jobs found out about its artifacts, and has them looked at again."""

from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods

from accounts.access import signed_in
from accounts.models import User
from accounts.roles import Permission
from registry import access, checks
from registry.models import CheckResult, ModelVersion
from registry.views.version import TABS

_PAST_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def checks_page(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show the newest result of every kind and the past ones; POST queues a job that looks once more."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    if request.method != "POST":
        return _page(request, user, found)
    try:
        return redirect(checks.run(found, user=user))
    except ValidationError as error:
        return _page(request, user, found, error.messages[0], HTTPStatus.UNPROCESSABLE_ENTITY)


def _page(
    request: HttpRequest, user: User, version: ModelVersion, problem: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    newest = checks.newest(version)
    may = Permission.PROMOTION_OPEN in access.permissions_on(user, version.model)
    context = {
        "version": version,
        "tab": "checks",
        "tabs": TABS,
        "results": [(kind, newest.get(kind)) for kind in CheckResult.Kind.values],
        "past": list(version.checks.order_by("-pk")[:_PAST_SHOWN]),
        "under_way": checks.under_way(version),
        "problem": problem,
        "reproductions_url": _reproductions_url(version),
        "refusal": "" if may else access.explain_on(Permission.PROMOTION_OPEN, version.model),
    }
    return render(request, "registry/version_checks.html", context, status=status)


def _reproductions_url(version: ModelVersion) -> str:
    """Return the page of reproductions, part of which this one shows; empty where nothing offers it."""
    try:
        return reverse("lineage:reproductions", args=[version.model.name, version.version])
    except NoReverseMatch:
        return ""
