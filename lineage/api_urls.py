"""REST addresses of `lineage`."""

from django.urls import URLPattern, path

from lineage import evidence_api, reproduction_api

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns: list[URLPattern] = [
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
]
