"""REST addresses of `lineage`."""

from django.urls import URLPattern, path

from lineage import reproduction_api

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns: list[URLPattern] = [
    path(
        f"{_VERSION}reproductions/",
        reproduction_api.VersionReproductions.as_view(),
        name="api-version-reproductions",
    ),
    path("reproductions/<int:pk>/", reproduction_api.ReproductionReport.as_view(), name="api-reproduction"),
    path("models/<str:name>/tolerance/", reproduction_api.ModelTolerance.as_view(), name="api-tolerance"),
]
