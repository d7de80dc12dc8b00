"""Page addresses of `lineage`."""

from django.urls import URLPattern

app_name = "lineage"
urlpatterns: list[URLPattern] = []
