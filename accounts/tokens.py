"""API tokens: create, revoke, find. Only a digest is kept; the token is shown once."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import ApiToken, User
from accounts.roles import Permission
from audit import trail
from audit.events import Event

# Marks a leaked token as ours, for people and for secret scanners.
_MARK = "stg_"
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


def create(user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Create a token of `user`; it may do what they may do.

    Args:
        user: the owner.
        name: what it is for, at most 100 characters.
        expires_at: end of its life; None where it ends only by being revoked.

    Returns:
        The row and the token itself, which nobody can read again.

    Raises:
        PermissionDenied: the owner may not create tokens.
        ValidationError: no name, or it has expired already.
    """
    access.require(user, Permission.TOKEN_CREATE, target=trail.Target("token", "new", name[:100] or "-"))
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("This moment has passed already.")})
    # 256 random bits: a plain SHA-256 is enough, there is nothing to guess by dictionary.
    plain = _MARK + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user, name=name.strip(), digest=_digest(plain), prefix=plain[:8], expires_at=expires_at
    )
    token.full_clean(exclude=["user"])
    with transaction.atomic():
        token.save(force_insert=True)
        data = {"expires_at": expires_at}
        trail.record(Event.TOKEN_CREATED, actor=access.actor(user), target=target(token), data=data)
    return token, plain


def revoke(token: ApiToken, *, by: User) -> None:
    """End the life of `token` now. Idempotent.

    Raises:
        PermissionDenied: it belongs to somebody else and `by` does not manage users.
    """
    if token.user_id != by.pk:
        access.require(by, Permission.USER_MANAGE, target=target(token))
    now = timezone.now()
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            trail.record(Event.TOKEN_REVOKED, actor=access.actor(by), target=target(token))
    token.refresh_from_db(fields=["revoked_at"])


def find(plain: str) -> ApiToken | None:
    """Return the live token of an active user that reads `plain`, or None.

    The database is asked for the digest, so the time it takes tells nothing about the token.
    """
    digest = _digest(plain)
    live = ApiToken.objects.live(timezone.now()).filter(user__is_active=True)
    token = live.select_related("user").filter(digest=digest).first()
    return token if token and hmac.compare_digest(token.digest, digest) else None


def note_use(token: ApiToken) -> None:
    """Note that `token` was used, at most once a minute: a busy client must not cause a write per call."""
    now = timezone.now()
    before = now - _USE_IS_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < before:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def target(token: ApiToken) -> trail.Target:
    """Return `token` as the thing to which something is done."""
    return trail.Target("token", str(token.pk), f"{token.user.username}: {token.name}")


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
