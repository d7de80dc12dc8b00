"""The environments of a job's programs: what a stage gets, and what a transfer of data gets besides.

A stage is code of a repository. It gets its own folders and nothing of ours: no address, no key, no password.
Proxies and credentials of the data's remote are for `dvc pull` and `dvc push` alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from integrations.dvc_commands import dvc_environment

# The names under which S3, Azure, Google and OSS clients look for credentials and addresses.
_CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_", "OSS_")
# The way to other hosts. The address of a proxy may hold a password.
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


def for_stages(workspace: Path) -> dict[str, str]:
    """Return the whole environment of the stages of a job, whose own folders it makes."""
    home, temporary = workspace / "home", workspace / "tmp"
    for folder in (home, temporary):
        folder.mkdir(exist_ok=True)
    threads = str(settings.STAGE_THREADS)
    extra = {
        "TMPDIR": str(temporary),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONHASHSEED": "0",  # sets and dictionaries of text in the same order in every run
    }
    return dvc_environment(home, site_cache_dir(workspace), extra)


def for_transfers(workspace: Path, source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the stages with the worker's proxies and credentials of object stores.

    The data lie where MLflow's artifacts lie unless said otherwise: S3 clients do not know
    `MLFLOW_S3_ENDPOINT_URL`, so it is told them as `AWS_ENDPOINT_URL`. What is empty counts as not given.
    """
    given = {
        name: value
        for name, value in source.items()
        if value and (name.startswith(_CREDENTIALS) or name.lower() in _PROXIES)
    }
    if endpoint := source.get("MLFLOW_S3_ENDPOINT_URL"):
        given.setdefault("AWS_ENDPOINT_URL", endpoint)
    return for_stages(workspace) | given


def for_foreign_transfers(workspace: Path, source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the stages with the way to other hosts, and with no password at all."""
    ways = {name: value for name, value in source.items() if name.lower() in _PROXIES and "@" not in value}
    return for_stages(workspace) | {name: value for name, value in ways.items() if value}


def cache_dir() -> Path:
    """Return the DVC cache that all jobs of this host share."""
    return Path(settings.DATA_DIR) / "dvc-cache"


def site_cache_dir(workspace: Path) -> Path:
    """Return DVC's index of this job alone: a shared one is trusted too readily."""
    return workspace / "site-cache"
