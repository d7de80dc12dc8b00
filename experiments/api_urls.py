"""REST addresses of `experiments`."""

from django.urls import path

from experiments import (
    api,
    compare_api,
    compare_files_api,
    goals_api,
    importance_api,
    queue_api,
    run_api,
    run_edits_api,
    run_files_api,
    saved_views_api,
    sweep_api,
)

urlpatterns = [
    path("experiments/", api.Experiments.as_view(), name="api-experiments"),
    path("compare/", compare_api.CompareView.as_view(), name="api-compare"),
    path("compare/files/", compare_files_api.CompareFilesView.as_view(), name="api-compare-files"),
    path("compare/importance/", importance_api.ImportanceView.as_view(), name="api-compare-importance"),
    path("experiments/<str:experiment_id>/metrics/", goals_api.Goals.as_view(), name="api-goals"),
    path("metrics/", goals_api.GeneralGoals.as_view(), name="api-general-goals"),
    path("runs/", api.Runs.as_view(), name="api-runs"),
    path("run-views/", saved_views_api.SavedViews.as_view(), name="api-run-views"),
    path("run-views/<int:pk>/", saved_views_api.SavedViewView.as_view(), name="api-run-view"),
    path("runs/edits/", run_edits_api.RunEdits.as_view(), name="api-run-edits"),
    path("runs/<str:run_id>/", run_api.RunView.as_view(), name="api-run"),
    path("runs/<str:run_id>/children/", run_api.RunChildren.as_view(), name="api-run-children"),
    path("runs/<str:run_id>/files/", run_files_api.RunFiles.as_view(), name="api-run-files"),
    path("runs/<str:run_id>/files/content/", run_files_api.RunFileView.as_view(), name="api-run-file"),
    path("runs/<str:run_id>/reproduce/", run_api.RunReproduction.as_view(), name="api-run-reproduce"),
    path("repositories/", api.Repositories.as_view(), name="api-repositories"),
    path("repositories/<str:name>/", queue_api.RepositoryView.as_view(), name="api-repository"),
    path(
        "repositories/<str:name>/experiments/",
        queue_api.RepositoryExperiments.as_view(),
        name="api-repository-experiments",
    ),
    path("sweeps/", sweep_api.Sweeps.as_view(), name="api-sweeps"),
    path("sweeps/preview/", sweep_api.SweepPreview.as_view(), name="api-sweep-preview"),
    path("sweeps/<int:pk>/", sweep_api.SweepView.as_view(), name="api-sweep"),
    path("sweeps/<int:pk>/stop/", sweep_api.SweepStop.as_view(), name="api-sweep-stop"),
    path("sweeps/<int:pk>/resume/", sweep_api.SweepResume.as_view(), name="api-sweep-resume"),
    path("jobs/", api.Jobs.as_view(), name="api-jobs"),
    path("jobs/<int:pk>/", api.JobView.as_view(), name="api-job"),
    path("jobs/<int:pk>/cancel/", api.JobCancel.as_view(), name="api-job-cancel"),
    path("jobs/<int:pk>/retry/", api.JobRetry.as_view(), name="api-job-retry"),
    path("jobs/<int:pk>/apply/", queue_api.JobApply.as_view(), name="api-job-apply"),
    path("jobs/<int:pk>/priority/", queue_api.JobPriority.as_view(), name="api-job-priority"),
    path("jobs/<int:pk>/log/", api.JobLogView.as_view(), name="api-job-log"),
]
