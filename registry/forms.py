"""Forms of the registry. They read text; the operations decide what is acceptable."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.models import Review
from registry.promotion import COMMENT_LIMIT
from registry.registration import NAME_LIMIT, REASON_LIMIT


class RegisterForm(forms.Form):
    """Asks under which name and number a run becomes a version."""

    model = forms.CharField(
        label=_("Model"),
        max_length=NAME_LIMIT,
        help_text=_("An existing model, or the name of a new one."),
        widget=forms.TextInput(attrs={"list": "model-names", "autocomplete": "off"}),
    )
    choice = forms.CharField(label=_("Number"), max_length=20, required=False)
    version = forms.CharField(
        label=_("Version"),
        max_length=128,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "1.3.0-rc1", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The number moves less far than the changes ask for. The reason stays with the version."),
    )


class FinaliseForm(forms.Form):
    """Asks why, where a candidate's number needs a reason."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed when the version moves less far than the changes ask for."),
    )


class PromotionForm(forms.Form):
    """Asks for the stage and for words to the reviewers."""

    to = forms.CharField(widget=forms.HiddenInput, max_length=20)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=COMMENT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What should the reviewers know?"),
    )


class ReviewForm(forms.Form):
    """Asks for a verdict on the evidence that the page showed."""

    verdict = forms.CharField(max_length=20)
    evidence_digest = forms.CharField(max_length=64)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=COMMENT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Required when you request changes or reject."),
    )
    confirm = forms.CharField(label=_("Version"), required=False, max_length=128)

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        """Make the form.

        :param must_type: the version, where an approval counts only if it was typed
        """
        super().__init__(*args, **kwargs)
        self._must_type = must_type

    def clean(self) -> dict[str, Any]:
        """Refuse an approval whose version was not typed."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        approves = given.get("verdict") == Review.Verdict.APPROVE
        if approves and self._must_type and given.get("confirm", "") != self._must_type:
            self.add_error("confirm", _("Type %(version)s to approve it.") % {"version": self._must_type})
        return given
