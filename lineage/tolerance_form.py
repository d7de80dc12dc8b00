"""The form of a model's tolerance. It reads text; `lineage.reproduction` decides what is acceptable."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lineage.rebuilt import Tolerance


class ToleranceForm(forms.Form):
    """Asks how far a rebuilt version may be from the recorded one."""

    relative = forms.FloatField(
        label=_("Relative tolerance"),
        help_text=_("Share of the recorded value: 0.01 is one per cent."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    absolute = forms.FloatField(
        label=_("Absolute tolerance"),
        help_text=_("The larger of the two counts."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    identical_files = forms.BooleanField(
        label=_("Every output must have the same bytes"),
        help_text=_("Off: files may differ as long as all metrics are within the tolerance."),
        required=False,
    )
    ignored = forms.CharField(
        label=_("Metrics that are not compared"),
        help_text=_("One pattern a line, such as *seconds*."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "false"}),
    )

    @classmethod
    def showing(cls, tolerance: Tolerance) -> "ToleranceForm":
        """Return the form filled with `tolerance`."""
        initial: dict[str, Any] = vars(tolerance) | {"ignored": "\n".join(tolerance.ignored)}
        return cls(initial=initial)

    def wanted(self) -> Tolerance:
        """Return what was entered; the form must be valid."""
        given = self.cleaned_data
        patterns = tuple(filter(None, map(str.strip, given["ignored"].splitlines())))
        return Tolerance(given["relative"], given["absolute"], given["identical_files"], patterns)
