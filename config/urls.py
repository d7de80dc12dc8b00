"""All addresses of the product."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from config import home
from registry.access import for_viewers

urlpatterns = [
    path("", for_viewers(home.page), name="home"),
    path("healthz", home.health, name="health"),
    path("", include("accounts.urls")),
    path("", include("lineage.urls")),
    path("", include("registry.urls")),
    path("", include("experiments.urls")),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", for_viewers(home.api_documentation), name="api-docs"),
]
