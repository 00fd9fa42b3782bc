"""The Celery application. Redis carries the messages; rows in PostgreSQL are the record."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tonris.settings")

app = Celery("tonris")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
