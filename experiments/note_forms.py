"""Forms of what people write about one run. They check form only; `run_edits` checks the rest."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from integrations.mlflow_limits import MAX_NAME, MAX_TAG_VALUE


class NoteForm(forms.Form):
    """The note, in Markdown."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=MAX_TAG_VALUE,
        help_text=_("Markdown. MLflow keeps it as the description of the run."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def clean_note(self) -> str:
        """Return the text with the ends of lines that MLflow's own page writes."""
        return str(self.cleaned_data["note"]).replace("\r\n", "\n")


class TagForm(forms.Form):
    """One tag."""

    key = forms.CharField(label=_("Tag"), max_length=MAX_NAME)
    value = forms.CharField(label=_("Value"), max_length=MAX_TAG_VALUE, required=False, strip=False)


def take_over(form: forms.Form, error: ValidationError) -> None:
    """Show in `form` what the operation refused."""
    for message in error.messages:
        form.add_error(None, message)
