"""The form that edits the runs which somebody chose."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from integrations.mlflow_limits import MAX_NAME, MAX_TAG_VALUE

_ARCHIVE = [("", _("Leave as they are")), ("yes", _("Archive")), ("no", _("Take back from the archive"))]


class RunEditForm(forms.Form):
    """A tag to set, a tag to take away, and whether the runs are archived."""

    key = forms.CharField(label=_("Set the tag"), required=False, max_length=MAX_NAME)
    value = forms.CharField(label=_("to the value"), required=False, max_length=MAX_TAG_VALUE, strip=False)
    drop = forms.CharField(label=_("Take the tag away"), required=False, max_length=MAX_NAME)
    archive = forms.ChoiceField(
        label=_("Archive"),
        choices=_ARCHIVE,
        required=False,
        help_text=_("Archived runs are left out of tables unless asked for. Nothing is deleted."),
    )

    def wanted(self) -> dict[str, Any]:
        """Return what `run_edits.submit` is asked for."""
        chosen = self.cleaned_data
        archive = {"yes": True, "no": False}.get(chosen["archive"])
        return {
            "set_tags": {chosen["key"]: chosen["value"]} if chosen["key"] else {},
            "delete_tags": [chosen["drop"]] if chosen["drop"] else [],
            "archive": archive,
        }

    def take_over(self, error: ValidationError) -> None:
        """Show what the operation refused."""
        for message in error.messages:
            self.add_error(None, message)
