"""Django application `lineage`."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop as _


class LineageConfig(AppConfig):
    """Registers the application, its kinds of jobs and its chores."""

    name = "lineage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this app runs, and listen to jobs that bring commits."""
        from accounts.roles import Permission
        from experiments import chores, pipeline_watch, sentences
        from experiments.runners import Kind, register
        from experiments.signals import job_finished
        from lineage import index_requests, known_sentences, reproduction_words

        register(
            Kind(
                "index",
                _("Index of a repository's history"),
                "lineage.index_job:run",
                queue="sync",
                max_attempts=3,
                permission=Permission.REPOSITORY_FETCH,
                steps=("read commits",),
            )
        )
        register(
            Kind(
                "reproduce",
                _("Reproduction of a version"),
                "lineage.reproduction_job:run",
                max_attempts=4,
                backoff=(30, 120, 300),
                permission=Permission.VERSION_REPRODUCE,
                steps=("clone", "pull data", "check inputs", "compare", "sign"),
            )
        )
        register(
            Kind(
                "list_files",
                _("Lists of files of data"),
                "lineage.listing_job:run",
                queue="sync",
                permission=Permission.DATA_READ,
                steps=("fetch files",),
            )
        )
        register(
            Kind(
                "read_plots",
                _("Plots that DVC keeps"),
                "lineage.plot_job:run",
                queue="sync",
                permission=Permission.DATA_READ,
                steps=("fetch files",),
            )
        )
        register(
            Kind(
                "bundle",
                _("Evidence bundle"),
                "lineage.bundle_job:run",
                queue="sync",
                max_attempts=4,
                permission=Permission.VIEW,
                steps=("sign", "package", "verify", "record"),
            )
        )
        pipeline_watch.listen("lineage.openlineage_emission:take")
        job_finished.connect(index_requests.on_job_finished, dispatch_uid="lineage.index")
        chores.register(chores.Chore("updates", "lineage.updates:keep", seconds=30))
        chores.register(chores.Chore("index", "lineage.index_requests:catch_up", seconds=120))
        chores.register(chores.Chore("bundles", "lineage.bundle_room:keep", seconds=900))
        sentences.add(known_sentences.ALL)
        sentences.add(reproduction_words.ALL)
