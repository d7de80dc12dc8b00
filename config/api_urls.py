"""All addresses of the REST interface, version 1."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("registry.api_urls")),
    path("", include("lineage.api_urls")),
    path("", include("experiments.api_urls")),
    path("", include("accounts.api_urls")),
]
