"""The filter of the trail as people write it, in a form or in an address."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import audit_labels
from audit.search import Filter

_DAY = len("2026-01-31")


class AuditFilterForm(forms.Form):
    """Which entries are wanted. What cannot be understood is refused: ignoring it would show too much."""

    q = forms.CharField(label=_("Name contains"), required=False, max_length=200)
    person = forms.CharField(label=_("Person"), required=False, max_length=200)
    model = forms.CharField(label=_("Model"), required=False, max_length=255)
    event = forms.ChoiceField(label=_("Kind of event"), required=False)
    target = forms.CharField(label=_("Object"), required=False, max_length=241)
    since = forms.DateTimeField(label=_("From"), required=False)
    until = forms.DateTimeField(label=_("Before"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("All kinds")), *audit_labels.choices()]
        self.fields["event"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Let a mere date as the end mean the whole day."""
        cleaned = super().clean() or self.cleaned_data
        until: datetime | None = cleaned.get("until")
        if until and len(self.data.get("until", "").strip()) == _DAY:
            cleaned["until"] = until + timedelta(days=1)
        since = cleaned.get("since")
        if since and cleaned.get("until") and since >= cleaned["until"]:
            raise ValidationError({"until": _("This is not after the beginning.")})
        return cleaned

    def wanted(self) -> Filter:
        """Return the filter of a valid form."""
        given = self.cleaned_data
        texts = {name: given[name] for name in ("person", "model", "event", "target", "since", "until")}
        return Filter(text=given["q"], **texts)
