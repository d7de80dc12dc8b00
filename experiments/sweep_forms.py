"""Form of a sweep, except the values of its parameters. It checks form only; `sweep_plan` checks the rest."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from experiments.job_priority import WORDS
from experiments.job_words import PRIORITIES
from experiments.models import Sweep
from experiments.sweep_plan import MAX_SEED, MAX_TRIALS, MAX_WIDTH, Asked

_METHODS = [
    (Sweep.Method.GRID.value, pgettext_lazy("sweep", "Grid: every combination")),
    (Sweep.Method.RANDOM.value, pgettext_lazy("sweep", "Random: some combinations")),
    (Sweep.Method.GUIDED.value, pgettext_lazy("sweep", "Guided: learns from each run (TPE)")),
]
_DIRECTIONS = [
    ("", pgettext_lazy("metric", "as declared for the metric")),
    (Sweep.Direction.MIN.value, pgettext_lazy("metric", "smaller")),
    (Sweep.Direction.MAX.value, pgettext_lazy("metric", "larger")),
]


class SweepForm(forms.Form):
    """Asks how the space of parameters is searched."""

    ref = forms.CharField(label=_("Branch, tag or commit"), required=False, max_length=250)
    method = forms.ChoiceField(label=_("Method"), choices=_METHODS, initial="grid")
    objective = forms.CharField(
        label=_("Metric"),
        max_length=250,
        widget=forms.TextInput(attrs={"list": "sweep-metrics", "autocomplete": "off", "spellcheck": "false"}),
    )
    direction = forms.ChoiceField(label=_("Better is"), choices=_DIRECTIONS, required=False)
    count = forms.IntegerField(
        label=_("Runs"),
        required=False,
        min_value=1,
        max_value=MAX_TRIALS,
        help_text=_("A grid has as many as it has combinations."),
    )
    width = forms.IntegerField(label=_("At a time"), min_value=1, max_value=MAX_WIDTH, initial=2)
    seed = forms.IntegerField(
        label=_("Seed"),
        required=False,
        min_value=0,
        max_value=MAX_SEED,
        help_text=_("The same seed draws the same values again."),
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    priority = forms.ChoiceField(
        label=_("Priority"),
        required=False,
        choices=[(word, PRIORITIES[one]) for word, one in WORDS.items()],
        initial="normal",
    )

    def asked(self, space: Mapping[str, object]) -> Asked:
        """Return what a valid form asks for."""
        given = self.cleaned_data
        return Asked(
            space=space,
            method=given["method"],
            objective=given["objective"],
            direction=given["direction"],
            ref=given["ref"],
            name=given["name"],
            count=given["count"],
            seed=given["seed"],
            width=given["width"],
            priority=given["priority"] or "normal",
        )
