"""Page addresses of `experiments`."""

from django.urls import path

from experiments.views import job, job_log, jobs

app_name = "experiments"
urlpatterns = [
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<int:pk>/", job.job, name="job"),
    path("jobs/<int:pk>/cancel/", job.cancel, name="job-cancel"),
    path("jobs/<int:pk>/retry/", job.retry, name="job-retry"),
    path("jobs/<int:pk>/log/", job_log.lines, name="job-log"),
    path("jobs/<int:pk>/log.txt", job_log.text, name="job-log-text"),
]
