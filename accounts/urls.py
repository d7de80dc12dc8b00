"""Addresses of the pages about oneself and of the audit trail."""

from django.urls import path, re_path

from accounts.views import audit, session, settings

app_name = "accounts"
urlpatterns = [
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("settings/", settings.settings, name="settings"),
    path("settings/password/", settings.password, name="password"),
    path("settings/tokens/", settings.create_token, name="create-token"),
    path("settings/tokens/<int:pk>/revoke/", settings.revoke_token, name="revoke-token"),
    path("audit/", audit.audit, name="audit"),
    re_path(r"^audit/export\.(?P<form>jsonl|csv|bundle)$", audit.export, name="audit-export"),
]
