"""Celery settings: the message carries an id only, the database row is the truth.

Messages are acknowledged on receipt; a job that is lost with its worker comes back through its database
lease, never through a redelivered message.
"""

from django.conf import settings

broker_url = settings.REDIS_URL
broker_connection_retry_on_startup = True
# For ever: a worker that gives up after an outage would have to be started again by hand.
broker_connection_max_retries = None
broker_transport_options = {
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "retry_on_timeout": False,
    "max_retries": 1,
    "visibility_timeout": 3600,
}
task_publish_retry = True
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
accept_content = ["json"]
task_serializer = "json"
task_acks_late = False
task_ignore_result = True
task_default_queue = "jobs"
task_create_missing_queues = True
worker_prefetch_multiplier = 1
worker_disable_prefetch = True
worker_hijack_root_logger = False
worker_send_task_events = False
worker_max_tasks_per_child = 50
