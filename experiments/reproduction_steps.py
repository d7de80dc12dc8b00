"""Rules: how somebody makes a run again on their own machine, and what is missing for that. No database.

Every value comes from tags that anybody may have written, so each is quoted for the shell, and a commit, an
address or a name that is none is not offered but named as missing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.errors import IntegrationError
from integrations.git_commands import without_password
from integrations.git_urls import checked_url

Text = str | Promise

_SHA = re.compile(r"[0-9a-f]{7,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[^\w.-]+")
_PROTOCOLS = ("https", "http", "ssh", "git", "file")
# What describes an environment, the most exact first, and how it is brought back.
_ENVIRONMENTS = (
    ("requirements.txt", "pip install -r {file}"),
    ("conda.yaml", "conda env create -f {file}"),
    ("python_env.yaml", ""),
)
_PARAMS = "params.yaml"
_DIRTY = ("mlflow.source.git.dirty", "mlflow.git.dirty")


@dataclass(frozen=True)
class Step:
    """What to do next, and the commands that do it."""

    title: Text
    commands: tuple[str, ...]
    note: Text = ""


@dataclass(frozen=True)
class Reproduction:
    """How to make a run again.

    :ivar is_exact: whether the steps lead to the same code, data and parameters
    :ivar missing: what the run does not tell, and what follows from that
    """

    is_exact: bool
    steps: tuple[Step, ...]
    missing: tuple[Text, ...] = field(default=())


def steps(
    run_id: str,
    tags: Mapping[str, str],
    *,
    files: Collection[str],
    tracking_uri: str,
    connected_url: str = "",
    mirror: str = "",
) -> Reproduction:
    """Return how to make the run again.

    :param files: paths of its files in MLflow, as far as they are known
    :param tracking_uri: MLflow's address for people
    :param connected_url: where the repository of the run is, if it is connected here
    :param mirror: the path of our own mirror of it, in which branches of results are
    """
    known = _Known(run_id, tags, files, tracking_uri, connected_url, mirror)
    if tags.get("stagegate.job") and known.commit and known.mirror:
        return _pipeline(known)
    return _plain(known)


class _Known:
    """What the tags say, checked."""

    def __init__(
        self,
        run_id: str,
        tags: Mapping[str, str],
        files: Collection[str],
        tracking_uri: str,
        connected_url: str,
        mirror: str,
    ) -> None:
        self.run_id, self.tags, self.files, self.mirror = run_id, tags, files, mirror
        self.tracking_uri = without_password(tracking_uri)
        self.commit = self._sha("git_commit", "mlflow.source.git.commit")
        self.base = self._sha("git_base_commit")
        self.url = without_password(connected_url) or self._url(
            "mlflow.source.git.repoURL", "mlflow.gitRepoURL", "mlflow.project.gitRepoURL"
        )
        self.lock = self._matching(_DIGEST, "dvc_lock_digest")

    @property
    def folder(self) -> str:
        """A folder to clone into."""
        last = self.url.rstrip("/").rpartition("/")[2].removesuffix(".git")
        return _FOLDER.sub("-", last).strip("-.") or "repository"

    def _sha(self, *names: str) -> str:
        return self._matching(_SHA, *names)

    def _matching(self, pattern: re.Pattern[str], *names: str) -> str:
        found = (str(self.tags.get(name, "")) for name in names)
        return next((value for value in found if pattern.fullmatch(value)), "")

    def _url(self, *names: str) -> str:
        for name in names:
            try:
                return without_password(checked_url(str(self.tags.get(name, "")), _PROTOCOLS))
            except IntegrationError:
                continue
        return ""


def _pipeline(known: _Known) -> Reproduction:
    """A run of a pipeline of ours: its result is a commit that holds parameters and dvc.lock."""
    folder = shlex.quote(known.folder)
    made = [
        Step(
            _("Get the code as it was"),
            (
                f"git clone -- {shlex.quote(known.mirror)} {folder}",
                f"cd {folder}",
                f"git checkout {known.commit}",
            ),
            _("On the server: only the mirror there is sure to hold the commit of a result."),
        ),
        Step(_("Get the data and the outputs"), ("dvc pull",)),
        Step(
            _("Run the pipeline again"),
            ("dvc repro --force",),
            _("Without --force DVC says that nothing changed, which is true."),
        ),
    ]
    if known.lock:
        made.append(
            Step(
                _("Check that the result is the same"),
                (f"echo {shlex.quote(known.lock + '  dvc.lock')} | sha256sum --check",),
                _("It names the hashes of all outputs; training that is not deterministic gives others."),
            )
        )
    if known.url and known.base and known.base != known.commit:
        made.append(_elsewhere(known, folder))
    return Reproduction(is_exact=True, steps=tuple(made))


def _elsewhere(known: _Known, folder: str) -> Step:
    params = next((path for path in known.files if path in ("pipeline/params.yaml", _PARAMS)), "")
    commands = [
        f"git clone -- {shlex.quote(known.url)} {folder}",
        f"cd {folder}",
        f"git checkout {known.base}",
    ]
    if params:
        commands += _download(known, params, ".")
    note = (
        _("The commit that the run started from, with the parameters that it used.")
        if params
        else _("The commit that the run started from. First write its parameters into params.yaml.")
    )
    return Step(_("Anywhere else"), (*commands, "dvc pull", "dvc repro"), note)


def _plain(known: _Known) -> Reproduction:
    """A run that somebody logged: what is known, and what is not."""
    made: list[Step] = []
    missing: list[Text] = []
    if known.commit and known.url:
        folder = shlex.quote(known.folder)
        made.append(
            Step(
                _("Get the code as it was"),
                (
                    f"git clone -- {shlex.quote(known.url)} {folder}",
                    f"cd {folder}",
                    f"git checkout {known.commit}",
                ),
            )
        )
    elif known.commit:
        checkout = (f"git checkout {known.commit}",)
        made.append(Step(_("Get the code as it was"), checkout, _("In your clone of its repository.")))
        missing.append(_("The address of its repository was not logged, only the commit."))
    else:
        missing.append(_("No commit was logged, so nobody can tell which code made this run."))
    if _says_dirty(known.tags):
        missing.append(_("Some changes had not been committed, so the commit does not have them."))
    _environment(known, made, missing)
    if not known.tags.get("dataset_hash") and not known.lock:
        missing.append(_("No hash of its data was logged, so nobody can tell whether data are the same."))
    _program(known, made, missing)
    return Reproduction(is_exact=False, steps=tuple(made), missing=tuple(missing))


def _says_dirty(tags: Mapping[str, str]) -> bool:
    return any(str(tags.get(name, "")).lower() == "true" for name in _DIRTY)


def _environment(known: _Known, made: list[Step], missing: list[Text]) -> None:
    for name, install in _ENVIRONMENTS:
        path = min((path for path in known.files if path.rpartition("/")[2] == name), key=len, default="")
        if path:
            commands = _download(known, path, "environment")
            if install:
                commands.append(install.format(file=f"environment/{name}"))
            made.append(Step(_("Bring back its environment"), tuple(commands)))
            return
    missing.append(_("No description of its environment is known among its files (look at Files)."))


def _program(known: _Known, made: list[Step], missing: list[Text]) -> None:
    name = str(known.tags.get("mlflow.source.name", ""))
    entry = str(known.tags.get("mlflow.project.entryPoint", ""))
    if entry and known.url and known.commit:
        command = f"mlflow run {shlex.quote(known.url)} --version {known.commit} -e {shlex.quote(entry)}"
        made.append(Step(_("Run the project again"), (command,), _("Add its parameters with -P name=value.")))
    elif name.endswith(".py") and name.isprintable() and not name.startswith("-"):
        note = _("With the parameters of this run: how the program takes them was not logged.")
        made.append(Step(_("Run the program again"), (f"python {shlex.quote(name)}",), note))
    else:
        missing.append(_("The command that was run was not logged."))


def _download(known: _Known, path: str, folder: str) -> list[str]:
    return [
        f"export MLFLOW_TRACKING_URI={shlex.quote(known.tracking_uri)}",
        download(known.run_id, path, folder),
    ]


def download(run_id: str, path: str, folder: str = ".") -> str:
    """Return the command of MLflow that puts a file or folder of a run (empty: all) into `folder`."""
    wanted = f" --artifact-path {shlex.quote(path)}" if path else ""
    where = f"--run-id {shlex.quote(run_id)}{wanted} --dst-path {shlex.quote(folder)}"
    return f"mlflow artifacts download {where}"
