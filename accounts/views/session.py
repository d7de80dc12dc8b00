"""Pages: sign in, sign out."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sessions
from accounts.forms import SignInForm


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; then go to where the person wanted to go, if that is a page of ours."""
    destination = _destination(request)
    if request.user.is_authenticated:
        return redirect(destination)
    form = SignInForm(request.POST or None)
    if not form.is_valid():
        return _ask(request, form, destination)
    try:
        sessions.sign_in(request, form.cleaned_data["username"], form.cleaned_data["password"])
    except sessions.SignInRefusedError as refused:
        form.add_error(None, str(refused))
        return _ask(request, form, destination, wait_seconds=refused.wait_seconds)
    return redirect(destination)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sessions.sign_out(request)
    return redirect("accounts:sign-in")


def _ask(request: HttpRequest, form: SignInForm, destination: str, *, wait_seconds: int = 0) -> HttpResponse:
    context = {"form": form, "destination": destination}
    response = render(request, "accounts/sign_in.html", context, status=422 if form.is_bound else 200)
    if wait_seconds:
        response.status_code = 429
        response["Retry-After"] = str(wait_seconds)
    return response


def _destination(request: HttpRequest) -> str:
    """Return `next`, or the home page where `next` would lead to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else resolve_url("home")
