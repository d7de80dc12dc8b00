"""Page addresses of `registry`."""

from django.urls import path

from registry.views import models, promotions, register, version

app_name = "registry"

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns = [
    path("models/", models.models, name="models"),
    path("models/<str:name>/", models.model, name="model"),
    path(_VERSION, version.overview, name="version"),
    path(f"{_VERSION}metadata/", version.metadata, name="version-metadata"),
    path(f"{_VERSION}metrics/", version.metrics, name="version-metrics"),
    path(f"{_VERSION}files/", version.files, name="version-files"),
    path(f"{_VERSION}history/", version.events, name="version-history"),
    path(f"{_VERSION}promote/", promotions.open_promotion, name="open-promotion"),
    path("register/", register.register, name="register"),
    path("runs/<str:run_id>/versions/", register.run_versions, name="run-versions"),
    path("promotions/", promotions.promotions, name="promotions"),
    path("promotions/<int:number>/", promotions.promotion_page, name="promotion"),
    path("promotions/<int:number>/review/", promotions.review, name="review"),
    path("promotions/<int:number>/withdraw/", promotions.withdraw, name="withdraw"),
]
