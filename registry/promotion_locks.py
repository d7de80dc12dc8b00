"""Locks: decisions about one model happen one after the other.

Every operation locks the registered model's row before anything else, so that two of them never wait for each
other. A job's row, where one is locked too, comes before it; the audit trail comes last.
"""

from django.utils.translation import gettext as _

from registry import labels
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Promotion, RegisteredModel


def lock_model(model: RegisteredModel) -> RegisteredModel:
    """Lock `model` until the transaction ends and return it as it is now.

    Not its key: who holds the trail may be about to insert a row that refers to the model.
    """
    return RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)


def lock_version(version: ModelVersion) -> ModelVersion:
    """Lock the model of `version` and return the version as it is now."""
    lock_model(version.model)
    return ModelVersion.objects.select_related("model").get(pk=version.pk)


def lock_promotion(promotion: Promotion) -> Promotion:
    """Lock the model of `promotion` and return the promotion as it is now."""
    lock_model(promotion.version.model)
    return Promotion.objects.select_related("version__model", "incumbent").get(pk=promotion.pk)


def lock_open(promotion: Promotion) -> Promotion:
    """Lock `promotion` for a decision.

    :raises ConflictError: it is decided already
    """
    fresh = lock_promotion(promotion)
    if fresh.state != Promotion.State.OPEN:
        state = labels.promotion_state(fresh.state).lower()
        raise ConflictError(_("This promotion is decided already: %(state)s.") % {"state": state})
    return fresh
