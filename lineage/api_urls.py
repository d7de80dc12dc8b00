"""REST addresses of `lineage`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
