"""Settings of the web server."""

import gc
from typing import Any

from config import settings
from integrations import process_privacy

# Loopback unless the operator opens it: the stack has no TLS of its own.
bind = f"{settings.BIND}:{settings.PORT}"
workers = settings.WEB_WORKERS
threads = 4
worker_class = "gthread"
preload_app = True
timeout = 30
graceful_timeout = 3
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 8190  # a hundred chosen runs and a long filter
accesslog = None
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeat files; a disk could stall them
# Nobody controls this server but its supervisor, and the socket would lie outside the data folder.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Keep the secrets in the environment of the web server from the stages, which are of the same user."""
    if problem := process_privacy.close_to_others():
        server.log.warning("Stages may read the environment of the web server: %s", problem)


def when_ready(_server: Any) -> None:
    """Load the addresses before there are workers, and keep all that they share out of their collections.

    Else each worker loads them by itself, and looks through a hundred megabytes of modules again and again
    for what is never garbage.
    """
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 - reading it loads them
    gc.collect()
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Keep those of its workers, too."""
    process_privacy.close_to_others()
