"""REST addresses of `lineage`."""

from django.urls import URLPattern, path

from lineage import api, data_api, evidence_api, pipeline_api, reproduction_api, updates_api

_REPOSITORY = "repositories/<str:name>/"
_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns: list[URLPattern] = [
    path("lineage/", api.Lineage.as_view(), name="api-lineage"),
    path("lineage/impact/", api.Impact.as_view(), name="api-impact"),
    path("lineage/compare/", api.LineageComparison.as_view(), name="api-lineage-comparison"),
    path(f"{_VERSION}lineage/", api.VersionLineage.as_view(), name="api-version-lineage"),
    path(
        f"{_VERSION}reproductions/",
        reproduction_api.VersionReproductions.as_view(),
        name="api-version-reproductions",
    ),
    path("reproductions/<int:pk>/", reproduction_api.ReproductionReport.as_view(), name="api-reproduction"),
    path(f"{_VERSION}bundle/", evidence_api.VersionBundle.as_view(), name="api-version-bundle"),
    path(
        "promotions/<int:number>/bundle/", evidence_api.PromotionBundle.as_view(), name="api-promotion-bundle"
    ),
    path("models/<str:name>/tolerance/", reproduction_api.ModelTolerance.as_view(), name="api-tolerance"),
    path(f"{_REPOSITORY}data/", data_api.DataVersions.as_view(), name="api-data"),
    path(f"{_REPOSITORY}data/changes/", data_api.DataChanges.as_view(), name="api-data-changes"),
    path(f"{_REPOSITORY}data/<int:pk>/", data_api.DataVersionView.as_view(), name="api-data-version"),
    path(f"{_REPOSITORY}pipeline/", pipeline_api.PipelineView.as_view(), name="api-pipeline"),
    path(f"{_REPOSITORY}pipeline/plots/", pipeline_api.PipelinePlots.as_view(), name="api-pipeline-plots"),
    path(
        f"{_REPOSITORY}pipeline/images/<str:oid>/",
        pipeline_api.PlotImage.as_view(),
        name="api-plot-image",
    ),
    path(f"{_REPOSITORY}gto/", pipeline_api.Gto.as_view(), name="api-gto"),
    path(f"{_REPOSITORY}updates/", updates_api.Updates.as_view(), name="api-updates"),
    path(f"{_REPOSITORY}updates/hook/", updates_api.Hook.as_view(), name="api-hook"),
]
