"""Asking for the mirror of MLflow to be brought up to date at once."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from experiments import access
from experiments.mirror_requests import request_sync


@require_POST
def sync(request: HttpRequest) -> HttpResponse:
    """Queue a full reconciliation and show its job."""
    who = access.viewer(request)
    return redirect(request_sync(user=who.user))
