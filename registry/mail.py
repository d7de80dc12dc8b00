"""Chore: send what people are told by e-mail, too. No request and no transaction waits for a mail server.

A notice is tried a few times over some hours, then left alone; it stays in the product. Whoever takes a
notice up counts the attempt first, so a worker that dies while sending makes a second mail possible, never an
endless row of them. If the server does not answer, the attempt counts for all that are due: a dead server
costs one time-out per step of the schedule, not one per notice.
"""

import logging
import smtplib
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from registry import access, notices
from registry.models import Notice

logger = logging.getLogger(__name__)

#: When each attempt is due, counted from the notice.
SCHEDULE = (
    timedelta(),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=3),
)
#: Later it is no news any more: whoever sets up e-mail is not sent the past.
NEWS = timedelta(days=1)
BATCH = 50
#: Seconds after which a round ends although more is due; the next one goes on.
LONGEST_ROUND = 20.0

_ONE_ADDRESSEE = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError)


def send_waiting() -> None:
    """Send the mails that are due, the oldest first."""
    due = list(_due()[:BATCH])
    if not due:
        return
    end = time.monotonic() + LONGEST_ROUND
    connection = get_connection()
    try:
        connection.open()
        for notice in due:
            if time.monotonic() > end:
                break
            _send(notice, connection)
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("The mail server does not answer: %s", error)
        _due().update(mail_attempts=F("mail_attempts") + 1)
    finally:
        _hang_up(connection)


def message(notice: Notice) -> EmailMessage:
    """Return the mail that tells of `notice`, in the language of its reader."""
    with translation.override(notice.user.language or settings.LANGUAGE_CODE):
        sentence = notices.sentence(notice)
        address = f"{settings.BASE_URL}{notice.promotion.get_absolute_url()}"
        parts = [
            sentence,
            _quoted(notices.details(notice)),
            address,
            _("You can read all notices in Stagegate."),
        ]
        body = "\n\n".join(part for part in parts if part)
        # Header lines have no line breaks.
        subject = f"[Stagegate] {' '.join(sentence.split())}"
    return EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [notice.user.email])


def _due() -> QuerySet[Notice]:
    now = timezone.now()
    # Nobody looks at this queue twice a second: an OR for each step is no burden.
    steps = Q(pk__in=[])
    for attempts, after in enumerate(SCHEDULE):
        steps |= Q(mail_attempts=attempts, at__lte=now - after)
    rows = Notice.objects.filter(steps, mailed_at__isnull=True, at__gt=now - NEWS, user__is_active=True)
    rows = rows.exclude(user__email="").select_related("user", "promotion__version__model")
    return rows.order_by("pk")


def _send(notice: Notice, connection: BaseEmailBackend) -> None:
    taken = Notice.objects.filter(
        pk=notice.pk, mail_attempts=notice.mail_attempts, mailed_at__isnull=True
    ).update(mail_attempts=F("mail_attempts") + 1)
    if not taken or not access.sees(notice.user, notice.promotion.version.model):
        return
    mail = message(notice)
    mail.connection = connection
    try:
        mail.send()
    except _ONE_ADDRESSEE as error:
        logger.warning("Notice %s cannot be mailed: %s", notice.pk, error)
        return
    Notice.objects.filter(pk=notice.pk).update(mailed_at=timezone.now())


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _hang_up(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        logger.debug("The mail server was gone already.")
