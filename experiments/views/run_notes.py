"""What people write about a run on its page: its note, its tags, and whether tables leave it out."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from experiments import access, run_edits
from experiments.access import Viewer
from experiments.models import Run
from experiments.note_forms import NoteForm, TagForm, take_over
from experiments.views.run import overview


@require_POST
def note(request: HttpRequest, run_id: str) -> HttpResponse:
    """Write the note of a run; without text take it away."""
    who, row = access.run_for(request, run_id)
    form = NoteForm(request.POST)
    changes = {"note": form.cleaned_data["note"]} if form.is_valid() else None
    return _submitted(request, who, row, changes, form)


@require_POST
def tags(request: HttpRequest, run_id: str) -> HttpResponse:
    """Set one tag of a run (`key`, `value`), or take one away (`delete`)."""
    who, row = access.run_for(request, run_id)
    if "delete" in request.POST:
        return _submitted(request, who, row, {"delete_tags": [request.POST["delete"]]}, TagForm())
    form = TagForm(request.POST)
    given = form.cleaned_data if form.is_valid() else None
    return _submitted(request, who, row, given and {"set_tags": {given["key"]: given["value"]}}, form)


@require_POST
def archive(request: HttpRequest, run_id: str) -> HttpResponse:
    """Leave a run out of tables unless asked for; with `archive` empty take that back."""
    who, row = access.run_for(request, run_id)
    return _submitted(request, who, row, {"archive": bool(request.POST.get("archive"))}, None)


def _submitted(
    request: HttpRequest, who: Viewer, row: Run, changes: Mapping[str, Any] | None, form: forms.Form | None
) -> HttpResponse:
    """Submit `changes` and lead back, or show in `form` what is wrong.

    :param changes: what `run_edits.submit` takes; None: the form says what is wrong already
    """
    if changes is not None:
        try:
            job = run_edits.submit([row.run_id], user=who.user, **changes)
        except ValidationError as error:
            if form is None or not form.is_bound:
                messages.error(request, " ".join(error.messages))
                return redirect(row)
            take_over(form, error)
        else:
            messages.success(request, _("It is being written to MLflow (job #%(job)d).") % {"job": job.pk})
            return redirect(row)
    given = {"note_form" if isinstance(form, NoteForm) else "tag_form": form}
    return overview(request, who, row, given, status=422)
