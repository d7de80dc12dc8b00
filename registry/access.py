"""Who may look, and what an address names (404 where it names nothing)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.access import explain, permissions_of, signed_in
from accounts.roles import Permission
from experiments.models import Run
from registry.models import ModelVersion, Promotion, RegisteredModel

View = Callable[..., HttpResponse]


def for_viewers(view: View) -> View:
    """Return `view` for those whose role may look; others get 403 with the sentence that says who may."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if Permission.VIEW not in permissions_of(signed_in(request)):
            raise PermissionDenied(explain(Permission.VIEW))
        return view(request, *args, **kwargs)

    return guarded


def get_model(name: str) -> RegisteredModel:
    """Return the registered model called `name`.

    :raises Http404: there is none
    """
    model = RegisteredModel.objects.filter(name=name).first()
    if model is None:
        raise Http404(_("There is no model called %(name)s.") % {"name": name})
    return model


def get_version(name: str, version: str) -> ModelVersion:
    """Return a version by its semantic version, or by MLflow's integer.

    :raises Http404: there is none
    """
    versions: QuerySet[ModelVersion] = ModelVersion.objects.select_related("model").filter(model__name=name)
    found = versions.filter(version=version).first()
    # Nine digits fit into every database's integer.
    if found is None and version.isascii() and version.isdigit() and len(version) < 10:
        found = versions.filter(mlflow_version=int(version)).first()
    if found is None:
        raise Http404(_("%(model)s has no version %(version)s.") % {"model": name, "version": version})
    return found


def get_run(run_id: str) -> Run:
    """Return a mirrored run.

    :raises Http404: there is none
    """
    run = None
    if run_id.isalnum():
        run = Run.objects.select_related("experiment").filter(run_id=run_id).first()
    if run is None:
        raise Http404(_("There is no run %(run)s.") % {"run": run_id})
    return run


def get_promotion(number: int) -> Promotion:
    """Return a promotion with its version, model and incumbent.

    :raises Http404: there is none
    """
    found = Promotion.objects.select_related("version__model", "incumbent__model").filter(pk=number).first()
    if found is None:
        raise Http404(_("There is no promotion %(number)s.") % {"number": number})
    return found
