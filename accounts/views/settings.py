"""The settings page: preferences, password, API tokens."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, tokens, users
from accounts.forms import PasswordForm, PreferencesForm, TokenForm
from accounts.models import User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show everything a person can set for themselves; a POST saves the preferences."""
    user = access.signed_in(request)
    if request.method != "POST":
        return _page(request, user)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _page(request, user, preferences=form)
    users.set_preferences(user, **form.cleaned_data)
    with translation.override(user.language or translation.get_language()):
        messages.success(request, _("Your preferences are saved."))
    return redirect("accounts:settings")


@sensitive_post_parameters()
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; this session goes on, the others end."""
    user = access.signed_in(request)
    form = PasswordForm(request.POST, user=user)
    if form.is_valid():
        try:
            users.set_password(user, form.cleaned_data["new"])
        except ValidationError as error:
            form.add_error("new", error)
    if not form.is_valid():
        return _page(request, user, password=form)
    update_session_auth_hash(request, user)
    messages.success(request, _("Your password is changed."))
    return redirect("accounts:settings")


@never_cache
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Create an API token. The answer shows it, this once: it is kept nowhere, not in the session either."""
    user = access.signed_in(request)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, user, token=form)
    token, plain = tokens.create(user, form.cleaned_data["name"], form.expires_at())
    return _page(request, user, new_token=token, plain=plain)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke one of one's own tokens."""
    user = access.signed_in(request)
    token = get_object_or_404(user.api_tokens, pk=pk)
    tokens.revoke(token, by=user)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("accounts:settings")


def _page(request: HttpRequest, user: User, **parts: Any) -> HttpResponse:
    """Show the page; `parts` takes the place of the empty forms."""
    context = {
        "preferences": PreferencesForm.of(user),
        "password": PasswordForm(user=user),
        "token": TokenForm(),
        "tokens": user.api_tokens.live(timezone.now()),
        "roles": [access.ROLE_LABELS[role] for role in sorted(access.roles_of(user))],
    }
    wrong = any(getattr(part, "errors", None) for part in parts.values())
    return render(request, "accounts/settings.html", context | parts, status=422 if wrong else 200)
