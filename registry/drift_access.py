"""What an address of drift names (404 where it names nothing to who asks)."""

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Person
from registry import access
from registry.models import Drift, RegisteredModel


def get_drift(pk: int, *, user: Person, model: RegisteredModel | None = None) -> Drift:
    """Return one row of drift with its model and version.

    :param user: who asks; they get nothing of models that they may not see
    :param model: the model that the address names besides
    :raises Http404: there is none
    """
    found = Drift.objects.select_related("model", "version__model").filter(pk=pk).first()
    foreign = found is not None and model is not None and found.model_id != model.pk
    if found is None or foreign or not access.sees(user, found.model):
        raise Http404(_("There is no drift %(number)s.") % {"number": pk})
    return found
