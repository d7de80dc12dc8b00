"""REST addresses of `accounts`."""

from django.urls import path

from accounts import audit_api

urlpatterns = [
    path("audit/", audit_api.Entries.as_view(), name="api-audit"),
    path("audit/export/", audit_api.Export.as_view(), name="api-audit-export"),
]
