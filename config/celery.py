"""The Celery application of the workers. The web process never imports it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# The checks load every page, which workers never show: 30 MB and most of a second for each of them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("stagegate")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()
