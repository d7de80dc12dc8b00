"""Whether a delivery comes from the host of the repository: signatures as Git hosts send them.

The secret is derived from a number of the webhook and the installation's key, so it is nowhere stored.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping

from django.utils.crypto import constant_time_compare, salted_hmac

from lineage.models import UpdatePlan

# HMAC-SHA256 of the body, in hexadecimal after "sha256=": GitHub, Gitea, Forgejo; Bitbucket.
_SIGNATURES = ("X-Hub-Signature-256", "X-Hub-Signature")
# The secret itself: GitLab.
_TOKEN = "X-Gitlab-Token"  # noqa: S105 - the name of a header
_PREFIX = "sha256="


def secret_of(plan: UpdatePlan) -> str:
    """Return the secret of a webhook."""
    return salted_hmac("lineage.hook", f"{plan.pk}:{plan.hook_nonce}", algorithm="sha256").hexdigest()


def is_genuine(plan: UpdatePlan | None, headers: Mapping[str, str], body: Iterable[bytes]) -> bool:
    """Say whether a delivery was signed with the secret of `plan`.

    As much is computed for a repository or a webhook that is not there, so that time does not tell.

    :param body: the bytes that were signed, in pieces
    """
    secret = secret_of(plan) if plan is not None else "0" * 64
    digest = hmac.new(secret.encode(), digestmod="sha256")
    for piece in body:
        digest.update(piece)
    told = next((headers[name] for name in _SIGNATURES if name in headers), "")
    signed = constant_time_compare(told, f"{_PREFIX}{digest.hexdigest()}")
    named = constant_time_compare(headers.get(_TOKEN, ""), secret)
    return plan is not None and bool(plan.hook_nonce) and (signed or named)
