"""Page addresses of `experiments`."""

from django.urls import path

from experiments.views import (
    compare,
    compare_curves,
    experiments,
    goals,
    job,
    job_log,
    job_priority,
    jobs,
    launch,
    mirror,
    repositories,
    repository,
    repository_settings,
    run,
    run_edits,
    runs,
)

app_name = "experiments"
urlpatterns = [
    path("experiments/", experiments.experiments, name="experiments"),
    path("compare/", compare.compare, name="compare"),
    path("compare/chart/", compare_curves.chart, name="compare-chart"),
    path("compare/points/", compare_curves.points, name="compare-points"),
    path("compare/table.csv", compare.export, name="compare-export"),
    path("experiments/metrics/", goals.goals, name="general-goals"),
    path("experiments/<str:experiment_id>/metrics/", goals.goals, name="goals"),
    path("mirror/sync/", mirror.sync, name="sync"),
    path("runs/", runs.runs, name="runs"),
    path("runs/export.csv", runs.export, name="runs-export"),
    path("runs/count/", runs.count, name="runs-count"),
    path("runs/edit/", run_edits.edit, name="edit-runs"),
    path("runs/<str:run_id>/", run.run, name="run"),
    path("runs/<str:run_id>/chart/", run.chart, name="run-chart"),
    path("runs/<str:run_id>/points/", run.points, name="run-points"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<int:pk>/", job.job, name="job"),
    path("jobs/<int:pk>/cancel/", job.cancel, name="job-cancel"),
    path("jobs/<int:pk>/retry/", job.retry, name="job-retry"),
    path("jobs/<int:pk>/priority/", job_priority.priority, name="job-priority"),
    path("jobs/<int:pk>/log/", job_log.lines, name="job-log"),
    path("jobs/<int:pk>/log.txt", job_log.text, name="job-log-text"),
    path("repositories/", repositories.repositories, name="repositories"),
    path("repositories/connect/", repositories.connect, name="connect"),
    path("repositories/<str:name>/", repository.repository, name="repository"),
    path("repositories/<str:name>/fetch/", repository.fetch, name="fetch"),
    path("repositories/<str:name>/settings/", repository_settings.settings, name="repository-settings"),
    path("repositories/<str:name>/run/", launch.launch, name="launch"),
]
