"""Forms of this app's pages. They check form only; operations check the rest."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from experiments import labels, runners
from experiments.curves import MAX_SMOOTHING, Drawing
from experiments.models import Experiment, Repository
from experiments.selectors.jobs import ACTIVE_WORD, JobFilter
from experiments.selectors.run_matches import RunFilter

_STATES = [
    ("", _("All states")),
    (ACTIVE_WORD, _("Waiting or running")),
    ("queued", pgettext_lazy("job", "Queued")),
    ("running", pgettext_lazy("job", "Running")),
    ("succeeded", pgettext_lazy("job", "Succeeded")),
    ("failed", pgettext_lazy("job", "Failed")),
    ("cancelled", pgettext_lazy("job", "Cancelled")),
    ("lost", pgettext_lazy("job", "Lost")),
]


# No status of MLflow's, but chosen among them.
_ARCHIVED = "archived"
_STATUSES = [
    ("", _("All statuses")),
    ("RUNNING", pgettext_lazy("run", "Running")),
    ("SCHEDULED", pgettext_lazy("run", "Scheduled")),
    ("FINISHED", pgettext_lazy("run", "Finished")),
    ("FAILED", pgettext_lazy("run", "Failed")),
    ("KILLED", pgettext_lazy("run", "Killed")),
    (_ARCHIVED, pgettext_lazy("run", "Archived")),
]


class JobFilterForm(forms.Form):
    """Which jobs the list shows."""

    state = forms.ChoiceField(label=_("State"), choices=_STATES, required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    repository = forms.ModelChoiceField(
        label=_("Repository"),
        queryset=Repository.objects.order_by("name"),
        to_field_name="name",
        required=False,
    )
    person = forms.CharField(label=_("Person"), required=False, max_length=150)
    sweep = forms.IntegerField(label=_("Sweep"), required=False, min_value=1, max_value=2**31)
    mine = forms.BooleanField(label=_("Only mine"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind.name, labels.kind(kind.name)) for kind in runners.all_kinds()]
        self.fields["kind"].choices = [("", _("All kinds")), *kinds]  # type: ignore[attr-defined]

    def wanted(self, user: User) -> JobFilter:
        """Return the filter; a choice that does not exist, as in an old link, asks for nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        return JobFilter(
            state=chosen.get("state", ""),
            kind=chosen.get("kind", ""),
            submitter=user if chosen.get("mine") else None,
            repository=chosen.get("repository"),
            person=chosen.get("person", "").replace("\0", ""),
            sweep=chosen.get("sweep"),
            reader=user,
        )


class RunFilterForm(forms.Form):
    """Which runs the table shows."""

    q = forms.CharField(label=_("Filter, or search by name or run id"), required=False, strip=False)
    experiment = forms.ChoiceField(label=_("Experiment"), required=False)
    status = forms.ChoiceField(label=_("Status"), choices=_STATUSES, required=False)

    def __init__(self, *args: Any, experiments: Iterable[Experiment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(one.experiment_id, one.name) for one in experiments]
        self.fields["experiment"].choices = [("", _("All experiments")), *names]  # type: ignore[attr-defined]

    def wanted(self) -> RunFilter:
        """Return the filter; a choice that does not exist, as in an old link, asks for nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        archived = chosen.get("status") == _ARCHIVED
        return RunFilter(
            experiment=chosen.get("experiment", ""),
            text=chosen.get("q", ""),
            status="" if archived else chosen.get("status", ""),
            archived="only" if archived else "",
        )


class CurveForm(forms.Form):
    """How curves are drawn."""

    x = forms.ChoiceField(
        label=_("Across"),
        choices=[("step", _("Step")), ("relative", _("Time since the start")), ("wall", _("Time of day"))],
    )
    y = forms.ChoiceField(label=_("Values"), choices=[("linear", _("Linear")), ("log", _("Logarithmic"))])
    smooth = forms.FloatField(
        label=_("Smoothing"),
        required=False,
        widget=forms.NumberInput({"type": "range", "min": 0, "max": MAX_SMOOTHING, "step": 0.01}),
    )

    @classmethod
    def showing(cls, how: Drawing) -> "CurveForm":
        """Return the form that shows how curves are drawn now."""
        y = "log" if how.log else "linear"
        return cls({"x": how.axis, "y": y, "smooth": f"{how.smoothing:g}"})
