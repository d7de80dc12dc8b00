"""Saying which of the jobs that wait comes first."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from experiments import access, job_priority, jobs
from experiments.job_words import priority_label


@require_POST
def priority(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a waiting job before or behind others."""
    who, row = access.job_for(request, pk)
    wanted = job_priority.WORDS.get(request.POST.get("priority", ""))
    if wanted is None:
        messages.error(request, _("Choose a priority."))
        return redirect(row)
    try:
        job_priority.change(row, wanted, user=who.user)
    except jobs.WrongStateError as error:
        messages.error(request, str(error))
    else:
        text = _("Job #%(id)s has the priority: %(priority)s.")
        messages.success(request, text % {"id": pk, "priority": priority_label(wanted)})
    return redirect(row)
