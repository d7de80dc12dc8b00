"""The list of experiments."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from experiments import access
from experiments.selectors import experiments as selectors
from experiments.selectors import mirror


@require_safe
def experiments(request: HttpRequest) -> HttpResponse:
    """Show the experiments of MLflow, the last used first."""
    access.viewer(request)
    search = request.GET.get("q", "").strip()[:250]
    context = {"rows": selectors.rows(search), "search": search, "mirror": mirror.mirror()}
    return render(request, "experiments/experiments.html", context)
