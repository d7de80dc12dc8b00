"""Operation: remark on a promotion, or on one thing in it."""

import re

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import authority, notices, promotion_locks, trail_targets
from registry.models import Comment, Notice, Promotion

BODY_LIMIT = 10_000
# What it is about, then which one: gate:metrics, metric:val_cer, metadata:epochs, card:limitations.
_ANCHOR = re.compile(r"(?:gate|metric|metadata|card|lineage|file|evidence):[\w .,:/()%+@-]{1,180}")


def add(promotion: Promotion, body: str, *, user: User, anchor: str = "") -> Comment:
    """Remark on `promotion`, decided or not; who may look may talk.

    Tells the requester and those who have reviewed or remarked before.

    :param body: Markdown, at most `BODY_LIMIT` characters; sanitised where it is shown
    :param anchor: what it is about: ``gate:``, ``metric:``, ``metadata:``, ``card:``, ``lineage:``, ``file:``
        or ``evidence:`` and a name; empty: the promotion as a whole
    :raises PermissionDenied: `user` may not see the model
    :raises ValidationError: no text, too much of it, or an anchor that is none
    """
    _check(body, anchor)
    model, target = promotion.version.model, trail_targets.of_promotion(promotion)
    with authority.deciding(user, Permission.VIEW, model, target=target):
        promotion = promotion_locks.lock_promotion(promotion)
        comment = Comment.objects.create(
            promotion=promotion,
            anchor=anchor,
            body=body,
            by=user,
            by_name=user.username,
            at=timezone.now(),
        )
        notices.tell(Notice.Kind.COMMENTED, promotion, _concerned(promotion), actor=user.username, text=body)
        trail.record(
            Event.PROMOTION_COMMENTED,
            actor=access.actor(user),
            target=target,
            data={"comment": body, "anchor": anchor, "number": comment.pk},
        )
    return comment


def _check(body: str, anchor: str) -> None:
    if not body.strip():
        raise ValidationError({"body": _("Write something first.")})
    if len(body) > BODY_LIMIT:
        raise ValidationError({"body": _("At most %(limit)d characters, please.") % {"limit": BODY_LIMIT}})
    if anchor and not _ANCHOR.fullmatch(anchor):
        raise ValidationError({"anchor": _("There is nothing of this name to remark on.")})


def _concerned(promotion: Promotion) -> list[User]:
    ids = [promotion.requested_by_id]
    ids += promotion.reviews.values_list("reviewer", flat=True)
    ids += promotion.comments.values_list("by", flat=True)
    return list(User.objects.filter(pk__in={pk for pk in ids if pk is not None}))
