"""Whether a page offers to roll Production back, and why not."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.roles import Permission
from registry import access, rollback
from registry.models import ModelVersion, RegisteredModel


@dataclass(frozen=True)
class Offer:
    """The button.

    :ivar is_shown: whether there is anything to roll back at all
    :ivar reason: why it is off; empty where it works
    :ivar candidates: the versions that Production could go back to, the previous good one first
    """

    is_shown: bool
    reason: str = ""
    candidates: tuple[ModelVersion, ...] = ()


def of(model: RegisteredModel, serving: ModelVersion | None, permissions: Collection[Permission]) -> Offer:
    """Return what is offered to somebody with `permissions` to `model`. Four queries at most.

    :param serving: the version in Production
    """
    if Permission.PROMOTION_ROLLBACK not in permissions:
        return Offer(serving is not None, access.explain_on(Permission.PROMOTION_ROLLBACK, model))
    candidates = rollback.candidates(model)
    if candidates:
        return Offer(True, candidates=tuple(candidates))
    return Offer(serving is not None, _("There is no earlier approved version to go back to."))
