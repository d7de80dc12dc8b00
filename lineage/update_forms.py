"""The form of a repository's schedule."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

CHOICES = (
    ("", _("not by itself")),
    ("5", _("every 5 minutes")),
    ("15", _("every 15 minutes")),
    ("60", _("every hour")),
    ("360", _("every 6 hours")),
    ("1440", _("every day")),
)


class ScheduleForm(forms.Form):
    """Asks how often a repository is fetched."""

    minutes = forms.TypedChoiceField(
        label=_("Fetch"),
        choices=CHOICES,
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_("What is new is indexed after each fetch."),
    )

    def __init__(self, *args: Any, current: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {value for value, _label in CHOICES}
        if current is not None and str(current) not in known:
            label = _("every %(count)d minutes") % {"count": current}
            self.fields["minutes"].choices = [*CHOICES, (str(current), label)]  # type: ignore[attr-defined]
