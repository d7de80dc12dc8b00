"""Forms around the review of promotions. They read text; the operations decide what is acceptable."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.bypass import COMMENT_LIMIT, REASON_LIMIT
from registry.comments import BODY_LIMIT

Choices = Iterable[tuple[str, str]]


class CommentForm(forms.Form):
    """Asks for a remark, and what it is about."""

    body = forms.CharField(
        label=_("Comment"),
        max_length=BODY_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Markdown: **bold**, `code`, lists, links."),
        error_messages={"required": _("Write something first.")},
    )
    anchor = forms.ChoiceField(label=_("About"), required=False)

    def __init__(self, *args: Any, subjects: Choices = (), **kwargs: Any) -> None:
        """Make the form.

        :param subjects: what can be remarked on: anchor and words
        """
        super().__init__(*args, **kwargs)
        self.fields["anchor"].choices = [("", _("the promotion as a whole")), *subjects]  # type: ignore[attr-defined]


class WaiveForm(forms.Form):
    """Asks which gate is waived, and why."""

    gate = forms.ChoiceField(label=_("Gate"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3, "required": True}),
        error_messages={"required": _("Say why; it is shown with the promotion for ever.")},
    )

    def __init__(self, *args: Any, gates: Choices = (), **kwargs: Any) -> None:
        """Make the form.

        :param gates: the gates that can be waived: name and words
        """
        super().__init__(*args, **kwargs)
        self.fields["gate"].choices = list(gates)  # type: ignore[attr-defined]


class FollowUpForm(forms.Form):
    """Asks what somebody found who looked at a bypass afterwards."""

    comment = forms.CharField(
        label=_("What did you find?"),
        max_length=COMMENT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Was it right to skip the review? What has to be done still?"),
    )


class RollbackForm(forms.Form):
    """Asks which version serves again, and why."""

    to_version = forms.ChoiceField(label=_("Back to"), widget=forms.RadioSelect)
    serving = forms.CharField(required=False, max_length=128, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "What is wrong with the version in Production? Everybody who asks later gets to read it."
        ),
        error_messages={"required": _("Say why; everybody who asks later gets to read it.")},
    )

    def __init__(self, *args: Any, versions: Choices = (), **kwargs: Any) -> None:
        """Make the form.

        :param versions: the versions that can serve again: number and words
        """
        super().__init__(*args, **kwargs)
        self.fields["to_version"].choices = list(versions)  # type: ignore[attr-defined]


class BypassForm(forms.Form):
    """Asks where a version goes without a review, and why."""

    to = forms.ChoiceField(label=_("Stage"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What is the emergency? Everybody who asks later gets to read it."),
        error_messages={"required": _("Say why; everybody who asks later gets to read it.")},
    )
    confirm = forms.CharField(required=False, max_length=128)

    def __init__(self, *args: Any, stages: Choices = (), must_type: str = "", **kwargs: Any) -> None:
        """Make the form.

        :param stages: where the version can be brought: name and words
        :param must_type: the version, which has to be typed
        """
        super().__init__(*args, **kwargs)
        self._must_type = must_type
        self.fields["to"].choices = list(stages)  # type: ignore[attr-defined]

    def clean_confirm(self) -> str:
        """Refuse what is not the version."""
        typed = str(self.cleaned_data.get("confirm", "")).strip()
        if typed != self._must_type:
            raise forms.ValidationError(
                _("Type %(version)s to confirm."), params={"version": self._must_type}
            )
        return typed
