"""Where hosts of repositories report that something was pushed. No session, no form: the signature counts."""

from collections.abc import Iterator

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import brake
from audit import trail
from audit.events import Event
from experiments.repositories import target
from lineage import hook_signatures, updates
from lineage.models import UpdatePlan

MAX_BYTES = 25_000_000  # GitHub sends no more
_CHUNK = 65_536


@login_not_required
@csrf_exempt
@require_POST
def push(request: HttpRequest, name: str) -> HttpResponse:
    """Take a delivery about the repository called `name`: queue a fetch, and nothing else.

    A repository that is not there, one without a webhook and a wrong signature get the same answer.
    """
    plan = UpdatePlan.objects.select_related("repository").filter(repository__name=name).first()
    try:
        genuine = hook_signatures.is_genuine(plan, request.headers, _body(request))
    except RequestDataTooBig:
        return JsonResponse({"detail": "The delivery is too large."}, status=413)
    if plan is None or not genuine:
        return _refused(request, name, plan)
    if request.headers.get("X-GitHub-Event") == "ping":
        return JsonResponse({"detail": "The signature is right."})
    job = updates.delivered(plan)
    return JsonResponse({"job": job.pk if job else None}, status=202)


def _refused(request: HttpRequest, name: str, plan: UpdatePlan | None) -> HttpResponse:
    # Genuine deliveries never come here, so whoever guesses keeps nobody else out.
    wait = brake.attempt(f"hook {name[:100]}", request.META.get("REMOTE_ADDR", ""))
    if wait:
        headers = {"Retry-After": str(int(wait.total_seconds()) + 1)}
        return JsonResponse({"detail": "Too many attempts."}, status=429, headers=headers)
    if plan is not None:
        with transaction.atomic():
            trail.record(
                Event.PERMISSION_DENIED,
                actor=trail.Actor("webhook", "webhook"),
                target=target(plan.repository),
                data={"reason": "signature"},
            )
    return JsonResponse({"detail": "The signature is not right."}, status=403)


def _body(request: HttpRequest) -> Iterator[bytes]:
    read = 0
    while chunk := request.read(_CHUNK):
        read += len(chunk)
        if read > MAX_BYTES:
            raise RequestDataTooBig
        yield chunk
