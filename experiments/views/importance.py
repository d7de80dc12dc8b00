"""The importance of parameters for a metric of compared runs."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.roles import Permission
from experiments import access, compare_request, importances
from experiments.compare_address import CompareAddress
from experiments.run_columns import TELLING
from experiments.selectors import importances as selectors


@require_http_methods(["GET", "HEAD", "POST"])
def importance(request: HttpRequest) -> HttpResponse:
    """Show how much each parameter accounts for `?metric=`; POST has it computed."""
    who = access.viewer(request)
    runs = compare_request.parse(request.GET.getlist("runs"), {}).runs
    scope = request.GET.get("of", "")
    counted = importances.runs_of(importances.question(runs, "", scope))
    metrics = sorted({key for run in counted for key in run.metrics}, key=_rank)
    metric = request.GET.get("metric") or (metrics[0] if metrics else "")
    asked = importances.question(runs, metric, scope)
    problem = ""
    if request.method == "POST":
        try:
            importances.ask(asked, user=who.user)
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            return redirect(request.get_full_path())
    address = CompareAddress(request.GET, runs)
    context: dict[str, Any] = {
        "answer": selectors.answer(asked),
        "method": importances.METHOD,
        "metrics": metrics,
        "scopes": [("runs", _("these runs")), ("experiments", _("all finished runs of their experiments"))],
        "own_url": address.to("experiments:compare-importance"),
        "back_url": address.to(metric=None, of=None),
        "kept": address.kept("metric", "of"),
        "refusal": who.refusal(Permission.JOB_SUBMIT),
        "problem": problem,
        "embedded": "HX-Request" in request.headers,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    name = "_importance" if context["embedded"] else "importance"
    return render(request, f"experiments/{name}.html", context, status=status)


def _rank(key: str) -> tuple[int, str]:
    return TELLING.index(key) if key in TELLING else len(TELLING), key
