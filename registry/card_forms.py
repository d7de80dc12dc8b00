"""Forms of model cards. They read text; `registry.card` decides what is acceptable."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.card import REASON_LIMIT, SUMMARY_LIMIT


class CardForm(forms.Form):
    """Asks for the text of a card.

    `based_on` is the number of the revision that is edited, 0 where there is none.
    """

    text = forms.CharField(
        label=_("Card"),
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 30,
                "spellcheck": "true",
                "autocapitalize": "off",
                "autocomplete": "off",
                "dir": "auto",
            }
        ),
    )
    summary = forms.CharField(label=_("What changed, and why"), required=False, max_length=SUMMARY_LIMIT)
    based_on = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)


class ReadmeForm(forms.Form):
    """Asks for a file to import."""

    readme = forms.FileField(label="README.md", allow_empty_file=False)
    based_on = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)


class DecisionForm(forms.Form):
    """Asks which revision is meant, and why."""

    number = forms.IntegerField(min_value=1, max_value=1_000_000, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What has to change"),
        required=False,
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
