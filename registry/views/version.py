"""The page of one version, a view for each tab."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.models import User
from accounts.roles import Permission
from registry import (
    access,
    bypass,
    deployment_selectors,
    file_facts,
    history,
    labels,
    lineage_strip,
    promotion,
    rebuild,
    rollback_offer,
    selectors,
)
from registry.models import ModelVersion
from registry.semver import MLModelVersion
from registry.stages import Stage
from registry.version_facts import bump_reasons, categories, key_metrics, metadata_of

_FILES_PER_PAGE = 200
_PROMOTIONS_SHOWN = 10

TABS = (
    ("overview", "registry:version", _("Overview")),
    ("metadata", "registry:version-metadata", _("Metadata")),
    ("metrics", "registry:version-metrics", _("Metrics")),
    ("card", "registry:version-card", _("Card")),
    ("files", "registry:version-files", _("Files")),
    ("lineage", "lineage:version-lineage", _("Lineage")),
    ("checks", "registry:version-checks", _("Checks")),
    ("history", "registry:version-history", _("History")),
)


@require_safe
def overview(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show where the version stands, what it measures, and where it came from."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    if found.version != version:
        return redirect(found)
    production = _production_beside(found)
    deployments = deployment_selectors.of_version(found)
    promotions = list(selectors.promotions(user=user).filter(version=found)[:_PROMOTIONS_SHOWN])
    context = {
        "metrics": key_metrics(found, production),
        "categories": categories(metadata_of(found)),
        "bump": labels.bump(found.bump),
        "required_bump": labels.bump(found.required_bump),
        "reasons": bump_reasons(found),
        "files_size": sum(file["size"] for file in found.manifest),
        "parameters": file_facts.parameters(found),
        "is_candidate": MLModelVersion(found.version).is_prerelease,
        "run": selectors.run_of(found),
        "jobs": selectors.jobs_of(found),
        "rebuild": rebuild.steps(found),
        "strip": lineage_strip.of(found, promotions[0] if promotions else None, deployments),
        "deployments": deployments,
        "promotions": promotions,
        "open_promotion": selectors.open_promotions(user=user).filter(version=found).first(),
        "targets": [(stage, labels.stage(stage)) for stage in promotion.possible_targets(found)],
        "refusal": _refusal(user, found),
        "bypasses": list(bypass.unreviewed(found.model).filter(version=found)[:1]),
        **_emergency(user, found, production),
    }
    return _tab(request, "overview", found, production, context)


@require_safe
def metadata(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show all seven categories, and name what is missing; `?format=json` downloads them."""
    found = access.get_version(name, version, user=signed_in(request))
    if request.GET.get("format") == "json":
        file = f"{found.model.name}-{found.version}-metadata.json"
        response = JsonResponse(found.metadata, json_dumps_params={"indent": 2, "ensure_ascii": False})
        response["Content-Disposition"] = content_disposition_header(True, file)
        return response
    facts = metadata_of(found)
    context = {"categories": categories(facts), "completeness": facts.completeness() if facts else None}
    return _tab(request, "metadata", found, _production_beside(found), context)


@require_safe
def metrics(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show everything the run measured, beside the run behind Production."""
    found = access.get_version(name, version, user=signed_in(request))
    production = _production_beside(found)
    context = {"run": selectors.run_of(found), "rows": selectors.metric_rows(found, production)}
    return _tab(request, "metrics", found, production, context)


@require_safe
def files(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show the artifacts as they were hashed at registration, and what is in them."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    told = file_facts.files(found)
    allowed = Permission.VERSION_REGISTER in access.permissions_on(user, found.model)
    context = {
        "page": Paginator(told, _FILES_PER_PAGE).get_page(request.GET.get("page")),
        "total": sum(file.size for file in told),
        "suspicious": sum(bool(file.suspicions) for file in told),
        "inspection": found.inspection,
        "signature": file_facts.signature(found),
        "parameters": file_facts.parameters(found),
        "inspect_refusal": "" if allowed else access.explain_on(Permission.VERSION_REGISTER, found.model),
    }
    return _tab(request, "files", found, None, context)


@require_safe
def events(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show everything that ever happened to the version."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    told = history.of(found, access.permissions_on(user, found.model))
    return _tab(request, "history", found, None, {"events": told})


def _refusal(user: User, version: ModelVersion) -> str:
    """Return why this person cannot open a promotion; empty where they can."""
    allowed = Permission.PROMOTION_OPEN in access.permissions_on(user, version.model)
    return "" if allowed else access.explain_on(Permission.PROMOTION_OPEN, version.model)


def _emergency(user: User, version: ModelVersion, production: ModelVersion | None) -> dict[str, Any]:
    """Return what this person can do at once: roll back from this version or to it, or bypass the review."""
    permissions = access.permissions_on(user, version.model)
    serving = version if version.stage == Stage.PRODUCTION else production
    offer = rollback_offer.of(version.model, serving, permissions)
    allowed = Permission.PROMOTION_BYPASS in permissions
    return {
        "rollback": offer if version.stage == Stage.PRODUCTION else None,
        "can_return": version.stage == Stage.ARCHIVED and version in offer.candidates,
        "can_bypass": allowed and bool(bypass.possible_targets(version)),
    }


def _production_beside(version: ModelVersion) -> ModelVersion | None:
    """The version to compare with: the one in Production, unless it is this one."""
    found = selectors.production(version.model_id)
    return found if found and found.pk != version.pk else None


def _tab(
    request: HttpRequest,
    tab: str,
    version: ModelVersion,
    production: ModelVersion | None,
    context: dict[str, Any],
) -> HttpResponse:
    shared = {
        "version": version,
        "production": production,
        "tab": tab,
        "tabs": TABS,
        "mlflow_url": settings.MLFLOW_PUBLIC_URL,
    }
    return render(request, f"registry/version_{tab}.html", {**shared, **context})
