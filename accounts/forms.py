"""Forms of the sign-in page and the settings page. They check form only; operations check the rest."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SignInForm(forms.Form):
    """Name and password."""

    username = UsernameField(label=_("User name"), max_length=150)
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PreferencesForm(forms.Form):
    """How the pages look to one person."""

    theme = forms.ChoiceField(label=_("Theme"), choices=User.Theme.choices)
    density = forms.ChoiceField(label=_("Density of tables"), choices=User.Density.choices)
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, required=False)
    shortcuts = forms.BooleanField(label=_("Keyboard shortcuts"), required=False)

    @classmethod
    def of(cls, user: User) -> "PreferencesForm":
        """Return the form filled with what `user` has chosen."""
        return cls(initial={name: getattr(user, name) for name in cls.base_fields})


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What uses it, for example: nightly training")
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        initial=90,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("1 year"))],
    )

    def expires_at(self) -> datetime:
        """Return the end of the chosen validity, counted from now."""
        return timezone.now() + timedelta(days=self.cleaned_data["days"])


class PasswordForm(forms.Form):
    """A new password, with proof of the old one."""

    old = forms.CharField(
        label=_("Present password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_old(self) -> str:
        """Refuse what is not the present password."""
        old: str = self.cleaned_data["old"]
        if not self.user.check_password(old):
            raise forms.ValidationError(_("This is not your present password."))
        return old
