"""Operations: sign in and sign out in the browser."""

import math
from datetime import timedelta

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import access, brake
from accounts.models import User
from audit import trail
from audit.events import Event


class SignInRefusedError(Exception):
    """Not signed in; the message is for the person who tried."""

    def __init__(self, message: str, *, wait: timedelta = timedelta()) -> None:
        """Keep the seconds to wait before another attempt makes sense."""
        super().__init__(message)
        self.wait_seconds = math.ceil(wait.total_seconds())


def sign_in(request: HttpRequest, username: str, password: str) -> User:
    """Open a session for the person behind `username` and `password`.

    Raises:
        SignInRefusedError: too many attempts (`wait_seconds` says how long), a wrong name or password, or
            an account that is switched off; the last three read the same.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    wait = brake.attempt(username, address)
    if wait:
        raise _too_many(wait)
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _record_failure(username, address)
        raise SignInRefusedError(_("The name or the password is wrong."))
    with transaction.atomic():
        login(request, user)
        brake.release(username, address)
        _record(Event.SESSION_SIGNED_IN, user, {"address": address})
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session. Nothing happens where nobody is signed in."""
    user = request.user
    with transaction.atomic():
        logout(request)
        if isinstance(user, User):
            _record(Event.SESSION_SIGNED_OUT, user, {})


def shortened(name: str) -> str:
    """Return as much of an attempted name as may be kept: it is sometimes a password in the wrong field."""
    return f"{name[:3]}…"


def _too_many(wait: timedelta) -> SignInRefusedError:
    seconds = math.ceil(wait.total_seconds())
    message = ngettext(
        "Too many attempts. Try again in %(seconds)d second.",
        "Too many attempts. Try again in %(seconds)d seconds.",
        seconds,
    )
    return SignInRefusedError(message % {"seconds": seconds}, wait=wait)


def _record_failure(username: str, address: str) -> None:
    known = User.objects.filter(username=username).first()
    kept = shortened(username)
    target = access.target(known) if known else trail.Target("user", "unknown", kept)
    anonymous = trail.Actor("anonymous", "anonymous")
    with transaction.atomic():
        data = {"attempted": kept, "address": address}
        trail.record(Event.SESSION_SIGN_IN_FAILED, actor=anonymous, target=target, data=data)


def _record(event: Event, user: User, data: dict[str, str]) -> None:
    trail.record(event, actor=access.actor(user), target=access.target(user), data=data)
