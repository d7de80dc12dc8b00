"""Page addresses of `lineage`."""

from django.urls import path

from lineage.views import (
    comparison,
    data,
    data_changes,
    evidence,
    graph,
    gto,
    history,
    hooks,
    impact,
    pipeline,
    plots,
    reproductions,
    updates,
)
from registry.access import for_viewers

app_name = "lineage"
_VERSION = "models/<str:name>/versions/<str:version>/"
_REPOSITORY = "repositories/<str:name>/"

urlpatterns = [
    path("lineage/", for_viewers(graph.lineage), name="lineage"),
    path("lineage/impact/", for_viewers(impact.impact_page), name="impact"),
    path("lineage/compare/", for_viewers(comparison.compare), name="compare"),
    path(f"{_VERSION}lineage/", for_viewers(graph.version_lineage), name="version-lineage"),
    path(f"{_VERSION}reproductions/", for_viewers(reproductions.reproductions), name="reproductions"),
    path("reproductions/<int:pk>/", for_viewers(reproductions.report), name="reproduction"),
    path(f"{_VERSION}evidence/", for_viewers(evidence.of_version), name="version-evidence"),
    path(f"{_VERSION}evidence.zip", for_viewers(evidence.version_bundle), name="version-bundle"),
    path("promotions/<int:number>/evidence/", for_viewers(evidence.of_promotion), name="promotion-evidence"),
    path(
        "promotions/<int:number>/evidence.zip",
        for_viewers(evidence.promotion_bundle),
        name="promotion-bundle",
    ),
    path("evidence/bundles/<int:pk>.zip", for_viewers(evidence.bundle), name="bundle"),
    path("evidence/verify.py", for_viewers(evidence.verifier), name="verifier"),
    path("evidence/public_key.pem", for_viewers(evidence.public_key), name="public-key"),
    path("models/<str:name>/tolerance/", for_viewers(reproductions.tolerance), name="tolerance"),
    path(f"{_REPOSITORY}data/", data.data, name="data"),
    path(f"{_REPOSITORY}data/versions/", data.versions, name="data-versions"),
    path(f"{_REPOSITORY}data/changes/", data_changes.changes, name="data-changes"),
    path(f"{_REPOSITORY}data/<int:pk>/", data.version, name="data-version"),
    path(f"{_REPOSITORY}pipeline/", pipeline.pipeline, name="pipeline"),
    path(f"{_REPOSITORY}pipeline/plots/", plots.plots, name="plots"),
    path(f"{_REPOSITORY}pipeline/images/<str:oid>/", plots.image, name="plot-image"),
    path(f"{_REPOSITORY}pipeline/plots/<int:number>/", plots.figure, name="plot"),
    path(f"{_REPOSITORY}pipeline/plots/<int:number>/points/", plots.points, name="plot-points"),
    path(f"{_REPOSITORY}gto/", gto.gto, name="gto"),
    path(f"{_REPOSITORY}history/", history.history, name="history"),
    path(f"{_REPOSITORY}updates/", updates.updates, name="updates"),
    path(f"{_REPOSITORY}updates/hook/", updates.hook, name="hook"),
    path(f"{_REPOSITORY}updates/hook/remove/", updates.remove_hook, name="remove-hook"),
    path("hooks/repositories/<str:name>/", hooks.push, name="push"),
]
