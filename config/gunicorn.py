"""Settings of the web server."""

from config import settings

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
accesslog = None
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeat files; a disk could stall them
# Nobody controls this server but its supervisor, and the socket would lie outside the data folder.
control_socket_disable = True
