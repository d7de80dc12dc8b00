"""Page addresses of `experiments`."""

from django.urls import path

from experiments.views import job, job_log, jobs

# The repositories pages and the run form (experiments/views/repositories.py, launch.py) are being built by another
# builder at this moment; whoever builds runs, run, experiments and REST leaves those to them. (Remove this note.)
app_name = "experiments"
urlpatterns = [
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<int:pk>/", job.job, name="job"),
    path("jobs/<int:pk>/cancel/", job.cancel, name="job-cancel"),
    path("jobs/<int:pk>/retry/", job.retry, name="job-retry"),
    path("jobs/<int:pk>/log/", job_log.lines, name="job-log"),
    path("jobs/<int:pk>/log.txt", job_log.text, name="job-log-text"),
]
