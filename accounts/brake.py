"""A brake on guessing passwords: after a few attempts each further one has to wait longer.

Counted per name *and* address: somebody who guesses a person's password elsewhere does not lock that person
out. Nobody is locked out for ever: the wait has an upper limit and an hour of silence forgets everything.
Behind a proxy all addresses are the proxy's, and the brake is one per name. `X-Forwarded-For` is not read:
the client writes it.
"""

import hashlib
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import SignInBrake

FREE_ATTEMPTS = 5
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: nothing for the first ones, then 2 s, 4 s, 8 s ..."""
    if attempts < FREE_ATTEMPTS:
        return timedelta()
    doublings = min(attempts - FREE_ATTEMPTS + 1, 30)
    return min(timedelta(seconds=2**doublings), LONGEST_WAIT)


def attempt(name: str, address: str) -> timedelta:
    """Count an attempt and return zero; or, where it has to wait, return how long and count nothing.

    It counts before the password is looked at, so that a hundred attempts at once are not all the first.
    """
    now = timezone.now()
    SignInBrake.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
    start = {"blocked_until": now, "last_at": now}
    with transaction.atomic():
        row, _ = SignInBrake.objects.select_for_update().get_or_create(
            key=_key(name, address), defaults=start
        )
        if row.blocked_until > now:
            return row.blocked_until - now
        row.attempts += 1
        row.blocked_until = now + wait_after(row.attempts)
        row.last_at = now
        row.save(update_fields=["attempts", "blocked_until", "last_at"])
    return timedelta()


def release(name: str, address: str) -> None:
    """Forget the attempts of somebody who has signed in."""
    SignInBrake.objects.filter(key=_key(name, address)).delete()


def _key(name: str, address: str) -> str:
    # A digest: a password typed into the wrong field must not end up in the database.
    return hashlib.sha256(f"{name.casefold()}\n{address}".encode()).hexdigest()
