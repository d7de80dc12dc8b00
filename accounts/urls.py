"""Addresses of the pages about oneself."""

from django.urls import path

from accounts.views import session, settings

app_name = "accounts"
urlpatterns = [
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("settings/", settings.settings, name="settings"),
    path("settings/password/", settings.password, name="password"),
    path("settings/tokens/", settings.create_token, name="create-token"),
    path("settings/tokens/<int:pk>/revoke/", settings.revoke_token, name="revoke-token"),
]
