"""Model cards of versions: revise, submit, approve, return. The sole writer of `CardRevision`.

Every change of the text is a new revision, and a new revision is a draft: an approval is of exactly one text.
All operations lock the registered model's row first, as those on promotions do.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access as accounts
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import sentences
from registry import card_fields, card_format, card_sections, card_template, card_values, trail_targets
from registry.authority import RefusedError, deciding
from registry.card_format import CardError
from registry.conflicts import ConflictError
from registry.models import CardRevision, ModelVersion, RegisteredModel

SUMMARY_LIMIT = 500
REASON_LIMIT = 2000

_State = CardRevision.State


def newest(version: ModelVersion) -> CardRevision | None:
    """Return the revision that counts; None where the version has no card yet. One query."""
    return CardRevision.objects.filter(version=version).order_by("-number").first()


def proposed(version: ModelVersion) -> str:
    """Return the text with which the card of `version` starts: the previous version's, else a template."""
    previous = _previous(version)
    return previous.text if previous else card_template.initial(version)


def start(version: ModelVersion, *, user: User | None = None) -> CardRevision:
    """Give `version` its first card, in the caller's transaction if there is one. Idempotent.

    It starts from the card of the candidate that it makes final or of the version before it; a first card
    names what is recorded about the version. No permission is asked for: this is part of registering.

    :param user: who registers the version; None for the product itself
    """
    with transaction.atomic():
        _lock(version)
        return newest(version) or _first(version, user)


def start_by_hand(version: ModelVersion, *, user: User) -> CardRevision:
    """Give `version` its first card, as `start` does, at the wish of a person.

    :raises PermissionDenied: `user` may not edit the model
    """
    target = trail_targets.of_version(version)
    with deciding(user, Permission.MODEL_EDIT, version.model, target=target):
        _lock(version)
        return newest(version) or _first(version, user)


def save(version: ModelVersion, text: str, *, user: User, based_on: int, summary: str = "") -> CardRevision:
    """Keep `text` as a new revision, a draft. The same text again changes nothing.

    :param based_on: number of the revision that was edited; 0 where there was none
    :param summary: what changed and why, at most `SUMMARY_LIMIT` characters
    :returns: the newest revision
    :raises PermissionDenied: `user` may not edit the model
    :raises ValidationError: too long, or front matter that cannot be taken
    :raises ConflictError: somebody saved another revision meanwhile
    """
    target = trail_targets.of_version(version)
    with deciding(user, Permission.MODEL_EDIT, version.model, target=target):
        check(text)
        _check_length("summary", summary, SUMMARY_LIMIT)
        _lock(version)
        current = newest(version)
        if based_on != (current.number if current else 0):
            raise ConflictError(_changed_by(current))
        if current and current.text == text:
            return current
        return _add(version, text, user, summary)


def import_readme(version: ModelVersion, content: bytes, *, user: User, based_on: int) -> CardRevision:
    """Keep a `README.md` file as a new revision, as `save` does.

    :param content: the file, UTF-8
    """
    try:
        text = card_format.decode(content)
    except CardError as error:
        raise ValidationError({"readme": sentences.translated(str(error))}) from error
    summary = _("Imported from README.md")
    return save(version, text, user=user, based_on=based_on, summary=summary)


def submit(version: ModelVersion, *, user: User, number: int) -> CardRevision:
    """Ask for the approval of the newest revision.

    :param number: the revision that `user` saw
    :raises PermissionDenied: `user` may not edit the model
    :raises ValidationError: a required section is missing, or a placeholder stands for nothing
    :raises ConflictError: it is not the newest any more, or not a draft
    """
    with _deciding(version, Permission.MODEL_EDIT, user):
        revision = _locked(version, number, _State.DRAFT)
        absent = card_sections.missing(revision.text, card_values.of(version))
        if absent:
            names = ", ".join(sentences.translated(name) for name in absent)
            raise ValidationError({"card": _("The card is incomplete: %(names)s.") % {"names": names}})
        revision.state = _State.IN_REVIEW
        _decide(revision, Event.CARD_SUBMITTED, user)
    return revision


def approve(version: ModelVersion, *, user: User, number: int) -> CardRevision:
    """Approve the newest revision.

    :param number: the revision that `user` read
    :raises PermissionDenied: `user` may not review, or wrote part of it since the last approval
    :raises ConflictError: it is not the newest any more, or not in review
    """
    with _deciding(version, Permission.PROMOTION_REVIEW, user):
        revision = _locked(version, number, _State.IN_REVIEW)
        if user.pk in authors(revision):
            raise RefusedError("author", _("Nobody approves their own card. Another reviewer has to."))
        revision.state = _State.APPROVED
        revision.decided_by_name, revision.decided_at = user.username, timezone.now()
        _decide(revision, Event.CARD_APPROVED, user)
    return revision


