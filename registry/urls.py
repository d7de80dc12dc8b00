"""Page addresses of `registry`."""

from django.urls import path

from registry.access import for_viewers
from registry.views import as_of, members, models, promotions, register, version

app_name = "registry"

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns = [
    path("models/", for_viewers(models.models), name="models"),
    path("models/<str:name>/", for_viewers(models.model), name="model"),
    path("models/<str:name>/production/", for_viewers(as_of.model_production), name="model-production"),
    path("models/<str:name>/members/", for_viewers(members.members_page), name="members"),
    path("models/<str:name>/members/<int:pk>/remove/", for_viewers(members.remove), name="remove-member"),
    path("models/<str:name>/restrict/", for_viewers(members.restrict), name="restrict"),
    path("production/", for_viewers(as_of.production), name="production"),
    path(_VERSION, for_viewers(version.overview), name="version"),
    path(f"{_VERSION}metadata/", for_viewers(version.metadata), name="version-metadata"),
    path(f"{_VERSION}metrics/", for_viewers(version.metrics), name="version-metrics"),
    path(f"{_VERSION}files/", for_viewers(version.files), name="version-files"),
    path(f"{_VERSION}history/", for_viewers(version.events), name="version-history"),
    path(f"{_VERSION}promote/", for_viewers(promotions.open_promotion), name="open-promotion"),
    path("register/", for_viewers(register.register), name="register"),
    path("runs/<str:run_id>/versions/", for_viewers(register.run_versions), name="run-versions"),
    path("promotions/", for_viewers(promotions.promotions), name="promotions"),
    path("promotions/<int:number>/", for_viewers(promotions.promotion_page), name="promotion"),
    path("promotions/<int:number>/review/", for_viewers(promotions.review), name="review"),
    path("promotions/<int:number>/withdraw/", for_viewers(promotions.withdraw), name="withdraw"),
]
