"""Page addresses of `lineage`."""

from django.urls import URLPattern, path

from lineage.views import reproductions
from registry.access import for_viewers

app_name = "lineage"
_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns: list[URLPattern] = [
    path(f"{_VERSION}reproductions/", for_viewers(reproductions.reproductions), name="reproductions"),
    path("reproductions/<int:pk>/", for_viewers(reproductions.report), name="reproduction"),
    path("models/<str:name>/tolerance/", for_viewers(reproductions.tolerance), name="tolerance"),
]