def return_to_draft(version: ModelVersion, *, user: User, number: int, reason: str) -> CardRevision:
    """Send the newest revision back to its authors, or take its approval back.

    :param reason: what has to change; required
    :raises PermissionDenied: `user` may not review
    :raises ValidationError: no reason, or one of more than `REASON_LIMIT` characters
    :raises ConflictError: it is not the newest any more, or a draft already
    """
    with _deciding(version, Permission.PROMOTION_REVIEW, user):
        if not reason.strip():
            raise ValidationError({"reason": _("Say what has to change, so that the author can act on it.")})
        _check_length("reason", reason, REASON_LIMIT)
        revision = _locked(version, number, _State.IN_REVIEW, _State.APPROVED)
        revision.state = _State.DRAFT
        revision.decided_by_name, revision.decided_at = "", None
        _decide(revision, Event.CARD_RETURNED, user, reason=reason)
    return revision


def authors(revision: CardRevision) -> set[int]:
    """Return the keys of those who wrote `revision` or, since the last approval, one before it. One query."""
    earlier = CardRevision.objects.filter(version=revision.version_id, number__lte=revision.number)
    found: set[int] = set()
    for number, state, author in earlier.order_by("-number").values_list("number", "state", "by"):
        if state == _State.APPROVED and number != revision.number:
            break
        if author is not None:
            found.add(author)
    return found


def check(text: str) -> None:
    """Refuse a text that no card may have.

    :raises ValidationError: under `text`, a message for each fault
    """
    try:
        card_format.check_text(text)
        faults = card_fields.problems(card_format.parse(text).fields)
    except CardError as error:
        faults = [str(error)]
    if not faults and not text.strip():
        faults = ["The card is empty."]
    if faults:
        raise ValidationError({"text": [sentences.translated(fault) for fault in faults]})


def _first(version: ModelVersion, user: User | None) -> CardRevision:
    previous = _previous(version)
    if previous is None:
        return _add(version, card_template.initial(version), user, "")
    words = _("Taken over from %(version)s") % {"version": previous.version.version}
    return _add(version, previous.text, user, words)


def _previous(version: ModelVersion) -> CardRevision | None:
    cards = CardRevision.objects.select_related("version").filter(version__model=version.model_id)
    if version.finalises_id:
        found = cards.filter(version=version.finalises_id).order_by("-number").first()
        if found:
            return found
    return _before(cards, version).first()


def _before(cards: QuerySet[CardRevision], version: ModelVersion) -> QuerySet[CardRevision]:
    """Return the cards of lower versions, the highest version and its newest revision first."""
    columns = ("major", "minor", "patch", "pre_key")
    lower, same = Q(), Q()
    for column in columns:
        value = getattr(version, column)
        value = bytes(value) if column == "pre_key" else value
        lower |= same & Q(**{f"version__{column}__lt": value})
        same &= Q(**{f"version__{column}": value})
    return cards.filter(lower).order_by(*(f"-version__{column}" for column in columns), "-version", "-number")


def _add(version: ModelVersion, text: str, user: User | None, summary: str) -> CardRevision:
    current = newest(version)
    revision = CardRevision.objects.create(
        version=version,
        number=current.number + 1 if current else 1,
        text=text,
        digest=card_format.digest(text),
        summary=summary,
        by=user,
        by_name=user.username if user else trail.SYSTEM.name,
        at=timezone.now(),
    )
    _record(Event.CARD_REVISED, revision, user, {"comment": summary} if summary else {})
    return revision


def _decide(revision: CardRevision, event: Event, user: User, **data: Any) -> None:
    revision.save(update_fields=["state", "decided_by_name", "decided_at"])
    _record(event, revision, user, data)


def _record(event: Event, revision: CardRevision, user: User | None, data: dict[str, Any]) -> None:
    trail.record(
        event,
        actor=accounts.actor(user) if user else trail.SYSTEM,
        target=trail_targets.of_version(revision.version),
        data={"card": revision.number, "digest": revision.digest, **data},
    )


def _deciding(version: ModelVersion, permission: Permission, user: User) -> Any:
    return deciding(user, permission, version.model, target=trail_targets.of_version(version))


def _lock(version: ModelVersion) -> None:
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)


def _locked(version: ModelVersion, number: int, *states: str) -> CardRevision:
    _lock(version)
    revision = CardRevision.objects.select_related("version__model").filter(version=version).first()
    if revision is None or revision.number != number:
        raise ConflictError(_changed_by(revision))
    if revision.state not in states:
        raise ConflictError(_("Somebody has decided about this card meanwhile. Read the page again."))
    return revision


def _changed_by(current: CardRevision | None) -> str:
    if current is None:
        return _("This version has no card yet.")
    return _("%(name)s saved revision %(number)d of this card meanwhile.") % {
        "name": current.by_name,
        "number": current.number,
    }


def _check_length(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise ValidationError({field: _("At most %(limit)d characters, please.") % {"limit": limit}})
    if "\0" in text:
        raise ValidationError({field: _("Leave out characters that are not text.")})
