"""Sign-in of API clients by token."""

from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed

from accounts import tokens
from accounts.models import ApiToken, User


class TokenAuthentication(authentication.TokenAuthentication):
    """Reads `Authorization: Token <token>`. `request.auth` becomes the `ApiToken`."""

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        """Return the owner of the token `key` and its row.

        Raises:
            AuthenticationFailed: unknown, expired, revoked, or its owner is switched off. One message for
                all: it must not tell a stranger which.
        """
        token = tokens.find(key)
        if token is None:
            raise AuthenticationFailed(_("This token is not valid."))
        tokens.note_use(token)
        return token.user, token
