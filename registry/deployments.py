"""Operations: where a version serves, as those who deploy say, and until when."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access as roles
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import authority, trail_targets
from registry.conflicts import ConflictError
from registry.models import Deployment, ModelVersion, RegisteredModel

NOTE_LIMIT = 2000
URL_LIMIT = 1000
# As hosts and clusters are called; it also stands in addresses and in the trail.
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where a version serves.

    :ivar environment: such as ``production-eu``
    :ivar url: http or https, without a password; empty: not told
    :ivar note: free text
    """

    environment: str
    url: str = ""
    note: str = ""


def record(
    version: ModelVersion,
    place: Place,
    *,
    user: User,
    at: datetime | None = None,
    alongside: bool = False,
) -> Deployment:
    """Say that `version` serves at `place`. The same again, with the same `at`, changes nothing.

    What served of this model in the same environment before is retired at that moment.

    :param at: since when; None: since now
    :param alongside: leave what serves there: both do, as while a canary is watched
    :raises PermissionDenied: `user` may not record deployments of this model
    :raises ValidationError: an environment, address, note or time that cannot be
    :raises ConflictError: another version came there later, so this would rewrite what is known
    """
    now = timezone.now()
    at = at or now
    _check(place, at, now)
    model, target = version.model, trail_targets.of_version(version)
    with authority.deciding(user, Permission.DEPLOYMENT_RECORD, model, target=target):
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        there = Deployment.objects.filter(version=version, environment=place.environment, at=at).first()
        if there is not None:
            return there
        before = [] if alongside else _serving(model, place.environment, at)
        made = Deployment.objects.create(
            version=version,
            environment=place.environment,
            url=place.url,
            note=place.note,
            at=at,
            recorded_at=now,
            recorded_by=user,
            recorded_by_name=user.username,
        )
        _tell(made, Event.DEPLOYMENT_RECORDED, user, {"at": at.isoformat(), "note": place.note})
        for one in before:
            _end(one, at, user, replaced_by=made)
    return made


def retire(deployment: Deployment, *, user: User, at: datetime | None = None) -> Deployment:
    """Say that a deployment has ended.

    :param at: when; None: now
    :raises PermissionDenied: `user` may not record deployments of this model
    :raises ValidationError: a time in the future, or before it began
    :raises ConflictError: it has ended already
    """
    now = timezone.now()
    at = at or now
    if at > now or at < deployment.at:
        raise ValidationError({"at": _("It ends after it began, and not in the future.")})
    version = deployment.version
    target = trail_targets.of_version(version)
    with authority.deciding(user, Permission.DEPLOYMENT_RECORD, version.model, target=target):
        if not _end(deployment, at, user):
            raise ConflictError(_("This deployment has ended already."))
    deployment.refresh_from_db()
    return deployment


def _serving(model: RegisteredModel, environment: str, at: datetime) -> list[Deployment]:
    """Return what serves of `model` in an environment, to make way for what came at `at`.

    :raises ConflictError: something came there after `at`
    """
    rows = Deployment.objects.filter(version__model=model, environment=environment, retired_at=None)
    found = list(rows.select_related("version__model"))
    if any(one.at > at for one in found):
        raise ConflictError(_("A later deployment in this environment is recorded already."))
    return found


def _end(deployment: Deployment, at: datetime, user: User, *, replaced_by: Deployment | None = None) -> bool:
    ended = Deployment.objects.filter(pk=deployment.pk, retired_at=None).update(
        retired_at=at, retired_by_name=user.username, replaced_by=replaced_by
    )
    if ended:
        data = {"at": at.isoformat(), "replaced_by": str(replaced_by.version) if replaced_by else None}
        _tell(deployment, Event.DEPLOYMENT_RETIRED, user, data)
    return bool(ended)


def _tell(deployment: Deployment, event: Event, user: User, data: dict[str, str | None]) -> None:
    facts = {"number": deployment.pk, "environment": deployment.environment, "url": deployment.url}
    trail.record(
        event,
        actor=roles.actor(user),
        target=trail_targets.of_version(deployment.version),
        data={**facts, **data},
    )


def _check(place: Place, at: datetime, now: datetime) -> None:
    if not _ENVIRONMENT.fullmatch(place.environment):
        text = _("Latin letters, digits, spaces and . _ / -, at most 100, please.")
        raise ValidationError({"environment": text})
    if place.url and not _is_web_address(place.url):
        raise ValidationError({"url": _("An address of http or https without a password, please.")})
    if len(place.note) > NOTE_LIMIT:
        text = _("At most %(limit)d characters, please.") % {"limit": NOTE_LIMIT}
        raise ValidationError({"note": text})
    if at > now:
        raise ValidationError({"at": _("This is in the future.")})


def _is_web_address(url: str) -> bool:
    if len(url) > URL_LIMIT or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.password is None
