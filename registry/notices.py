"""Operations: what people are told, in the product and (see `registry.mail`) by e-mail."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

import accounts.access
from accounts.models import User
from audit import trail
from audit.events import Event
from experiments import sentences
from experiments.stored_text import text as storable
from registry import access, blocking, labels
from registry.models import Notice, Promotion

Kind = Notice.Kind
TEXT_LIMIT = 1000


def tell(
    kind: str, promotion: Promotion, people: Iterable[User], *, actor: str = "", text: str = ""
) -> list[Notice]:
    """Write one notice for each of `people` in the caller's transaction; whoever did it is not told.

    :param kind: one of `Notice.Kind`
    :param actor: user name of whoever brought it about; empty: the product itself
    :param text: what they wrote, cut to `TEXT_LIMIT` characters
    """
    told = {user.pk: user for user in people if user.is_active and user.username != actor}
    now = timezone.now()
    return Notice.objects.bulk_create(
        Notice(
            user=user,
            kind=kind,
            promotion=promotion,
            actor=actor,
            text=storable(text, TEXT_LIMIT),
            at=now,
        )
        for user in told.values()
    )


def tell_requester(kind: str, promotion: Promotion, *, actor: str = "", text: str = "") -> list[Notice]:
    """Tell whoever asked for `promotion`; nobody, if their account is gone. One query to find them."""
    people = [promotion.requested_by] if promotion.requested_by else []
    return tell(kind, promotion, people, actor=actor, text=text)


def unread(user: User) -> QuerySet[Notice]:
    """Return what `user` has not read yet, the newest first, of the models that they may see."""
    return of(user).filter(read_at__isnull=True)


def of(user: User) -> QuerySet[Notice]:
    """Return everything that `user` was told of the models that they may see, the newest first."""
    visible = access.visible_q(user, "promotion__version__model")
    rows = Notice.objects.filter(visible, user=user).select_related("promotion__version__model")
    return rows.defer(
        "promotion__evidence", "promotion__version__manifest", "promotion__version__facts"
    ).order_by("-pk")


def mark_read(user: User, ids: Collection[int] | None = None) -> int:
    """Note that `user` has read their notices (None: all of them); return how many were unread.

    Ids of other people's notices are passed over.
    """
    rows = Notice.objects.filter(user=user, read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    with transaction.atomic():
        read = rows.update(read_at=timezone.now())
        if read:
            who = accounts.access.actor(user)
            data = {"read": read}
            trail.record(Event.NOTICES_READ, actor=who, target=accounts.access.target(user), data=data)
    return read


def sentence(notice: Notice) -> str:
    """Return in the active language what happened, in one sentence."""
    promotion = notice.promotion
    words = {
        "actor": notice.actor or _("Stagegate"),
        "version": str(promotion.version),
        "stage": labels.stage(promotion.to_stage),
        "state": labels.promotion_state(promotion.state).lower(),
    }
    if notice.kind == Kind.DECIDED and promotion.problem:
        return _("%(version)s could not be brought to %(stage)s in MLflow.") % words
    return _TEMPLATES[notice.kind]() % words


def details(notice: Notice) -> str:
    """Return in the active language what goes with the sentence: what somebody wrote, or what has changed."""
    if notice.kind == Kind.EVIDENCE_CHANGED:
        return blocking.named(name for name in notice.text.split(", ") if name)
    return sentences.translated(notice.text)


_TEMPLATES = {
    Kind.REVIEW_WANTED.value: lambda: _("%(actor)s asks to move %(version)s to %(stage)s."),
    Kind.REMINDER.value: lambda: _("%(version)s still waits for a review on its way to %(stage)s."),
    Kind.REVIEWED.value: lambda: _("%(actor)s reviewed the promotion of %(version)s to %(stage)s."),
    Kind.DECIDED.value: lambda: _("The promotion of %(version)s to %(stage)s is decided: %(state)s."),
    Kind.APPLIED.value: lambda: _("MLflow now shows %(version)s in %(stage)s."),
    Kind.EVIDENCE_CHANGED.value: lambda: _(
        "What you approved about %(version)s has changed; your approval does not count any more."
    ),
    Kind.EXPIRED.value: lambda: _("The request to move %(version)s to %(stage)s has expired."),
    Kind.ROLLED_BACK.value: lambda: _("%(actor)s rolled %(stage)s back to %(version)s."),
    Kind.BYPASSED.value: lambda: _(
        "%(actor)s put %(version)s into %(stage)s without a review; somebody else has to look at it."
    ),
    Kind.COMMENTED.value: lambda: _("%(actor)s commented on the promotion of %(version)s to %(stage)s."),
}
