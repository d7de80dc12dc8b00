"""REST addresses of `registry`."""

from django.urls import path

from registry import api, as_of_api, members_api

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns = [
    path("models/", api.Models.as_view(), name="api-models"),
    path("models/<str:name>/", api.Model.as_view(), name="api-model"),
    path("models/<str:name>/production/", as_of_api.Production.as_view(), name="api-production"),
    path("models/<str:name>/members/", members_api.Members.as_view(), name="api-members"),
    path("models/<str:name>/members/<int:pk>/", members_api.MemberView.as_view(), name="api-member"),
    path("production/", as_of_api.Productions.as_view(), name="api-productions"),
    path("models/<str:name>/versions/", api.Versions.as_view(), name="api-versions"),
    path(_VERSION, api.Version.as_view(), name="api-version"),
    path(f"{_VERSION}metadata/", api.VersionMetadata.as_view(), name="api-version-metadata"),
    path(f"{_VERSION}files/", api.VersionFiles.as_view(), name="api-version-files"),
    path(f"{_VERSION}history/", api.VersionHistory.as_view(), name="api-version-history"),
    path("promotions/", api.Promotions.as_view(), name="api-promotions"),
    path("promotions/<int:number>/", api.PromotionDetail.as_view(), name="api-promotion"),
    path("promotions/<int:number>/reviews/", api.Reviews.as_view(), name="api-reviews"),
    path("promotions/<int:number>/withdraw/", api.Withdrawal.as_view(), name="api-withdraw"),
]
