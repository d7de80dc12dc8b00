"""The table in which people say what metrics mean, as a form."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from experiments.goal_declarations import MAX_KEY, MAX_METRICS, MAX_UNIT
from experiments.metric_goals import Goal
from experiments.metric_meaning import Declared
from experiments.selectors.meanings import MeaningRow

DIRECTIONS = {
    "min": _("smaller is better"),
    "max": _("larger is better"),
    "unknown": _("neither is better"),
}
_BY_NAME = {
    Goal.MIN: _("by its name: smaller is better"),
    Goal.MAX: _("by its name: larger is better"),
    Goal.UNKNOWN: _("by its name: not known"),
}


class GoalForm(forms.Form):
    """One metric."""

    key = forms.CharField(label=_("Metric"), max_length=MAX_KEY, strip=False)
    direction = forms.ChoiceField(label=_("Direction"), required=False)
    unit = forms.CharField(label=_("Unit"), max_length=MAX_UNIT, required=False)
    tolerance = forms.FloatField(label=_("Tolerance"), min_value=0, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        otherwise = self.initial.get("otherwise", _("as its name says"))
        self.fields["direction"].choices = [("", otherwise), *DIRECTIONS.items()]  # type: ignore[attr-defined]

    @property
    def is_known(self) -> bool:
        """Whether its metric is one of the table, and not one that is added."""
        return bool(self.initial.get("key"))

    def declared(self) -> Declared:
        """Return what it declares."""
        given = self.cleaned_data
        return Declared(given["direction"], given["unit"].strip(), given["tolerance"] or 0.0)


class _Goals(forms.BaseFormSet):
    def declared(self) -> dict[str, Declared]:
        """Return the metrics of the rows that were changed."""
        return {form.cleaned_data["key"]: form.declared() for form in self.forms if form.has_changed()}

    def take_over(self, error: ValidationError) -> None:
        """Show the complaints of the operation beside the rows that they are about."""
        if not hasattr(error, "error_dict"):
            self.non_form_errors().extend(error.messages)
            return
        for form in self.forms:
            for message in error.message_dict.get(form.cleaned_data.get("key", ""), []):
                form.add_error(None, message)


_GoalSet = forms.formset_factory(
    GoalForm, formset=_Goals, extra=1, max_num=MAX_METRICS, absolute_max=MAX_METRICS
)


def goal_forms(rows: Sequence[MeaningRow], data: Any = None) -> Any:
    """Return the forms of a table of metrics, and one more to add a metric.

    :param data: what was sent
    """
    initial = [
        {
            "key": row.key,
            "direction": row.declared.direction,
            "unit": row.declared.unit,
            "tolerance": row.declared.tolerance or None,
            "otherwise": _BY_NAME[row.meaning.goal] if not row.declared.direction else _("as its name says"),
        }
        for row in rows[: MAX_METRICS - 1]
    ]
    return _GoalSet(data, initial=initial, prefix="m")
