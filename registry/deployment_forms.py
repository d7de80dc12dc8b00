"""Form of the deployments page. It reads text; the operation decides what is acceptable."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry import deployments


class DeploymentForm(forms.Form):
    """Asks which version serves where from now on."""

    version = forms.CharField(
        label=_("Version"),
        max_length=128,
        widget=forms.TextInput(attrs={"list": "versions", "autocomplete": "off", "spellcheck": "false"}),
    )
    environment = forms.CharField(
        label=_("Environment"),
        max_length=100,
        widget=forms.TextInput(attrs={"list": "environments", "autocomplete": "off", "spellcheck": "false"}),
    )
    url = forms.CharField(
        label=_("Address"),
        max_length=deployments.URL_LIMIT,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    note = forms.CharField(label=_("Note"), max_length=deployments.NOTE_LIMIT, required=False)
    alongside = forms.BooleanField(label=_("Leave what serves there: both do"), required=False)
