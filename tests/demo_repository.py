"""Factory of the demo's repository, with its real parameters and pipeline, for tests of pages."""

from pathlib import Path

from django.conf import settings

from experiments.models import Commit, Repository
from experiments.pipeline_summary import summary
from integrations.dvc_files import read_pipeline
from tests.jobs import make_commit, make_repository

_DEMO = Path(settings.BASE_DIR) / "examples" / "receipt-ocr"


def make_demo() -> tuple[Repository, Commit]:
    """Create the demo's repository as a fetch would leave it, with one commit."""
    repository = make_repository()
    commit = make_commit(
        repository,
        branch="main",
        tag="v1.0",
        params_text=(_DEMO / "params.yaml").read_text(encoding="utf-8"),
        pipeline=summary(read_pipeline((_DEMO / "dvc.yaml").read_text(encoding="utf-8"))),
    )
    return repository, commit
