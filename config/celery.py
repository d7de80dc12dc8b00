"""The Celery application of the workers. The web process never imports it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("stagegate")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()
