"""People, their preferences, their API tokens, and the count of their failed sign-ins."""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who signs in. Roles are Django groups, see `accounts.roles`."""

    class Theme(models.TextChoices):
        """Colours of the pages."""

        AUTO = "auto", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Density(models.TextChoices):
        """Height of table rows."""

        COMPACT = "compact", _("Compact")
        COMFORTABLE = "comfortable", _("Comfortable")

    class Language(models.TextChoices):
        """Language of the pages; the browser decides where it is empty."""

        BROWSER = "", _("As the browser")
        ENGLISH = "en", "English"
        KOREAN = "ko", "한국어"

    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    density = models.CharField(_("density"), max_length=11, choices=Density, default=Density.COMPACT)
    language = models.CharField(_("language"), max_length=2, choices=Language, default="", blank=True)
    shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True)

    class Meta(AbstractUser.Meta):
        # "Admin" beside "admin" would let one person be taken for another in an approval.
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="username_whatever_its_case",
                violation_error_message=_("A user with that name exists already."),
            )
        ]


class ApiTokens(models.QuerySet["ApiToken"]):
    """Query vocabulary of API tokens."""

    def live(self, now: datetime) -> "ApiTokens":
        """Tokens that open the API at `now`: neither revoked nor expired."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.filter(unexpired, revoked_at=None)


class ApiToken(models.Model):
    """A key to the REST API. Only its digest is kept: nobody can read the token back."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokens.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_live(self, now: datetime) -> bool:
        """Say whether the token opens the API at `now`."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class SignInBrake(models.Model):
    """Unsuccessful sign-in attempts of one name from one address, see `accounts.brake`."""

    key = models.CharField(max_length=64, unique=True)
    attempts = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts"
