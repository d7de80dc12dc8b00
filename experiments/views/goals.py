"""What the metrics of an experiment mean: which values are better, units, tolerances."""

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.roles import Permission
from experiments import access, goal_declarations
from experiments.goal_forms import goal_forms
from experiments.selectors import meanings


@require_http_methods(["GET", "HEAD", "POST"])
def goals(request: HttpRequest, experiment_id: str = "") -> HttpResponse:
    """Show what the metrics of an experiment mean (without one: of all); POST declares it."""
    who, experiment = access.experiment_for(request, experiment_id)
    rows = meanings.table(experiment)
    forms = goal_forms(rows, request.POST if request.method == "POST" else None)
    status = HTTPStatus.OK
    if request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if forms.is_valid():
            try:
                goal_declarations.declare(experiment, forms.declared(), user=who.user)
            except ValidationError as error:
                forms.take_over(error)
            else:
                messages.success(request, _("The goals of metrics are declared."))
                return redirect(request.path)
    context = {
        "experiment": experiment,
        "rows": list(zip(rows, forms.forms, strict=False)),
        "forms": forms,
        "refusal": who.refusal(Permission.GOAL_DECLARE),
    }
    return render(request, "experiments/goals.html", context, status=status)
