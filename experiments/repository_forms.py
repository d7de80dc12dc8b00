"""Forms of the pages of repositories. They check form only; operations check the rest."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from experiments.job_priority import WORDS
from experiments.job_words import PRIORITIES
from experiments.launches import MAX_NOTE
from experiments.models import Priority
from experiments.repository_settings import MAX_LIMIT


class ConnectForm(forms.Form):
    """Asks which repository may be run here."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Short and lower-case, such as receipt-ocr. It stands in addresses and cannot change."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_(
            "https:// for a public repository, ssh:// with an SSH key or agent of the workers' user, or a "
            "path on the workers' host. Never a password."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    default_ref = forms.CharField(
        label=_("Default branch or tag"),
        max_length=250,
        required=False,
        help_text=_("Empty takes the repository's own default branch."),
    )
    experiment_name = forms.CharField(
        label=_("MLflow experiment"),
        max_length=250,
        required=False,
        help_text=_("Gets the runs. Empty takes the name of the repository."),
    )


class SettingsForm(forms.Form):
    """Asks what may be done with a repository."""

    job_limit = forms.IntegerField(
        label=_("Pipelines at a time"),
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        help_text=_("Empty runs as many as there are workers. Jobs that run are not ended by a lower limit."),
    )
    push_allowed = forms.BooleanField(
        label=_("Push applied results to the origin of the repository"),
        required=False,
        help_text=_("Otherwise they stay on branches stagegate/… of the mirror on the server."),
    )


class ApplyForm(forms.Form):
    """Asks which branch gets a result."""

    branch = forms.CharField(
        label=_("Branch"),
        max_length=200,
        help_text=_("A name that the repository has not becomes a new branch at the commit of the run."),
        widget=forms.TextInput(
            attrs={
                "list": "branches",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    note = forms.CharField(
        label=_("Message"), required=False, max_length=MAX_NOTE, help_text=_("First line of the commit.")
    )


class LaunchForm(forms.Form):
    """Asks for everything about a run except the values of its parameters."""

    ref = forms.CharField(label=_("Branch, tag or commit"), required=False, max_length=250)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=MAX_NOTE,
        help_text=_("One line that says what the run is for."),
    )
    priority = forms.ChoiceField(
        label=_("Priority"),
        required=False,
        choices=[(word, PRIORITIES[one]) for word, one in WORDS.items()],
        initial="normal",
    )
    register_model = forms.CharField(
        label=_("Model"), required=False, max_length=200, help_text=_("Empty registers nothing.")
    )
    register_version = forms.CharField(
        label=_("Version"), required=False, max_length=128, help_text=_("Empty takes the proposed version.")
    )
    register_reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed when the version moves less far than the changes ask for."),
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        wanted = found.get("register_version") or found.get("register_reason")
        if wanted and not found.get("register_model") and "register_model" not in self.errors:
            self.add_error("register_model", _("Say of which model the result is to be a version."))
        return found

    @property
    def wanted_priority(self) -> Priority:
        """Which of the jobs that wait it is to be."""
        return WORDS.get(self.cleaned_data.get("priority", ""), Priority.NORMAL)

    @property
    def registration(self) -> dict[str, str] | None:
        """As what the result is to be registered; None for not at all."""
        names = {"model": "register_model", "version": "register_version", "reason": "register_reason"}
        asked = {name: self.cleaned_data.get(field, "") for name, field in names.items()}
        return {name: text for name, text in asked.items() if text} if asked["model"] else None


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """Add what an operation refused to `form`: by field, and above the form what belongs to no field."""
    for name, messages in error.message_dict.items():
        for message in messages:
            form.add_error(name if name in form.fields else None, message)
